// Idempotency-Key, which counts for the creation of tickets only: the same key with the same body
// answers as the first time, for two hours. It is kept with the ticket, so one commit holds both.

import { createHash } from 'node:crypto';
import { badRequest } from './api_error.mjs';

const keptMs = 2 * 60 * 60 * 1000;
const lengthMax = 255;

/** {key, fingerprint, until_ms} of a request with a key, or null. Throws 400 if it is too long. */
export function idempotencyOf(request, clock) {
  const key = request.headers['idempotency-key'];
  if (key === undefined) {
    return null;
  }
  if (key.length > lengthMax) {
    const description = `Idempotency key is longer than ${lengthMax} characters`;
    throw badRequest('IdempotentRequestError', description);
  }
  const fingerprint = createHash('sha256').update(request.body).digest('hex');
  return { key, fingerprint, until_ms: clock.nowMs() + keptMs };
}

/** The id of the ticket that was made under the key, or null. Throws 400 for another body. */
export function knownTicket(transaction, idempotency, clock) {
  const live = transaction
    .find('tickets', '$idempotency', idempotency)
    .map((id) => transaction.row('tickets', id))
    .find((row) => row.$idempotency.until_ms > clock.nowMs());
  if (live === undefined) {
    return null;
  }
  if (live.$idempotency.fingerprint !== idempotency.fingerprint) {
    const description = "Request parameters don't match the given idempotency key";
    throw badRequest('IdempotentRequestError', description);
  }
  return live.id;
}

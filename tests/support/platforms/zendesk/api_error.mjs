// Zendesk errors: {"error": "Name", "description", "details"?}, or {"error": {"title", "message"}}
// from the layers before the application.

import { jsonReply, textReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

export class ApiError extends Error {
  constructor(status, body, headers = {}) {
    super(`${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }

  reply() {
    return jsonReply(this.status, this.body, this.headers);
  }
}

export function asApiError(error) {
  if (error instanceof ApiError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    return new ApiError(409, { error: 'DatabaseConflict', description: 'Database collision' });
  }
  throw error;
}

export function notFound() {
  return new ApiError(404, { error: 'RecordNotFound', description: 'Not found' });
}

export function noEndpoint() {
  return new ApiError(404, { error: 'InvalidEndpoint', description: 'Not found' });
}

export function badRequest(error, description) {
  return new ApiError(400, { error, description });
}

export function invalidAttribute(name, problem) {
  const message = `You passed an invalid value for the ${name} attribute. ${problem}`;
  return new ApiError(400, { error: { title: 'Invalid attribute', message } });
}

export function notParsed() {
  const message = 'Server could not parse JSON';
  return new ApiError(422, { error: 'Unprocessable Entity', message });
}

export function notAuthenticated() {
  const headers = { 'WWW-Authenticate': 'Basic realm="Web Password"' };
  return new ApiError(401, { error: "Couldn't authenticate you" }, headers);
}

export function invalidToken() {
  const description = 'The access token provided is expired, revoked, malformed or invalid.';
  const headers = { 'WWW-Authenticate': 'Bearer realm="Zendesk", error="invalid_token"' };
  return new ApiError(401, { error: 'invalid_token', error_description: description }, headers);
}

/** `details`: field -> [{error, description}]. */
export function recordInvalid(details) {
  return new ApiError(422, {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details,
  });
}

export function updateConflict() {
  const description = 'Safe Update prevented the update due to outdated ticket data.';
  return new ApiError(409, { error: 'UpdateConflict', description });
}

const rateText = 'Number of allowed API requests per minute exceeded';

/** The account's limit answers in plain text, an endpoint's own in JSON. */
export function rateExceeded(kind, headers) {
  return kind === 'json'
    ? jsonReply(429, { error: 'APIRateLimitExceeded', description: rateText }, headers)
    : textReply(429, rateText, 'text/plain; charset=utf-8', headers);
}

/** The usual body of a status, for faults. */
export function usualError(status) {
  const usual = {
    401: () => notAuthenticated().reply(),
    404: () => notFound().reply(),
    409: () => asApiError(new LockTimeout('fault')).reply(),
    429: () => rateExceeded('text', {}),
    503: () => textReply(503, 'Service Unavailable', 'text/plain; charset=utf-8'),
  };
  if (Object.hasOwn(usual, status)) {
    return usual[status]();
  }
  const title = status === 403 ? 'Forbidden' : `HTTP ${status}`;
  const message = status === 403 ? 'You do not have access to this page.' : 'Something went wrong.';
  return jsonReply(status, { error: { title, message } });
}

// Bearer tokens of the directory's endpoint, by client credentials; an hour's life.

import { randomBytes, randomUUID } from 'node:crypto';
import { jsonReply, parseBearer } from '../lib/reply.mjs';
import { notAuthenticated } from './api_error.mjs';

const scopeWanted = 'https://api.businesscentral.dynamics.com/.default';

export class Sessions {
  #credentials;
  #clock;
  #lifetimeMs;
  #tokens = new Map();

  constructor({ credentials, clock, lifetimeMs }) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  expireAll() {
    this.#tokens.clear();
  }

  /** Throws 401 unless the request carries a live token. */
  check({ headers }) {
    const token = parseBearer(headers.authorization);
    const endMs = token === null ? 0 : (this.#tokens.get(token) ?? 0);
    if (endMs <= this.#clock.rawMs()) {
      throw notAuthenticated();
    }
  }

  /** POST /{tenant}/oauth2/v2.0/token */
  token({ body }) {
    const form = new URLSearchParams(body.toString('utf8'));
    if (form.get('grant_type') !== 'client_credentials') {
      const text = 'The app requested an unsupported grant type';
      return refused(400, 'unsupported_grant_type', 70003, text);
    }
    if (form.get('client_id') !== this.#credentials.client_id) {
      const text = 'The application was not found in the directory';
      return refused(400, 'unauthorized_client', 700016, text);
    }
    if (form.get('client_secret') !== this.#credentials.client_secret) {
      return refused(401, 'invalid_client', 7000215, 'Invalid client secret provided');
    }
    if (form.get('scope') !== scopeWanted) {
      return refused(400, 'invalid_scope', 1002012, 'The provided value for scope is not valid');
    }
    const token = randomBytes(48).toString('base64url');
    this.#tokens.set(token, this.#clock.rawMs() + this.#lifetimeMs);
    const seconds = Math.floor(this.#lifetimeMs / 1000) - 1;
    return jsonReply(200, {
      token_type: 'Bearer',
      expires_in: seconds,
      ext_expires_in: seconds,
      access_token: token,
    });
  }
}

function refused(status, error, code, text) {
  return jsonReply(status, {
    error,
    error_description: `AADSTS${code}: ${text}.`,
    error_codes: [code],
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
  });
}

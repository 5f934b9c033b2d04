// The token of a private app, which does not end; and those of an OAuth app, by a refresh token.

import { randomBytes, randomUUID } from 'node:crypto';
import { jsonReply, parseBearer } from '../lib/reply.mjs';
import { notAuthenticated, tokenExpired } from './api_error.mjs';

export class Sessions {
  #credentials;
  #clock;
  #lifetimeMs;
  #ends = new Map();

  constructor({ credentials, clock, lifetimeMs }) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  expireAll() {
    for (const token of this.#ends.keys()) {
      this.#ends.set(token, this.#clock.rawMs());
    }
  }

  /** Throws 401 unless the request carries a token that holds. */
  check(request) {
    const token = parseBearer(request.headers.authorization);
    if (token !== null && token === this.#credentials.token) {
      return;
    }
    if (!this.#ends.has(token)) {
      throw notAuthenticated();
    }
    const overMs = this.#clock.rawMs() - this.#ends.get(token);
    if (overMs >= 0) {
      throw tokenExpired(Math.ceil(overMs / 1000));
    }
  }

  /** POST /oauth/v1/token */
  token(request) {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const { client_id, client_secret, refresh_token } = this.#credentials;
    const clientOk =
      form.get('client_id') === client_id && form.get('client_secret') === client_secret;
    if (!clientOk) {
      return refused('BAD_CLIENT_ID', 'missing or unknown client id');
    }
    if (form.get('grant_type') !== 'refresh_token' || form.get('refresh_token') !== refresh_token) {
      return refused('BAD_REFRESH_TOKEN', 'missing or invalid refresh token');
    }
    const token = randomBytes(48).toString('base64url');
    this.#ends.set(token, this.#clock.rawMs() + this.#lifetimeMs);
    return jsonReply(200, {
      token_type: 'bearer',
      refresh_token,
      access_token: token,
      expires_in: Math.floor(this.#lifetimeMs / 1000),
    });
  }
}

function refused(status, message) {
  return jsonReply(400, { status, message, correlationId: randomUUID() });
}

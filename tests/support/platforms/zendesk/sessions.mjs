// API token as Basic (`email/token`), and OAuth tokens as Bearer.

import { randomBytes } from 'node:crypto';
import { jsonReply, parseBasic, parseBearer } from '../lib/reply.mjs';
import { invalidToken, notAuthenticated } from './api_error.mjs';

/** The user behind the API token. It is not a row, so that a new account's log is empty. */
export const agentId = 9001;
/** Whoever acts through the control plane; no row either. */
export const humanId = 9002;

export class Sessions {
  #credentials;
  #clock;
  #lifetimeMs;
  #ends = new Map();

  /** `lifetimeMs` 0: tokens live until they are revoked, as those without expires_in do. */
  constructor({ credentials, clock, lifetimeMs }) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  expireAll() {
    this.#ends.clear();
  }

  /** Throws 401 unless the request carries the API token or a live OAuth token. */
  check(request) {
    const { authorization } = request.headers;
    const bearer = parseBearer(authorization);
    if (bearer !== null) {
      if ((this.#ends.get(bearer) ?? 0) <= this.#clock.rawMs()) {
        throw invalidToken();
      }
      return;
    }
    const basic = parseBasic(authorization);
    const { email, api_token: token } = this.#credentials;
    if (basic === null || basic.user !== `${email}/token` || basic.password !== token) {
      throw notAuthenticated();
    }
  }

  /** POST /oauth/tokens, as JSON or as a form. */
  token(request) {
    const form = readForm(request);
    const { client_id: id, client_secret: secret } = this.#credentials;
    if (form.client_id !== id || form.client_secret !== secret) {
      return refused('invalid_client', 'Client authentication failed');
    }
    if (!this.#grantOk(form)) {
      return refused('invalid_grant', 'The provided access grant is invalid, expired, or revoked');
    }
    const token = randomBytes(32).toString('hex');
    const end = this.#lifetimeMs > 0 ? this.#clock.rawMs() + this.#lifetimeMs : Infinity;
    this.#ends.set(token, end);
    return jsonReply(200, {
      access_token: token,
      refresh_token: this.#credentials.refresh_token,
      token_type: 'bearer',
      scope: form.scope ?? 'read write',
      ...(this.#lifetimeMs > 0 ? { expires_in: Math.floor(this.#lifetimeMs / 1000) } : {}),
    });
  }

  #grantOk(form) {
    switch (form.grant_type) {
      case 'client_credentials':
        return true;
      case 'refresh_token':
        return form.refresh_token === this.#credentials.refresh_token;
      default:
        return false;
    }
  }
}

function refused(error, description) {
  return jsonReply(401, { error, error_description: description });
}

function readForm(request) {
  const text = request.body.toString('utf8');
  if (!/json/.test(request.headers['content-type'] ?? '')) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

// Basic and OAuth. Within its lifetime a new token request is given the same token again, with
// less time left.

import { randomBytes } from 'node:crypto';
import { jsonReply, parseBasic, parseBearer } from '../lib/reply.mjs';
import { notAuthenticated } from './api_error.mjs';

export class Sessions {
  #credentials;
  #clock;
  #lifetimeMs;
  #token = null;

  constructor({ credentials, clock, lifetimeMs }) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  expireAll() {
    this.#token = null;
  }

  /** Throws 401 unless the request carries the password or a live token. */
  check(request) {
    const { authorization } = request.headers;
    const basic = parseBasic(authorization);
    const basicOk = basic !== null && this.#passwordOk(basic.user, basic.password);
    const bearer = parseBearer(authorization);
    const bearerOk = bearer !== null && this.#leftMs() > 0 && bearer === this.#token.text;
    if (!basicOk && !bearerOk) {
      throw notAuthenticated();
    }
  }

  /** POST /oauth_token.do */
  token(request) {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const basic = parseBasic(request.headers.authorization);
    const clientId = form.get('client_id') ?? basic?.user;
    const clientSecret = form.get('client_secret') ?? basic?.password;
    const { client_id: wantedId, client_secret: wantedSecret } = this.#credentials;
    if (clientId !== wantedId || clientSecret !== wantedSecret || !this.#grantOk(form)) {
      return jsonReply(401, { error_description: 'access_denied', error: 'server_error' });
    }
    if (this.#leftMs() <= 0) {
      const text = randomBytes(48).toString('base64url');
      this.#token = { text, endMs: this.#clock.rawMs() + this.#lifetimeMs };
    }
    return jsonReply(200, {
      access_token: this.#token.text,
      refresh_token: this.#credentials.refresh_token,
      scope: 'useraccount',
      token_type: 'Bearer',
      expires_in: Math.max(0, Math.ceil(this.#leftMs() / 1000) - 1),
    });
  }

  #grantOk(form) {
    switch (form.get('grant_type')) {
      case 'client_credentials':
        return true;
      case 'password':
        return this.#passwordOk(form.get('username'), form.get('password'));
      case 'refresh_token':
        return form.get('refresh_token') === this.#credentials.refresh_token;
      default:
        return false;
    }
  }

  #passwordOk(username, password) {
    return username === this.#credentials.username && password === this.#credentials.password;
  }

  #leftMs() {
    return this.#token ? this.#token.endMs - this.#clock.rawMs() : 0;
  }
}

// Who asks (Basic, or a Bearer token by client credentials), and the token against forgery, which
// is good only together with the session cookie that came with it.

import { randomBytes } from 'node:crypto';
import { jsonReply, parseBasic, parseBearer } from '../lib/reply.mjs';
import { csrfRequired, notLoggedOn } from './api_error.mjs';

const cookieName = 'SAP_SESSIONID_X01_100';
const tokenSeconds = 3600;

export class Sessions {
  #credentials;
  #clock;
  #lifetimeMs;
  #bearers = new Map();
  #sessions = new Map();

  constructor({ credentials, clock, lifetimeMs }) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  expireAll() {
    this.#bearers.clear();
    this.#sessions.clear();
  }

  /** Throws 401 unless the request says who asks. */
  check({ headers }) {
    const basic = parseBasic(headers.authorization);
    const { username, password } = this.#credentials;
    const named = basic !== null && basic.user.toUpperCase() === username.toUpperCase();
    const bearer = parseBearer(headers.authorization);
    const endMs = bearer === null ? 0 : (this.#bearers.get(bearer) ?? 0);
    if (!(named && basic.password === password) && endMs <= this.#clock.rawMs()) {
      throw notLoggedOn();
    }
  }

  /** The headers of a reply to a request that fetches the token; none for any other. */
  fetched({ headers }) {
    if (headers['x-csrf-token']?.toLowerCase() !== 'fetch') {
      return {};
    }
    const current = this.#session(headers);
    if (current) {
      return { 'x-csrf-token': current.token };
    }
    const id = randomBytes(24).toString('base64url');
    const token = `${randomBytes(16).toString('base64url')}==`;
    this.#sessions.set(id, { token, endMs: this.#clock.rawMs() + this.#lifetimeMs });
    return {
      'x-csrf-token': token,
      'Set-Cookie': [
        'sap-usercontext=sap-client=100; path=/',
        `${cookieName}=${encodeURIComponent(id)}; path=/; HttpOnly`,
      ],
    };
  }

  /** Throws 403 unless a request that changes something has the token of its session. */
  checkForgery({ headers }) {
    const session = this.#session(headers);
    if (!session || headers['x-csrf-token'] !== session.token) {
      throw csrfRequired();
    }
  }

  #session({ cookie = '' }) {
    const pairs = cookie.split(';').map((pair) => pair.trim());
    const own = pairs.find((pair) => pair.startsWith(`${cookieName}=`));
    const session = own && this.#sessions.get(decodeURIComponent(own.slice(cookieName.length + 1)));
    return session && session.endMs > this.#clock.rawMs() ? session : null;
  }

  /** POST /sap/bc/sec/oauth2/token */
  token({ headers, body }) {
    const form = new URLSearchParams(body.toString('utf8'));
    const basic = parseBasic(headers.authorization);
    const id = basic?.user ?? form.get('client_id');
    const secret = basic?.password ?? form.get('client_secret');
    if (id !== this.#credentials.client_id || secret !== this.#credentials.client_secret) {
      return jsonReply(401, { error: 'invalid_client' });
    }
    if (form.get('grant_type') !== 'client_credentials') {
      return jsonReply(400, { error: 'unsupported_grant_type' });
    }
    const token = randomBytes(32).toString('base64url');
    this.#bearers.set(token, this.#clock.rawMs() + tokenSeconds * 1000);
    return jsonReply(200, {
      access_token: token,
      token_type: 'Bearer',
      expires_in: String(tokenSeconds),
    });
  }
}

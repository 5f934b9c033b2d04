// Token-based authentication (OAuth 1.0, HMAC-SHA256): every request is signed, a nonce is taken
// once, and the clock of who signs must be right. There are no sessions.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidLogin } from './api_error.mjs';

const clockOffMostMs = 5 * 60 * 1000;

export class TokenAuth {
  #credentials;
  #clock;
  #nonces = new Map();

  constructor({ credentials, clock }) {
    this.#credentials = credentials;
    this.#clock = clock;
  }

  /** Throws 401 unless the request is signed by the token that there is. */
  check(request) {
    const given = parseHeader(request.headers.authorization ?? '');
    const { realm, client_id, token_id } = this.#credentials;
    const isOurs =
      given.realm === realm &&
      given.oauth_consumer_key === client_id &&
      given.oauth_token === token_id &&
      given.oauth_signature_method === 'HMAC-SHA256' &&
      [undefined, '1.0'].includes(given.oauth_version);
    if (!isOurs || !this.#isNow(given.oauth_timestamp) || !this.#isSigned(request, given)) {
      throw invalidLogin();
    }
    this.#take(given.oauth_nonce);
  }

  #isNow(timestamp) {
    return Math.abs(Number(timestamp) * 1000 - this.#clock.nowMs()) <= clockOffMostMs;
  }

  #isSigned(request, given) {
    const { client_secret, token } = this.#credentials;
    const url = `http://${request.headers.host}${request.url}`;
    const signed = { method: request.method, url, given, client_secret, token };
    const wanted = Buffer.from(signatureOf(signed));
    const told = Buffer.from(given.oauth_signature ?? '');
    return told.length === wanted.length && timingSafeEqual(told, wanted);
  }

  #take(nonce) {
    const now = this.#clock.rawMs();
    for (const [old, at] of this.#nonces) {
      if (at < now - 2 * clockOffMostMs) {
        this.#nonces.delete(old);
      }
    }
    if (!nonce || this.#nonces.has(nonce)) {
      throw invalidLogin();
    }
    this.#nonces.set(nonce, now);
  }
}

/** RFC 5849: what is signed is the method, the address and all parameters, in their order. */
export function signatureOf({ method, url, given, client_secret, token }) {
  const { origin, pathname, searchParams } = new URL(url);
  const parameters = [...searchParams];
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith('oauth_') && name !== 'oauth_signature') {
      parameters.push([name, value]);
    }
  }
  const pairs = parameters.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort();
  const parts = [method, origin + pathname, pairs.join('&')];
  const key = `${encoded(client_secret)}&${encoded(token)}`;
  return createHmac('sha256', key).update(parts.map(encoded).join('&')).digest('base64');
}

/** RFC 3986: everything but letters, digits, "-", ".", "_" and "~". */
export function encoded(text) {
  const escape = (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, escape);
}

function parseHeader(header) {
  const given = {};
  if (/^OAuth\s/i.test(header)) {
    for (const [, name, value] of header.matchAll(/([a-z_]+)="([^"]*)"/g)) {
      given[name] = decodeURIComponent(value);
    }
  }
  return given;
}

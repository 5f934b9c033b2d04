// For tests: the REST services with fetch, each request signed by a token.

import { randomBytes } from 'node:crypto';
import { httpCall } from './http_call.mjs';
import { encoded, signatureOf } from '../netsuite/token_auth.mjs';

export const recordPath = '/services/rest/record/v1';
const queryPath = '/services/rest/query/v1/suiteql';

/**
 * call(method, path, body?, headers?) -> {status, headers, text, body}. `changed`: what is to be
 * otherwise in the OAuth parameters or the credentials; `atMs`: the clock of who signs.
 */
export function netSuiteSession(platform, { changed = {}, atMs = Date.now } = {}) {
  return (method, path, body, headers = {}) => {
    const url = platform.url + path;
    const all = { ...platform.credentials, ...changed };
    const given = {
      oauth_consumer_key: all.client_id,
      oauth_nonce: all.nonce ?? randomBytes(16).toString('hex'),
      oauth_signature_method: 'HMAC-SHA256',
      oauth_timestamp: String(Math.floor(atMs() / 1000)),
      oauth_token: all.token_id,
      oauth_version: '1.0',
    };
    const { client_secret, token, realm } = all;
    given.oauth_signature = signatureOf({ method, url, given, client_secret, token });
    const parts = Object.entries({ realm, ...given });
    const authorization = `OAuth ${parts.map(([k, v]) => `${k}="${encoded(v)}"`).join(',')}`;
    return httpCall(url, { method, headers: { authorization, ...headers }, body });
  };
}

/** Runs a query; `path` may have a limit and an offset. */
export function suiteQl(call, q, parameters = '') {
  return call('POST', queryPath + parameters, { q }, { prefer: 'transient' });
}

/** Creates a record; its id. */
export async function createRecord(call, type, fields) {
  const { status, headers, text } = await call('POST', `${recordPath}/${type}`, fields);
  if (status !== 204) {
    throw new Error(`${status} ${text}`);
  }
  return headers.get('location').split('/').at(-1);
}

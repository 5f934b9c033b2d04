// For tests: an OData service of SAP with fetch; the token against forgery is fetched once.

import { httpCall } from './http_call.mjs';

/** Returns call(method, path, body?, headers?) -> {status, headers, text, body}. */
export async function sapSession(platform) {
  const { username, password, service } = platform.credentials;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const bare = (method, path, body, headers = {}) =>
    httpCall(platform.url + service + path, {
      method,
      headers: { authorization, ...headers },
      body,
    });
  const fetched = await bare('GET', '/', undefined, { 'x-csrf-token': 'Fetch' });
  const cookie = fetched.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const token = fetched.headers.get('x-csrf-token');
  return (method, path, body, headers = {}) =>
    bare(method, path, body, { 'x-csrf-token': token, cookie, ...headers });
}

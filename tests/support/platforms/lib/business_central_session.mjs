// For tests: API pages of Business Central with fetch, and a token that is asked for once.

import { httpCall } from './http_call.mjs';

/** One request for a token: {status, body}. */
export function askForToken(platform, form = {}) {
  const { client_id, client_secret, token_path: path } = platform.credentials;
  const scope = 'https://api.businesscentral.dynamics.com/.default';
  const all = { grant_type: 'client_credentials', client_id, client_secret, scope, ...form };
  return httpCall(platform.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: String(new URLSearchParams(all)),
  });
}

/** Returns call(method, path, body?, headers?) below the company, of the tenant's own pages. */
export async function businessCentralSession(platform, api = 'own_company') {
  const { body: token } = await askForToken(platform);
  const authorization = `Bearer ${token.access_token}`;
  const base = platform.url + platform.credentials[api];
  return (method, path, body, headers = {}) =>
    httpCall(path.startsWith('http') ? path : base + path, {
      method,
      headers: { authorization, ...headers },
      body,
    });
}

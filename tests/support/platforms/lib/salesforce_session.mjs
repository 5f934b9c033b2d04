// For tests: a logged-in session with fetch, as thin as can be.

import { httpCall } from './http_call.mjs';

const version = '/services/data/v62.0';

export async function loginSalesforce(platform, form = {}) {
  const { client_id: id, client_secret: secret } = platform.credentials;
  const all = { grant_type: 'client_credentials', client_id: id, client_secret: secret, ...form };
  const response = await fetch(`${platform.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(all),
  });
  return { status: response.status, body: await response.json() };
}

/** Returns call(method, path, body?, headers?) -> {status, headers, body}. */
export async function salesforceSession(platform) {
  const {
    body: { access_token: token },
  } = await loginSalesforce(platform);
  return (method, path, body, headers = {}) => {
    const address = `${platform.url}${path.startsWith('/services') ? '' : version}${path}`;
    return httpCall(address, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      body,
    });
  };
}

export function soql(text) {
  return `/query?q=${encodeURIComponent(text)}`;
}

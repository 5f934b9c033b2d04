// For tests: Frappe's REST v1 with fetch, as thin as can be.

import { httpCall } from './http_call.mjs';

/** Returns call(method, path below /api, body?, headers?) -> {status, headers, text, body}. */
export function erpnextSession(platform, token = platform.credentials.token) {
  return (method, path, body, headers = {}) =>
    httpCall(`${platform.url}/api${path}`, {
      method,
      headers: { authorization: `token ${token}`, accept: 'application/json', ...headers },
      body,
    });
}

/** The path of a list: {filters: [...]} -> filters as JSON. */
export function listPath(doctype, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    query.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  return `/resource/${encodeURIComponent(doctype)}?${query}`;
}

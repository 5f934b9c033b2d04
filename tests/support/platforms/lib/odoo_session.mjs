// For tests: the JSON-2 API with fetch, as thin as can be.

import { httpCall } from './http_call.mjs';

/** Returns call(model, method, body?, headers?) -> {status, headers, text, body}. */
export function odooSession(platform, key = platform.credentials.api_key) {
  return (model, method, body = {}, headers = {}) =>
    httpCall(`${platform.url}/json/2/${model}/${method}`, {
      method: 'POST',
      headers: { authorization: `bearer ${key}`, ...headers },
      body,
    });
}

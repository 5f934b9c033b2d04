// For tests: the Table API with fetch, as thin as can be.

import assert from 'node:assert/strict';
import { httpCall } from './http_call.mjs';

/** Returns call(method, path, body?, headers?) -> {status, headers, text, body}. */
export function serviceNowSession(platform) {
  const { username, password } = platform.credentials;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return (method, path, body, headers = {}) =>
    httpCall(platform.url + path, {
      method,
      headers: { authorization, accept: 'application/json', ...headers },
      body,
    });
}

/** The path of a table with sysparm_ parameters: {query: 'a=1'} -> sysparm_query=a%3D1. */
export function tablePath(table, parameters = {}, version = '') {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    query.set(`sysparm_${name}`, value);
  }
  return `/api/now${version}/table/${table}${query.size > 0 ? `?${query}` : ''}`;
}

/** Creates rows one by one and returns them as the platform answered. */
export async function createMany(call, table, rows) {
  const made = [];
  for (const row of rows) {
    const { status, body } = await call('POST', `/api/now/table/${table}`, row);
    assert.equal(status, 201);
    made.push(body.result);
  }
  return made;
}

// For tests: the CRM API with fetch, as thin as can be.

import assert from 'node:assert/strict';
import { httpCall } from './http_call.mjs';

export const companies = '/crm/v3/objects/companies';

/** Returns call(method, path, body?, headers?) -> {status, headers, text, body}. */
export function hubSpotSession(platform, token = platform.credentials.token) {
  return (method, path, body, headers = {}) =>
    httpCall(platform.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      body,
    });
}

/** Creates companies one by one; their ids. */
export async function createCompanies(call, all) {
  const ids = [];
  for (const properties of all) {
    const { status, body } = await call('POST', companies, { properties });
    assert.equal(status, 201, JSON.stringify(body));
    ids.push(body.id);
  }
  return ids;
}

/** The names that a search tells, in its order. */
export async function searched(call, filters, more = {}) {
  const request = { filterGroups: [{ filters }], properties: ['name'], ...more };
  const { status, body } = await call('POST', `${companies}/search`, request);
  assert.equal(status, 200, JSON.stringify(body));
  return body.results.map(({ properties }) => properties.name);
}

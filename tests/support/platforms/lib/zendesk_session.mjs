// For tests: the Zendesk API with fetch, as thin as can be.

import assert from 'node:assert/strict';
import { httpCall } from './http_call.mjs';

/** A minute and some: what was written before it is told by the incremental export. */
export const settledMs = 125_000;

/** Returns call(method, path below /api/v2, body?, headers?) -> {status, headers, text, body}. */
export function zendeskSession(platform) {
  const { email, api_token: token } = platform.credentials;
  const authorization = `Basic ${Buffer.from(`${email}/token:${token}`).toString('base64')}`;
  return (method, path, body, headers = {}) =>
    httpCall(`${platform.url}/api/v2${path}`, {
      method,
      headers: { authorization, accept: 'application/json', ...headers },
      body,
    });
}

/** Makes a ticket and returns it as the platform answered. */
export async function createTicket(call, subject, fields = {}, headers = {}) {
  const ticket = { subject, comment: { body: `About ${subject}` }, ...fields };
  const { status, body } = await call('POST', '/tickets', { ticket }, headers);
  assert.equal(status, 201, JSON.stringify(body));
  return body.ticket;
}

/** Reads the export from `query` on to its end: {rows, pages, cursor}. */
export async function readExport(call, query, table = 'tickets') {
  const rows = [];
  for (let pages = 1, next = query; ; pages += 1) {
    const { status, body } = await call('GET', `/incremental/${table}/cursor.json?${next}`);
    assert.equal(status, 200, JSON.stringify(body));
    rows.push(...body[table]);
    if (body.end_of_stream) {
      return { rows, pages, cursor: body.after_cursor };
    }
    next = new URL(body.after_url).searchParams;
  }
}

/** Moves the platform's clock on, so that what was written by now is settled. */
export async function settle(platform, skewMs = settledMs) {
  await platform.control('POST', 'clock', { skew_ms: skewMs });
}

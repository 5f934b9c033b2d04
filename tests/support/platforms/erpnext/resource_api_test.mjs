// Every documented behaviour of Frappe's REST v1 that a connector can trip over.

import assert from 'node:assert/strict';
import test from 'node:test';
import { erpnextSession, listPath } from '../lib/erpnext_session.mjs';
import { httpCall } from '../lib/http_call.mjs';
import { startPlatform } from '../lib/spawn_platform.mjs';

const customers = '/resource/Customer';

async function start(t, options) {
  const platform = await startPlatform(t, 'erpnext', options);
  return { platform, call: erpnextSession(platform) };
}

async function make(call, doctype, values) {
  const { status, body } = await call('POST', `/resource/${encodeURIComponent(doctype)}`, values);
  assert.equal(status, 200, JSON.stringify(body));
  return body.data;
}

/** The reply is an error of this status and type. */
function refused({ status, body }, wantedStatus, type, message = /./) {
  assert.deepEqual([status, body.exc_type], [wantedStatus, type]);
  const [told] = JSON.parse(body._server_messages).map((text) => JSON.parse(text).message);
  assert.match(told, message);
  assert.equal('exception' in body, status !== 404);
}

async function names(call, parameters) {
  const { status, body } = await call('GET', listPath('Customer', parameters));
  assert.equal(status, 200, JSON.stringify(body));
  return body.data.map((row) => row.name);
}

test('a document: 200 with all its fields, and 202 when it is deleted', async (t) => {
  const { platform, call } = await start(t);
  const made = await make(call, 'Customer', { customer_name: 'Acme', credit_limit: 10.5, nope: 1 });
  assert.deepEqual(
    [made.name, made.doctype, made.docstatus, made.credit_limit, made.syncline_id, made.owner],
    ['Acme', 'Customer', 0, 10.5, null, 'syncline@example.com'],
  );
  assert.match(made.modified, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?$/);
  assert.equal('nope' in made, false);
  const read = await call('GET', `${customers}/Acme`);
  assert.deepEqual([read.status, read.body.data], [200, made]);
  const put = await call('PUT', `${customers}/Acme`, { credit_limit: 100 });
  assert.equal(put.status, 200);
  assert.match(put.text, /"credit_limit":100\.0,/);
  assert.ok(put.body.data.modified >= made.modified);
  const gone = await call('DELETE', `${customers}/Acme`);
  assert.deepEqual([gone.status, gone.body], [202, { message: 'ok' }]);
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const reply = await call(method, `${customers}/Acme`, method === 'PUT' ? {} : undefined);
    refused(reply, 404, 'DoesNotExistError', /^Customer Acme not found$/);
  }
  assert.deepEqual(await platform.rows('Customer'), []);
});

test('a list has twenty rows with their names alone, unless asked otherwise', async (t) => {
  const { call } = await start(t);
  for (let i = 0; i < 25; i += 1) {
    await make(call, 'Customer', { customer_name: `C${String(i).padStart(2, '0')}` });
  }
  const { body } = await call('GET', customers);
  assert.equal(body.data.length, 20);
  assert.deepEqual(Object.keys(body.data[0]), ['name']);
  assert.equal(body.data[0].name, 'C24', 'the last that was changed comes first');
  const page = { order_by: 'name asc', limit_start: 3, limit_page_length: 2 };
  assert.deepEqual(await names(call, page), ['C03', 'C04']);
  assert.equal((await names(call, { limit_page_length: 0 })).length, 25);
  const fields = ['name', 'credit_limit', 'not_there'];
  const some = await call('GET', listPath('Customer', { fields, limit: 1 }));
  assert.deepEqual(Object.keys(some.body.data[0]), ['name', 'credit_limit']);
});

test('filters: lists of three or four, or a map; the database refuses unknown fields', async (t) => {
  const { call } = await start(t);
  await make(call, 'Customer', { customer_name: 'Acme', credit_limit: 5, website: '50%_x' });
  await make(call, 'Customer', { customer_name: 'bolt', credit_limit: 7, tax_id: '' });
  const cases = [
    [[['customer_name', '=', 'ACME ']], ['Acme']],
    [[['Customer', 'credit_limit', '>', 5]], ['bolt']],
    [{ customer_name: 'Bolt' }, ['bolt']],
    [{ credit_limit: ['<=', 5] }, ['Acme']],
    [[['website', 'like', '%\\x']], []],
    [[['website', 'like', '50%']], ['Acme']],
    [[['website', 'is', 'not set']], ['bolt']],
    [[['website', '!=', 'x']], ['Acme', 'bolt']],
    [[['website', '=', '']], ['bolt']],
    [[['name', 'in', ['acme', 'x']]], ['Acme']],
    [[['credit_limit', 'between', [6, 8]]], ['bolt']],
    [[['name', '>', 'acme']], ['bolt']],
  ];
  for (const [filters, wanted] of cases) {
    const found = await names(call, { filters, order_by: 'name asc' });
    assert.deepEqual(found, wanted, JSON.stringify(filters));
  }
  const ask = (parameters) => call('GET', listPath('Customer', parameters));
  const unknown = await ask({ filters: [['nope', '=', 1]] });
  refused(unknown, 500, 'OperationalError', /Unknown column 'tabCustomer.nope'/);
  refused(await ask({ order_by: 'nope asc' }), 500, 'OperationalError');
  refused(await ask({ filters: [['name', '~', 1]] }), 417, 'ValidationError', /Operator must be/);
  refused(await ask({ filters: [['name', 1]] }), 417, 'ValidationError', /must have 4 values/);
  refused(await ask({ filters: '[[' }), 417, 'DataError');
  refused(await ask({ order_by: 'name; drop' }), 417, 'DataError', /Illegal SQL Query/);
});

test('names: by a field and numbered, by a field once, by a series', async (t) => {
  const { call } = await start(t);
  const made = [];
  for (const name of ['Acme', 'acme', 'Acme']) {
    made.push((await make(call, 'Customer', { customer_name: name })).name);
  }
  assert.deepEqual(made, ['Acme', 'acme - 1', 'Acme - 2']);
  const upper = await call('GET', `${customers}/ACME`);
  assert.equal(upper.body.data.name, 'Acme', 'the database compares without case');
  await make(call, 'Item', { item_code: 'X/1' });
  const slash = await call('GET', `/resource/Item/${encodeURIComponent('X/1')}`);
  assert.equal(slash.body.data.name, 'X/1');
  const twice = await call('POST', '/resource/Item', { item_code: 'x/1' });
  refused(twice, 409, 'DuplicateEntryError');
  const order = await make(call, 'Sales Order', { customer: 'Acme' });
  assert.equal(order.name, 'SAL-ORD-00001');
  refused(await call('POST', customers, { customer_name: '<b>' }), 417, 'NameError');
});

test('validation: 417 with the type that says why, and nothing is stored', async (t) => {
  const { platform, call } = await start(t);
  await make(call, 'Customer', { customer_name: 'Acme', syncline_id: 'e1' });
  const post = (values) => call('POST', customers, { customer_name: 'B', ...values });
  refused(await post({ customer_name: '' }), 417, 'MandatoryError', /customer_name/);
  refused(await post({ territory: 'x' }), 417, 'LinkValidationError', /Could not find/);
  refused(await post({ customer_type: 'x' }), 417, 'ValidationError', /should be one of/);
  refused(await post({ since: 'soon' }), 417, 'ValidationError', /not a valid date/);
  refused(await post({ website: 'x'.repeat(141) }), 417, 'CharacterLengthExceededError');
  refused(await post({ syncline_id: 'E1' }), 417, 'UniqueValidationError', /must be unique/);
  assert.equal((await platform.rows('Customer')).length, 1);
  // Of those who have none there may be many.
  await post({ syncline_id: '' });
  await post({ syncline_id: '' });
  assert.equal((await platform.rows('Customer')).length, 3);
});

test('who tells when it was read does not write over what came in between', async (t) => {
  const { platform, call } = await start(t);
  const { modified } = await make(call, 'Customer', { customer_name: 'Acme' });
  const edit = { object: 'Customer', id: 'Acme', fields: { website: 'a.example' } };
  await platform.control('POST', 'clock', { skew_ms: 1_500 });
  const { row } = await platform.control('POST', 'edit', edit);
  const late = await call('PUT', `${customers}/Acme`, { modified, website: 'b.example' });
  refused(late, 417, 'TimestampMismatchError', /modified after you have opened it/);
  const now = await call('PUT', `${customers}/Acme`, { modified: row.modified, website: 'b' });
  assert.equal(now.status, 200);
  const blind = await call('PUT', `${customers}/Acme`, { website: 'c' });
  assert.deepEqual([blind.status, blind.body.data.website], [200, 'c']);
  const silent = await platform.control('POST', 'edit', { ...edit, stamp: 'none' });
  assert.ok(silent.row.modified.startsWith(blind.body.data.modified));
});

test('a submitted document takes no changes, and what is linked is not deleted', async (t) => {
  const { call } = await start(t);
  await make(call, 'Customer', { customer_name: 'Acme' });
  const { name } = await make(call, 'Sales Order', { customer: 'Acme', grand_total: 5 });
  const put = (values) => call('PUT', `/resource/Sales%20Order/${name}`, values);
  refused(await call('DELETE', `${customers}/Acme`), 417, 'LinkExistsError', /is linked with/);
  assert.equal((await put({ docstatus: 1 })).body.data.docstatus, 1);
  refused(await put({ grand_total: 6 }), 417, 'UpdateAfterSubmitError');
  assert.equal((await put({ po_no: 'P1' })).status, 200);
  refused(await put({ docstatus: 0 }), 417, 'DocstatusTransitionError');
  const submitted = await call('DELETE', `/resource/Sales%20Order/${name}`);
  refused(submitted, 417, 'ValidationError', /cannot be deleted/);
  assert.equal((await put({ docstatus: 2 })).status, 200);
  refused(await put({ po_no: 'P2' }), 417, 'ValidationError', /cancelled/);
  assert.equal((await call('DELETE', `/resource/Sales%20Order/${name}`)).status, 202);
});

test('moments are of the zone of the site, and without a fraction that is nought', async (t) => {
  const args = ['--time-zone', 'Asia/Kolkata', '--utc-offset-minutes', '330'];
  const { call } = await start(t, { args });
  const zone = await call('GET', '/method/frappe.client.get_time_zone');
  assert.deepEqual(zone.body, { message: { time_zone: 'Asia/Kolkata' } });
  const called_at = '2026-01-05 10:11:12';
  const made = await make(call, 'Customer', { customer_name: 'A', called_at, since: called_at });
  assert.deepEqual([made.called_at, made.since], ['2026-01-05 10:11:12', '2026-01-05']);
  const aheadMs = Date.parse(`${made.modified.replace(' ', 'T')}Z`) - Date.now();
  assert.ok(Math.abs(aheadMs - 330 * 60_000) < 60_000);
  const window = [
    ['modified', '>=', made.modified],
    ['called_at', '<=', '2026-01-05 10:11:12.000000'],
    ['called_at', '>', '2026-01-05'],
  ];
  assert.deepEqual(await names(call, { filters: window }), ['A']);
});

test('without a key one is a guest; a wrong one is refused; errors as pages', async (t) => {
  const { platform, call } = await start(t);
  const { token, next_token } = platform.credentials;
  const who = '/method/frappe.auth.get_logged_user';
  const ask = (headers) =>
    httpCall(`${platform.url}/api${who}`, { headers: { accept: 'application/json', ...headers } });
  const known = await ask({ authorization: `token ${token}` });
  assert.equal(known.body.message, 'syncline@example.com');
  const basic = Buffer.from(token).toString('base64');
  assert.equal((await ask({ authorization: `Basic ${basic}` })).status, 200);
  const wrong = await ask({ authorization: 'token a:b' });
  assert.deepEqual([wrong.status, wrong.body.exc_type], [401, 'AuthenticationError']);
  const guest = await ask({});
  refused(guest, 403, 'PermissionError', /whitelisted/);
  refused(await call('GET', '/resource/Salary%20Slip'), 403, 'PermissionError');
  refused(await call('POST', '/resource/Country', { country_name: 'x' }), 403, 'PermissionError');
  refused(await call('GET', '/resource/Custmer'), 404, 'DoesNotExistError', /^DocType Custmer not/);
  refused(await call('GET', '/method/fly'), 417, 'ValidationError', /Failed to get method/);
  const html = await call('GET', `${customers}/x`, undefined, { accept: '*/*' });
  assert.deepEqual([html.status, html.body], [404, null]);
  await platform.fault({ kind: 'expire_sessions' });
  assert.equal((await call('GET', who)).status, 401);
  assert.equal((await erpnextSession(platform, next_token)('GET', who)).status, 200);
});

test('a body is JSON of an object, or a form; the host names the site', async (t) => {
  const { call } = await start(t);
  const bad = await call('POST', customers, '{"customer_name"');
  assert.deepEqual([bad.status, bad.body.exc_type], [500, 'JSONDecodeError']);
  refused(await call('POST', customers, '[]'), 417, 'ValidationError', /Invalid request/);
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const form = await call('POST', customers, 'customer_name=Acme&disabled=1', type);
  assert.deepEqual([form.status, form.body.data.disabled], [200, 1]);

  const other = await start(t, { args: ['--site', 'acme.example'] });
  const none = await other.call('GET', customers);
  assert.deepEqual([none.status, none.body], [404, null]);
  const header = { 'x-frappe-site-name': 'acme.example' };
  const named = await other.call('GET', customers, undefined, header);
  assert.equal(named.status, 200);
});

test('a busy site tells when it goes on, in seconds', async (t) => {
  const { platform, call } = await start(t);
  await platform.fault({ kind: 'throttle' });
  const { status, headers, body } = await call('GET', customers);
  assert.deepEqual([status, body.exc_type], [429, 'TooManyRequestsError']);
  const seconds = Number(headers.get('x-ratelimit-reset'));
  assert.ok(seconds > 0 && seconds <= 3_600);
  assert.equal(headers.get('retry-after'), String(seconds));
  assert.equal(headers.get('x-ratelimit-remaining'), '0');
});

test('a restart keeps documents, stamps, series and the key', async (t) => {
  const { platform, call } = await start(t);
  await make(call, 'Customer', { customer_name: 'Acme', syncline_id: 'e1' });
  await make(call, 'Sales Order', { customer: 'Acme' });
  const before = await platform.rows('Customer');
  await platform.killHard();
  const again = await startPlatform(t, 'erpnext', { data: platform.directory });
  assert.deepEqual(await again.rows('Customer'), before);
  const next = await make(erpnextSession(again), 'Sales Order', { customer: 'acme' });
  assert.equal(next.name, 'SAL-ORD-00002');
});

// The service against what SAP documents and what is known of its replies.

import assert from 'node:assert/strict';
import test from 'node:test';
import { httpCall } from '../lib/http_call.mjs';
import { sapSession } from '../lib/sap_session.mjs';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';

const partners = '/BusinessPartner';

async function started(t, args = []) {
  const platform = await startPlatform(t, 'sap_s4hana', { args });
  return { platform, call: await sapSession(platform) };
}

function basic({ credentials }) {
  const text = `${credentials.username}:${credentials.password}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

test('Basic and a token by client credentials open the door; else HTML with 401', async (t) => {
  const { platform } = await started(t);
  const { url, credentials } = platform;
  const read = (authorization) =>
    httpCall(url + credentials.service + partners, { method: 'GET', headers: { authorization } });
  assert.equal((await read(basic(platform))).status, 200);
  const token = (id, secret, grant) =>
    httpCall(`${url}/sap/bc/sec/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: `grant_type=${grant}`,
    });
  const { client_id: id, client_secret: secret } = credentials;
  const { body } = await token(id, secret, 'client_credentials');
  assert.equal(body.token_type, 'Bearer');
  assert.equal((await read(`Bearer ${body.access_token}`)).status, 200);
  assert.equal((await token(id, 'x', 'client_credentials')).body.error, 'invalid_client');
  assert.equal((await token(id, secret, 'password')).body.error, 'unsupported_grant_type');
  const refused = await read('Basic eDp5');
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('www-authenticate'), /^Basic realm=/);
  assert.match(refused.text, /^<html>/);
});

test('what changes something needs the token and the cookie that came with it', async (t) => {
  const { platform, call } = await started(t);
  const { url, credentials } = platform;
  const authorization = basic(platform);
  const plain = (method, path, headers, body) =>
    httpCall(url + credentials.service + path, {
      method,
      headers: { authorization, ...headers },
      body,
    });
  const input = { OrganizationName: 'Acme' };
  const without = await plain('POST', partners, {}, input);
  assert.equal(without.status, 403);
  assert.equal(without.headers.get('x-csrf-token'), 'Required');
  assert.equal(without.text, 'CSRF token validation failed');
  const fetched = await plain('HEAD', '/', { 'x-csrf-token': 'fetch' });
  const token = fetched.headers.get('x-csrf-token');
  assert.equal(fetched.headers.getSetCookie().length, 2);
  const lone = await plain('POST', partners, { 'x-csrf-token': token }, input);
  assert.equal(lone.status, 403);
  const missing = await plain('GET', `${partners}('1')`, { 'x-csrf-token': 'Fetch' });
  assert.equal(missing.status, 404);
  assert.ok(missing.headers.get('x-csrf-token'), 'an error carries it, too');
  assert.equal((await call('POST', partners, input)).status, 201);
  await platform.fault({ kind: 'expire_sessions' });
  assert.equal((await call('POST', partners, input)).status, 403);
  assert.equal((await platform.rows('BusinessPartner')).length, 1);
});

test('a create is numbered; 201 with the entity, a relative Location and its ETag', async (t) => {
  const { call } = await started(t);
  const made = await call('POST', partners, {
    OrganizationName: 'Acme',
    CreditLimit: 1000.5,
    BusinessPartner: '77',
  });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('odata-version'), '4.0');
  assert.equal(made.headers.get('location'), "BusinessPartner('0000001001')");
  const { body } = made;
  assert.equal(body.BusinessPartner, '0000001001');
  assert.equal(body['@odata.context'], '$metadata#BusinessPartner/$entity');
  assert.match(made.text, /"CreditLimit":1000\.50,/);
  assert.match(body.LastChangeDateTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$/);
  assert.match(body['@odata.etag'], /^W\/"\d{14}\.\d{7}"$/);
  assert.equal(made.headers.get('etag'), body['@odata.etag']);
  const key = `${partners}(BusinessPartner='0000001001')`;
  const accept = 'application/json;IEEE754Compatible=true';
  const read = await call('GET', `${key}?$select=CreditLimit`, undefined, { accept });
  const { '@odata.context': context, '@odata.etag': etag, ...rest } = read.body;
  assert.deepEqual(rest, { CreditLimit: '1000.50' });
  assert.ok(context && etag);
});

test('an update needs If-Match: 428 without, 412 with another version, * forces', async (t) => {
  const { platform, call } = await started(t);
  const made = await call('POST', partners, { OrganizationName: 'Acme' });
  const path = `${partners}('${made.body.BusinessPartner}')`;
  const change = { OrganizationName: 'Bolt' };
  assert.equal((await call('PATCH', path, change)).status, 428);
  const first = made.headers.get('etag');
  const done = await call('PATCH', path, change, { 'if-match': first });
  assert.equal(done.status, 204);
  assert.notEqual(done.headers.get('etag'), first);
  const stale = await call('PATCH', path, change, { 'if-match': first });
  assert.equal(stale.status, 412);
  assert.equal(stale.body.error.code, '/IWBEP/CM_V4_RUNTIME/021');
  assert.equal(stale.body.error['@SAP__common.ExceptionCategory'], 'Client_Error');
  assert.equal((await call('PATCH', path, change, { 'if-match': '*' })).status, 204);
  assert.equal((await call('DELETE', path, undefined, { 'if-match': first })).status, 412);
  assert.equal((await call('DELETE', path, undefined, { 'if-match': '*' })).status, 204);
  assert.equal((await call('DELETE', path, undefined, { 'if-match': '*' })).status, 404);
  const gone = await call('PATCH', path, change, { 'if-match': '*' });
  assert.equal(gone.body.error.code, '/IWBEP/CM_V4_APPS/002');
  assert.equal((await platform.rows('BusinessPartner')).length, 0);
});

test('a body of another type, of unknown properties or wrong values is refused', async (t) => {
  const { platform, call } = await started(t);
  const bodies = [
    { NoSuch: 'x' },
    { OrganizationName: 7 },
    { OrganizationName: 'x'.repeat(41) },
    { CreditLimit: '10.00' },
    { IsBlocked: 'true' },
    [],
    '{"OrganizationName":',
  ];
  for (const body of bodies) {
    const headers = { 'content-type': 'application/json' };
    const refused = await call('POST', partners, body, headers);
    assert.equal(refused.status, 400, JSON.stringify(body));
    assert.equal(refused.body.error.code, 'CX_SXML_PARSE_ERROR');
    assert.equal(refused.body.error.details.length, 2);
  }
  const text = await call('POST', partners, '<x/>', { 'content-type': 'application/xml' });
  assert.equal(text.status, 415);
  const exact = { 'content-type': 'application/json;IEEE754Compatible=true' };
  assert.equal((await call('POST', partners, { CreditLimit: '10.00' }, exact)).status, 201);
  assert.equal((await call('PUT', `${partners}('1')`, {})).status, 405);
  assert.equal((await platform.rows('BusinessPartner')).length, 1);
});

async function names(call, filter, more = '') {
  const query = `$filter=${encodeURIComponent(filter)}&$select=OrganizationName${more}`;
  const { status, body } = await call('GET', `${partners}?${query}`);
  assert.equal(status, 200, filter);
  return body.value.map(({ OrganizationName: name }) => name);
}

test('filters compare by type, and what is no filter of V4 is refused', async (t) => {
  const { platform, call } = await started(t);
  const stamps = [];
  const made = { A: 5, "O'Neil": 10, 'C d': 20 };
  for (const [name, limit] of Object.entries(made)) {
    const { body } = await call('POST', partners, { OrganizationName: name, CreditLimit: limit });
    stamps.push(body.LastChangeDateTime);
  }
  assert.deepEqual(await names(call, "OrganizationName eq 'O''Neil'"), ["O'Neil"]);
  assert.deepEqual(await names(call, 'CreditLimit gt 9.5 and CreditLimit lt 11'), ["O'Neil"]);
  assert.deepEqual(await names(call, `LastChangeDateTime gt ${stamps[0]}`), ["O'Neil", 'C d']);
  const east = `${new Date(Date.parse(stamps[0]) + 3_600_000).toISOString().slice(0, 19)}+01:00`;
  assert.equal((await names(call, `LastChangeDateTime ge ${east}`)).length, 3);
  const either = "startswith(OrganizationName,'C') or (CreditLimit eq 5)";
  assert.deepEqual(await names(call, either, '&$orderby=OrganizationName desc'), ['C d', 'A']);
  assert.deepEqual(await names(call, "not contains(OrganizationName,'i')"), ['A', 'C d']);
  assert.deepEqual(await names(call, "BusinessPartner gt '0000001001'"), ["O'Neil", 'C d']);
  const wrong = [
    "LastChangeDateTime ge datetimeoffset'2026-01-05T10:00:00Z'",
    "LastChangeDateTime ge '2026-01-05T10:00:00Z'",
    "OrganizationName eq 'x' OrganizationName",
    'OrganizationName eq x',
    "NoSuch eq 'x'",
    "OrganizationName eq 'x",
    "(OrganizationName eq 'x'",
    '',
  ];
  for (const filter of wrong) {
    const path = `${partners}?$filter=${encodeURIComponent(filter)}`;
    const { status, body } = await call('GET', path);
    assert.equal(status, 400, filter);
    assert.match(body.error.code, /^\/IWBEP\/CM_V4S_RUN\/03/);
  }
  for (const query of ['$select=NoSuch', '$orderby=NoSuch', '$top=x', '$top=1&$top=2']) {
    assert.equal((await call('GET', `${partners}?${query}`)).status, 400, query);
  }
  assert.equal((await call('GET', `${partners}?$apply=x`)).status, 501);
  assert.equal((await call('GET', '/NoSuch')).status, 404);
  assert.equal(platform.problems, '');
});

test('without $top come 100 rows and a relative link that counts from the start', async (t) => {
  const { platform, call } = await started(t, ['--page-max', '120']);
  const ids = [];
  for (let i = 0; i < 150; ++i) {
    const fields = { OrganizationName: `n${i}` };
    ids.push((await platform.control('POST', 'create', { object: 'BusinessPartner', fields })).id);
  }
  const order = '$orderby=LastChangeDateTime&$select=BusinessPartner';
  const first = (await call('GET', `${partners}?${order}`)).body;
  assert.equal(first.value.length, 100);
  assert.equal(
    first['@odata.nextLink'],
    'BusinessPartner?$orderby=LastChangeDateTime&$select=BusinessPartner&$skiptoken=100',
  );
  // A row that was read moves to the end, and the first of the next page takes its place.
  const fields = { OrganizationName: 'moved' };
  await platform.control('POST', 'edit', { object: 'BusinessPartner', id: ids[0], fields });
  const second = (await call('GET', `/${first['@odata.nextLink']}`)).body;
  assert.equal(second['@odata.nextLink'], undefined);
  const seen = [...first.value, ...second.value].map(({ BusinessPartner: id }) => id);
  assert.deepEqual(
    ids.filter((id) => !seen.includes(id)),
    [ids[100]],
  );
  const topped = (await call('GET', `${partners}?$top=130&$count=true`)).body;
  assert.equal(topped.value.length, 120);
  assert.equal(topped['@odata.count'], 150);
  const rest = (await call('GET', `/${topped['@odata.nextLink']}`)).body;
  assert.equal(rest.value.length, 10);
  assert.equal(rest['@odata.nextLink'], undefined);
  const last = (await call('GET', `${partners}?$top=120&$skip=140`)).body;
  assert.equal(last.value.length, 10);
  assert.equal(last['@odata.nextLink'], undefined);
});

test('a record that is held is refused at once; a late commit keeps its stamp', async (t) => {
  const { platform, call } = await started(t);
  const { body } = await call('POST', partners, { OrganizationName: 'Acme' });
  const id = body.BusinessPartner;
  const edit = { object: 'BusinessPartner', id, fields: { SearchTerm1: 'M' }, hold_ms: 700 };
  const held = platform.control('POST', 'edit', edit);
  const path = `${partners}('${id}')`;
  const refused = await waitFor(async () => {
    const reply = await call('PATCH', path, { SearchTerm1: 'S' }, { 'if-match': '*' });
    return reply.status === 400 && reply;
  });
  assert.match(refused.body.error.message, /1001 is currently being processed by MILLER$/);
  const begun = Date.now();
  const { row } = await held;
  assert.ok(Date.parse(row.LastChangeDateTime) < begun);
  assert.equal((await call('PATCH', path, {}, { 'if-match': '*' })).status, 204);
});

test('another service is not published; faults have the bodies of their status', async (t) => {
  const { platform, call } = await started(t);
  const headers = { authorization: basic(platform) };
  const other = `${platform.url}/sap/opu/odata4/sap/other/srvd_a2x/sap/x/0001/`;
  const missing = await httpCall(other, { method: 'GET', headers });
  assert.equal(missing.body.error.code, '/IWBEP/CM_V4_COS/014');
  assert.equal(missing.body.error.message, "Service group 'OTHER' not published");
  await platform.fault({ kind: 'throttle', retry_after: 7 });
  const busy = await call('GET', partners);
  assert.deepEqual([busy.status, busy.headers.get('retry-after')], [429, '7']);
  await platform.fault({ kind: 'throttle', variant: 'concurrent' });
  const full = await call('GET', partners);
  assert.equal(full.status, 503);
  assert.match(full.text, /Service Unavailable/);
  await platform.fault({ kind: 'status', status: 500 });
  assert.equal((await call('GET', partners)).body.error.code, 'SY/530');
  await assert.rejects(platform.fault({ kind: 'expire_locators' }));
});

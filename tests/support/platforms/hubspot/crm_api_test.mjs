// Every documented behaviour of the CRM API that a connector can trip over.

import assert from 'node:assert/strict';
import test from 'node:test';
import { companies, createCompanies, hubSpotSession, searched } from '../lib/hubspot_session.mjs';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';

const contacts = '/crm/v3/objects/contacts';
const momentOf = Date.parse;

async function start(t, args = []) {
  const platform = await startPlatform(t, 'hubspot', { args });
  return { platform, call: hubSpotSession(platform) };
}

function assertError({ status, body }, wanted, category) {
  assert.equal(status, wanted, JSON.stringify(body));
  assert.equal(body.status, 'error');
  assert.equal(body.category, category);
  assert.match(body.correlationId, /^[0-9a-f-]{36}$/);
}

/** The errors of a refused save, by property. */
function problemsOf(body) {
  const list = JSON.parse(body.message.slice('Property values were not valid: '.length));
  return Object.fromEntries(list.map(({ name, error }) => [name, error]));
}

test('the token of a private app, and that of an OAuth app until it ends', async (t) => {
  const { platform, call } = await start(t);
  assert.equal((await call('GET', '/crm/v3/owners?limit=1')).status, 200);
  assertError(await hubSpotSession(platform, 'x')('GET', companies), 401, 'INVALID_AUTHENTICATION');
  const token = async (form) => {
    const body = new URLSearchParams(form);
    const response = await fetch(`${platform.url}/oauth/v1/token`, { method: 'POST', body });
    return { status: response.status, body: await response.json() };
  };
  const { client_id, client_secret, refresh_token } = platform.credentials;
  const form = { grant_type: 'refresh_token', client_id, client_secret, refresh_token };
  const { status, body } = await token(form);
  assert.deepEqual([status, body.token_type, body.expires_in], [200, 'bearer', 1800]);
  const oauth = hubSpotSession(platform, body.access_token);
  assert.equal((await oauth('GET', companies)).status, 200);
  assert.equal((await token({ ...form, refresh_token: 'x' })).body.status, 'BAD_REFRESH_TOKEN');
  await platform.fault({ kind: 'expire_sessions' });
  assertError(await oauth('GET', companies), 401, 'EXPIRED_AUTHENTICATION');
  assert.equal((await call('GET', companies)).status, 200);
});

test('a record is made, read, changed and archived; all values are text or null', async (t) => {
  const { call } = await start(t);
  const input = { name: 'Acme', numberofemployees: 12, customer_since: '1767607872467' };
  const made = await call('POST', companies, { properties: input });
  assert.equal(made.status, 201);
  const { id, properties, createdAt, updatedAt, archived } = made.body;
  assert.match(id, /^\d{11}$/);
  assert.deepEqual(properties, {
    name: 'Acme',
    numberofemployees: '12',
    customer_since: '2026-01-05T10:11:12.467Z',
    hs_object_id: id,
    createdate: createdAt,
    hs_lastmodifieddate: updatedAt,
  });
  assert.equal(archived, false);
  const path = `${companies}/${id}`;
  const unasked = await call('GET', path);
  assert.deepEqual(Object.keys(unasked.body.properties), [
    'createdate',
    'domain',
    'hs_lastmodifieddate',
    'hs_object_id',
    'name',
  ]);
  const changed = await call('PATCH', path, { properties: { name: '', city: 'Kiel' } });
  assert.equal(changed.status, 200);
  const read = (await call('GET', `${path}?properties=name,city,no_such`)).body;
  assert.deepEqual([read.properties.name, read.properties.city], [null, 'Kiel']);
  assert.equal('no_such' in read.properties, false);
  assert.ok(momentOf(read.updatedAt) >= momentOf(updatedAt) && read.createdAt === createdAt);
  const same = await call('PATCH', path, { properties: { city: 'Kiel' } });
  assert.equal(same.body.updatedAt, read.updatedAt);
  assert.equal((await call('DELETE', path)).status, 204);
  assert.equal((await call('DELETE', path)).status, 204);
  assertError(await call('GET', path), 404, 'OBJECT_NOT_FOUND');
  assertError(await call('PATCH', path, { properties: { city: 'Bonn' } }), 404, 'OBJECT_NOT_FOUND');
  const gone = (await call('GET', `${path}?archived=true`)).body;
  assert.ok(gone.archived && momentOf(gone.archivedAt) >= momentOf(read.updatedAt));
  const list = await call('GET', `${companies}?archived=true`);
  assert.deepEqual(
    list.body.results.map((row) => row.id),
    [id],
  );
});

test('what the account does not take is refused, with all that is wrong', async (t) => {
  const { platform, call } = await start(t);
  const wrong = {
    no_such: 'x',
    hs_object_id: '7',
    numberofemployees: 'many',
    industry: 'MAGIC',
    customer_since: 'soon',
    description: 'x'.repeat(65_537),
  };
  const refused = await call('POST', companies, { properties: { name: 'Acme', ...wrong } });
  assertError(refused, 400, 'VALIDATION_ERROR');
  assert.deepEqual(problemsOf(refused.body), {
    no_such: 'PROPERTY_DOESNT_EXIST',
    hs_object_id: 'READ_ONLY_VALUE',
    numberofemployees: 'INVALID_INTEGER',
    industry: 'INVALID_OPTION',
    customer_since: 'INVALID_LONG',
    description: 'INVALID_LENGTH',
  });
  const bodies = ['{"properties": ', '[]', '{}', { properties: { name: null } }];
  for (const body of bodies) {
    const json = { 'content-type': 'application/json' };
    const reply = await call('POST', companies, body, json);
    assertError(reply, 400, 'VALIDATION_ERROR');
    assert.match(reply.body.message, /^Invalid input JSON on line/);
  }
  const form = await call('POST', companies, 'name=x', { 'content-type': 'text/plain' });
  assert.equal(form.status, 415);
  assertError(await call('GET', '/crm/v3/objects/cheeses'), 400, 'VALIDATION_ERROR');
  const named = await call('GET', `${companies}/Acme`);
  assertError(named, 404, 'OBJECT_NOT_FOUND');
  assert.deepEqual(named.body.context, { id: ['Acme'] });
  assert.equal((await call('PUT', companies, {})).status, 405);
  assert.equal((await call('GET', '/crm/v4/objects')).status, 404);
  assert.deepEqual(await platform.rows('companies'), []);
});

test('a unique value finds its record at once, and is of one record alone', async (t) => {
  const { call } = await start(t, ['--index-lag-ms', '60000']);
  const [id] = await createCompanies(call, [{ name: 'Acme', syncline_id: 'e1' }]);
  const byKey = `${companies}/e1?idProperty=syncline_id`;
  assert.equal((await call('GET', byKey)).body.id, id);
  assert.deepEqual(await searched(call, []), []);
  assert.equal((await call('PATCH', byKey, { properties: { city: 'Ulm' } })).body.id, id);
  const byName = await call('GET', `${companies}/Acme?idProperty=name`);
  assertError(byName, 400, 'VALIDATION_ERROR');
  for (const syncline_id of ['e1', 'E1']) {
    const again = await call('POST', companies, { properties: { syncline_id } });
    assertError(again, 400, 'VALIDATION_ERROR');
    assert.deepEqual(problemsOf(again.body), { syncline_id: 'CONFLICTING_UNIQUE_VALUE' });
  }
  await call('DELETE', `${companies}/${id}`);
  assertError(await call('GET', byKey), 404, 'OBJECT_NOT_FOUND');
  await createCompanies(call, [{ syncline_id: 'e1' }]);
  const contact = { properties: { email: 'a@x.example' } };
  const { body } = await call('POST', contacts, contact);
  const taken = await call('POST', contacts, contact);
  assertError(taken, 409, 'CONFLICT');
  assert.equal(taken.body.message, `Contact already exists. Existing ID: ${body.id}`);
});

test('a search takes the documented operators, and refuses what it does not know', async (t) => {
  const { call } = await start(t, ['--search-limit', '0']);
  const stamp = Date.parse('2026-01-05T10:11:12.467Z');
  await createCompanies(call, [
    { name: 'Acme Ltd', numberofemployees: '9', customer_since: String(stamp) },
    { name: 'bolt', numberofemployees: '10', customer_since: String(stamp + 1) },
    { name: 'Cork', industry: 'RETAIL' },
  ]);
  const find = async (propertyName, operator, more) =>
    (await searched(call, [{ propertyName, operator, ...more }])).sort();
  const since = 'customer_since';
  assert.deepEqual(await find('name', 'EQ', { value: 'BOLT' }), ['bolt']);
  assert.deepEqual(await find('name', 'IN', { values: ['bolt', 'Cork'] }), ['bolt']);
  assert.deepEqual(await find('name', 'CONTAINS_TOKEN', { value: 'ltd' }), ['Acme Ltd']);
  assert.deepEqual(await find('numberofemployees', 'GT', { value: '9' }), ['bolt']);
  assert.deepEqual(await find('numberofemployees', 'NOT_HAS_PROPERTY'), ['Cork']);
  assert.deepEqual(await find('industry', 'HAS_PROPERTY'), ['Cork']);
  assert.deepEqual(await find(since, 'LT', { value: String(stamp + 1) }), ['Acme Ltd']);
  const between = { value: String(stamp), highValue: '2026-01-05T10:11:12.468Z' };
  assert.deepEqual(await find(since, 'BETWEEN', between), ['Acme Ltd', 'bolt']);
  const sorts = [{ propertyName: 'numberofemployees', direction: 'DESCENDING' }];
  assert.deepEqual((await searched(call, [], { sorts })).slice(0, 2), ['bolt', 'Acme Ltd']);
  const is = (propertyName, more) => ({ propertyName, operator: 'EQ', value: 'x', ...more });
  const group = (count) => ({ filters: Array(count).fill(is('name')) });
  for (const body of [
    { filterGroups: [{ filters: [is('no_such')] }] },
    { filterGroups: [{ filters: [is('name', { operator: 'LIKE' })] }] },
    { filterGroups: [{ filters: [is('name', { value: undefined })] }] },
    { filterGroups: [{ filters: [is(since)] }] },
    { filterGroups: Array(6).fill(group(1)) },
    { filterGroups: [group(7)] },
    { filterGroups: Array(4).fill(group(5)) },
    { sorts: [...sorts, ...sorts] },
    { sorts: [{ propertyName: 'no_such' }] },
    { limit: 201 },
    { after: 'x' },
  ]) {
    assertError(await call('POST', `${companies}/search`, body), 400, 'VALIDATION_ERROR');
  }
});

test('a search goes by pages to its end and no further, and lags behind', async (t) => {
  const { platform, call } = await start(t, ['--search-rows-max', '4', '--search-limit', '0']);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const ids = await createCompanies(
    call,
    names.map((name) => ({ name })),
  );
  assert.notDeepEqual([...ids].sort(), ids);
  const sorts = [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }];
  const page = (more) => call('POST', `${companies}/search`, { sorts, limit: 2, ...more });
  const first = (await page({})).body;
  assert.deepEqual([first.total, first.paging], [5, { next: { after: '2' } }]);
  const second = (await page({ after: '2' })).body;
  const told = [...first.results, ...second.results].map(({ id }) => id);
  assert.deepEqual(told, [...ids].sort().slice(0, 4));
  assertError(await page({ after: '4' }), 400, 'VALIDATION_ERROR');
  const filters = [{ propertyName: 'hs_object_id', operator: 'GT', value: told[3] }];
  const rest = (await page({ filterGroups: [{ filters }] })).body;
  assert.deepEqual([rest.total, rest.paging], [1, undefined]);
  await platform.fault({ kind: 'read_lag', delay_ms: 60_000 });
  assert.deepEqual(await searched(call, []), []);
  await platform.fault({ kind: 'late_commit', delay_ms: 150 });
  const late = call('POST', companies, { properties: { name: 'late' } });
  const [other] = await createCompanies(call, [{ name: 'other' }]);
  const stampOf = async (id) => momentOf((await call('GET', `${companies}/${id}`)).body.updatedAt);
  assert.ok((await stampOf((await late).body.id)) <= (await stampOf(other)));
});

test('lists go by their links, a hundred at most', async (t) => {
  const { platform, call } = await start(t);
  await createCompanies(call, [{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  const names = [];
  let path = `${companies}?limit=2&properties=name`;
  while (path) {
    const { body } = await call('GET', path);
    names.push(...body.results.map(({ properties }) => properties.name));
    path = body.paging?.next.link.slice(platform.url.length);
  }
  assert.deepEqual(names.sort(), ['a', 'b', 'c']);
  assertError(await call('GET', `${companies}?limit=101`), 400, 'VALIDATION_ERROR');
});

test('a batch is refused whole, or tells of each failure by its trace id', async (t) => {
  const { call } = await start(t);
  const [a, b] = await createCompanies(call, [{ name: 'a' }, { name: 'b' }]);
  const batch = (action, inputs, more) =>
    call('POST', `${companies}/batch/${action}`, { inputs, ...more });
  const inputs = [
    { id: a, properties: { name: 'A' } },
    { id: b, properties: { numberofemployees: 'many' } },
  ];
  assertError(await batch('update', inputs), 400, 'VALIDATION_ERROR');
  const traced = inputs.map((input) => ({ ...input, objectWriteTraceId: `t${input.id}` }));
  const gone = { id: '7', properties: {}, objectWriteTraceId: 't7' };
  const { status, body } = await batch('update', [...traced, gone]);
  assert.deepEqual([status, body.status, body.numErrors], [207, 'COMPLETE', 2]);
  assert.deepEqual(
    body.results.map(({ id, properties }) => [id, properties.name]),
    [[a, 'A']],
  );
  assert.deepEqual(
    body.errors.map(({ category, context }) => [category, context]),
    [
      ['VALIDATION_ERROR', { objectWriteTraceId: [`t${b}`] }],
      ['OBJECT_NOT_FOUND', { ids: ['7'], objectWriteTraceId: ['t7'] }],
    ],
  );
  const read = await batch('read', [{ id: b }, { id: '7' }, { id: a }], { properties: ['name'] });
  assert.equal(read.status, 207);
  assert.deepEqual(
    read.body.results.map(({ properties }) => properties.name),
    ['b', 'A'],
  );
  assert.deepEqual(read.body.errors[0].context, { ids: ['7'] });
  const made = await batch('create', [{ properties: { name: 'c' } }]);
  assert.deepEqual([made.status, made.body.results[0].properties.name], [201, 'c']);
  const twice = await batch('update', [inputs[0], inputs[0]]);
  assertError(twice, 400, 'VALIDATION_ERROR');
  assert.match(twice.body.message, /^Duplicate IDs found in batch input: \[\d+\]/);
  const many = Array.from({ length: 101 }, (unused, i) => ({ id: String(i), properties: {} }));
  assertError(await batch('update', many), 400, 'VALIDATION_ERROR');
  assertError(await batch('update', [{ properties: {} }]), 400, 'VALIDATION_ERROR');
  assert.deepEqual((await batch('update', undefined)).body.results, []);
  assert.equal((await batch('archive', [{ id: a }, { id: '7' }])).status, 204);
  assert.equal((await call('GET', `${companies}/${a}`)).status, 404);
  assert.equal((await batch('merge', [])).status, 404);
});

test('without multi-status a trace id changes nothing', async (t) => {
  const { call } = await start(t, ['--multi-status', 'off']);
  const inputs = [{ properties: { no_such: 'x' }, objectWriteTraceId: 't1' }];
  assertError(await call('POST', `${companies}/batch/create`, { inputs }), 400, 'VALIDATION_ERROR');
});

test('the limits are told, but not by a search, and a 429 names its policy', async (t) => {
  const args = ['--burst-limit', '6', '--search-limit', '1', '--daily-limit', '9'];
  const { platform, call } = await start(t, args);
  const first = await call('GET', companies);
  const told = (name) => first.headers.get(`x-hubspot-ratelimit-${name}`);
  assert.deepEqual(
    ['max', 'remaining', 'interval-milliseconds', 'daily', 'daily-remaining'].map(told),
    ['6', '5', '10000', '9', '8'],
  );
  const search = () => call('POST', `${companies}/search`, {});
  assert.equal((await search()).headers.get('x-hubspot-ratelimit-daily'), null);
  const policy = ({ status, headers, body }) => [
    status,
    headers.get('retry-after'),
    body.errorType,
    body.policyName,
  ];
  assert.deepEqual(policy(await search()), [429, null, 'RATE_LIMIT', 'SECONDLY']);
  const reached = async () => {
    const reply = await call('GET', companies);
    return reply.status === 429 ? policy(reply)[3] : null;
  };
  assert.equal(await waitFor(reached), 'TEN_SECONDLY_ROLLING');
  await platform.control('POST', 'clock', { skew_ms: 11_000 });
  assert.equal(await waitFor(reached), 'DAILY');
  await platform.control('POST', 'clock', { skew_ms: 2 * 86_400_000 });
  assert.equal(await reached(), null);
  await platform.fault({ kind: 'throttle', variant: 'secondly' });
  assert.deepEqual(policy(await call('GET', companies))[3], 'SECONDLY');
});

test('what was answered is there after kill -9, unique values and ids too', async (t) => {
  const { platform, call } = await start(t);
  const [id] = await createCompanies(call, [{ name: 'Acme', syncline_id: 'e1' }]);
  await platform.killHard();
  const again = await startPlatform(t, 'hubspot', { data: platform.directory });
  const restarted = hubSpotSession(again);
  const path = `${companies}/e1?idProperty=syncline_id`;
  assert.equal((await restarted('GET', path)).body.id, id);
  const [other] = await createCompanies(restarted, [{ name: 'Bolt' }]);
  assert.notEqual(other, id);
});

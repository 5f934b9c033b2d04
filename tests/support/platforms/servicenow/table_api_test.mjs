// Every documented behaviour of the Table API that a connector can trip over.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { makeDirectory, startPlatform, waitFor } from '../lib/spawn_platform.mjs';
import { createMany, serviceNowSession, tablePath } from '../lib/servicenow_session.mjs';

const incidents = '/api/now/table/incident';


test('Basic and the three OAuth grants open the door, anything else is 401', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const { credentials } = platform;
  const { client_id, client_secret, username, password, refresh_token } = credentials;
  const token = async (form) => {
    const body = new URLSearchParams({ client_id, client_secret, ...form });
    const response = await fetch(`${platform.url}/oauth_token.do`, { method: 'POST', body });
    return { status: response.status, body: await response.json() };
  };
  const read = async (authorization) => {
    const headers = authorization ? { authorization } : {};
    const response = await fetch(platform.url + incidents, { headers });
    return { status: response.status, body: await response.json() };
  };

  const grants = [
    { grant_type: 'client_credentials' },
    { grant_type: 'password', username, password },
    { grant_type: 'refresh_token', refresh_token },
  ];
  const tokens = [];
  for (const form of grants) {
    const { status, body } = await token(form);
    assert.equal(status, 200, form.grant_type);
    assert.ok(body.expires_in > 0 && body.expires_in < 1800);
    tokens.push(body.access_token);
  }
  assert.equal(new Set(tokens).size, 1);
  assert.equal((await read(`Bearer ${tokens[0]}`)).status, 200);
  assert.equal((await token({ grant_type: 'password', username, password: 'x' })).status, 401);
  assert.equal((await token({ ...grants[0], client_secret: 'x' })).status, 401);

  await platform.fault({ kind: 'expire_sessions' });
  const wrong = Buffer.from(`${username}:x`).toString('base64');
  for (const header of [null, `Bearer ${tokens[0]}`, `Basic ${wrong}`]) {
    const { status, body } = await read(header);
    assert.equal(status, 401);
    assert.deepEqual(body, {
      error: { message: 'User Not Authenticated', detail: 'Required to provide Auth information' },
      status: 'failure',
    });
  }
});

test('a create is numbered, answers 201 with Location, all values are text', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  const input = {
    short_description: 'Down',
    impact: 1,
    urgency: 2,
    no_such_field: 'x',
    state: true,
  };
  const created = await call('POST', incidents, input);
  assert.equal(created.status, 201);
  const { result } = created.body;
  assert.match(result.sys_id, /^[0-9a-f]{32}$/);
  assert.equal(created.headers.get('location'), `${platform.url}${incidents}/${result.sys_id}`);
  assert.equal(result.number, 'INC0010001');
  assert.ok(Object.values(result).every((value) => typeof value === 'string'));
  assert.equal('no_such_field' in result, false);
  assert.deepEqual([result.sys_mod_count, result.caller_id, result.state], ['0', '', 'true']);
  assert.match(result.sys_updated_on, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const stampMs = Date.parse(`${result.sys_updated_on.replace(' ', 'T')}Z`);
  assert.ok(Math.abs(stampMs - Date.now()) < 60_000);

  const batch = await call('POST', incidents, [{ category: 'a' }, { category: 'b' }]);
  assert.deepEqual([batch.body.result.number, batch.body.result.category], ['INC0010002', 'a']);
  assert.equal((await platform.rows('incident')).length, 2);
});

test('the business rule sets priority inside the same save, unless switched off', async (t) => {
  const lookup = [
    ['1', '1', '1'],
    ['1', '3', '3'],
    ['2', '2', '3'],
    ['3', '2', '4'],
    ['3', '3', '5'],
  ];
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  for (const [impact, urgency, priority] of lookup) {
    const { body } = await call('POST', incidents, { impact, urgency, priority: '2' });
    assert.equal(body.result.priority, priority, `impact ${impact}, urgency ${urgency}`);
  }
  const [{ sys_id: id }] = await platform.rows('incident');
  const { body } = await call('PATCH', `${incidents}/${id}`, { urgency: '3' });
  assert.deepEqual([body.result.priority, body.result.sys_mod_count], ['3', '1']);
  const human = await platform.control('POST', 'edit', {
    object: 'incident',
    id,
    fields: { impact: '3' },
  });
  assert.deepEqual(
    [human.row.priority, human.row.sys_mod_count, human.row.sys_updated_by],
    ['5', '2', 'human'],
  );

  const plain = await startPlatform(t, 'servicenow', { args: ['--business-rules', 'off'] });
  const made = await serviceNowSession(plain)('POST', incidents, { impact: '1', priority: '2' });
  assert.equal(made.body.result.priority, '2');
});

test('a save that changes nothing moves neither count nor stamp', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  const [company] = await createMany(call, 'core_company', [{ name: 'Acme', city: 'Bonn' }]);
  const address = `/api/now/table/core_company/${company.sys_id}`;

  const same = await call('PATCH', address, { city: 'Bonn', name: 'Acme' });
  assert.equal(same.status, 200);
  assert.deepEqual(same.body.result, company);
  await platform.control('POST', 'clock', { skew_ms: 5_000 });
  const put = await call('PUT', address, { city: 'Ulm' });
  assert.deepEqual([put.body.result.sys_mod_count, put.body.result.name], ['1', 'Acme']);
  assert.ok(put.body.result.sys_updated_on > company.sys_updated_on);
  const silent = await platform.control('POST', 'edit', {
    object: 'core_company',
    id: company.sys_id,
    fields: { city: 'Trier' },
    stamp: 'none',
  });
  assert.deepEqual(
    [silent.row.city, silent.row.sys_mod_count, silent.row.sys_updated_on],
    ['Trier', '1', put.body.result.sys_updated_on],
  );
  assert.deepEqual(
    (await platform.log()).map(({ op, actor }) => [op, actor]),
    [
      ['create', 'api'],
      ['update', 'api'],
      ['update', 'human'],
    ],
  );
});

test('read, delete and the documented errors', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  const [row] = await createMany(call, 'u_order', [{ u_number: 'O-1', u_amount: '12.345' }]);
  const address = `/api/now/table/u_order/${row.sys_id}`;
  assert.equal((await call('GET', address)).body.result.u_amount, '12.35');
  assert.equal((await call('PATCH', address, { u_amount: 100.5 })).body.result.u_amount, '100.5');
  const silent = await call('PATCH', address, { u_status: 'x' }, { 'X-no-response-body': 'true' });
  assert.deepEqual([silent.status, silent.text], [200, '']);
  const removed = await call('DELETE', address);
  assert.deepEqual([removed.status, removed.text], [204, '']);
  for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { u_status: 'y' }]]) {
    const missing = await call(method, address, body);
    assert.equal(missing.status, 404, method);
    assert.deepEqual(missing.body, {
      error: {
        message: 'No Record found',
        detail: "Record doesn't exist or ACL restricts the record retrieval",
      },
      status: 'failure',
    });
  }
  const invalid = await call('GET', '/api/now/table/nope');
  assert.deepEqual([invalid.status, invalid.body.error.message], [400, 'Invalid table nope']);
  const cases = [
    ['POST', '/api/now/table/u_order', '{"u_number":', {}, 400],
    ['POST', '/api/now/table/u_order', '<a/>', { 'content-type': 'application/xml' }, 415],
    ['POST', '/api/now/table/u_order', '{}', { accept: 'text/csv' }, 406],
    ['PUT', '/api/now/table/u_order', '{}', {}, 405],
    ['GET', '/api/now/nothing', undefined, {}, 400],
  ];
  for (const [method, address_, body, headers, status] of cases) {
    assert.equal(
      (await call(method, address_, body, headers)).status,
      status,
      `${method} ${status}`,
    );
  }
});

test('a write without Accept or Content-Type is 400', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const { username, password } = platform.credentials;
  const post = (headers) =>
    new Promise((resolve, reject) => {
      const request = http.request(
        platform.url + incidents,
        {
          method: 'POST',
          auth: `${username}:${password}`,
          headers,
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode));
        },
      );
      request.on('error', reject);
      request.end('{}');
    });
  const json = 'application/json';
  assert.equal(await post({ 'Content-Type': json }), 400);
  assert.equal(await post({ Accept: json }), 400);
  assert.equal(await post({ Accept: json, 'Content-Type': json }), 201);
});

test('references are links unless excluded, display values are for people', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  const [company] = await createMany(call, 'core_company', [{ name: 'Acme' }]);
  const id = company.sys_id;
  const link = `${platform.url}/api/now/table/core_company/${id}`;
  await createMany(call, 'incident', [{ company: id, state: '2' }]);
  const fields = 'company,state,caller_id,company.name';
  const read = async (parameters) =>
    (await call('GET', tablePath('incident', { fields, ...parameters }))).body.result[0];

  assert.deepEqual(await read({}), {
    company: { link, value: id },
    state: '2',
    caller_id: '',
    'company.name': 'Acme',
  });
  assert.deepEqual((await read({ exclude_reference_link: true })).company, id);
  assert.deepEqual(await read({ display_value: true }), {
    company: { display_value: 'Acme', link },
    state: 'In Progress',
    caller_id: '',
    'company.name': 'Acme',
  });
  assert.equal((await read({ display_value: true, exclude_reference_link: true })).company, 'Acme');
  assert.deepEqual(await read({ display_value: 'all' }), {
    company: { display_value: 'Acme', link, value: id },
    state: { display_value: 'In Progress', value: '2' },
    caller_id: { display_value: '', value: '' },
    'company.name': { display_value: 'Acme', value: 'Acme' },
  });

  const [stamps] = (
    await call(
      'GET',
      tablePath('incident', {
        fields: 'sys_created_on',
        display_value: 'all',
      }),
    )
  ).body.result.map((row) => row.sys_created_on);
  const milliseconds = (text) => Date.parse(`${text.replace(' ', 'T')}Z`);
  assert.equal(milliseconds(stamps.value) - milliseconds(stamps.display_value), 8 * 3_600_000);
  const labelled = await call('POST', `${tablePath('incident', { input_display_value: true })}`, {
    state: 'On Hold',
  });
  assert.equal(labelled.body.result.state, '3');
});

test('a field is cut at its length, emptied by "", but a choice keeps its value', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  const [row] = await createMany(call, 'incident', [
    { short_description: 'x'.repeat(200), state: '2' },
  ]);
  assert.equal(row.short_description.length, 160);
  const emptied = { short_description: '', state: '' };
  const { body } = await call('PATCH', `${incidents}/${row.sys_id}`, emptied);
  assert.deepEqual([body.result.short_description, body.result.state], ['', '2']);
});

test('a rate rule shows its headers and answers 429 once used up', async (t) => {
  const platform = await startPlatform(t, 'servicenow', { args: ['--hourly-limit', '2'] });
  const call = serviceNowSession(platform);
  const exceeded = await waitFor(async () => {
    const reply = await call('GET', incidents);
    const reset = Number(reply.headers.get('x-ratelimit-reset'));
    assert.equal(reply.headers.get('x-ratelimit-limit'), '2');
    assert.equal(reset % 3600, 0);
    assert.ok(reset > Date.now() / 1000);
    assert.match(reply.headers.get('x-ratelimit-rule'), /^[0-9a-f]{32}$/);
    return reply.status === 429 ? reply : null;
  });
  const { headers, body } = exceeded;
  assert.ok(Number(headers.get('retry-after')) > 0 && Number(headers.get('retry-after')) <= 3600);
  assert.deepEqual(body, {
    error: {
      message: 'Rate limit exceeded',
      detail: 'Rate limit of 2 requests per hour for Table API exceeded',
    },
    status: 'failure',
  });
});

test('data policy and unique index refuse with 403', async (t) => {
  const directory = makeDirectory();
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const schema = path.join(directory, 'schema.json');
  fs.writeFileSync(
    schema,
    JSON.stringify({
      u_thing: {
        display: 'u_key',
        fields: {
          u_key: { type: 'string', length: 10, unique: true, mandatory: true, label: 'Key' },
        },
      },
    }),
  );
  const platform = await startPlatform(t, 'servicenow', { args: ['--schema', schema] });
  const call = serviceNowSession(platform);
  const things = '/api/now/table/u_thing';
  const missing = await call('POST', things, {});
  assert.deepEqual([missing.status, missing.body.error.message], [403, 'Operation Failed']);
  assert.match(missing.body.error.detail, /^Data Policy Exception: .*mandatory: Key$/);
  assert.equal((await call('POST', things, { u_key: 'a' })).status, 201);
  const twin = await call('POST', things, { u_key: 'a' });
  assert.equal(twin.status, 403);
  assert.match(twin.body.error.detail, /Unique Key violation/);
  assert.equal((await platform.rows('u_thing')).length, 1);
});

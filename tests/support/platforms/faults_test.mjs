// Every fault kind: what the client sees, and what the platform did all the same.

import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { startPlatform, waitFor } from './lib/spawn_platform.mjs';
import { companies as hubSpotCompanies, hubSpotSession } from './lib/hubspot_session.mjs';
import { loginSalesforce, salesforceSession, soql } from './lib/salesforce_session.mjs';
import { serviceNowSession, tablePath } from './lib/servicenow_session.mjs';
import { zendeskSession } from './lib/zendesk_session.mjs';

const accounts = '/sobjects/Account';
const companies = '/api/now/table/core_company';
const organizations = '/organizations';

async function salesforce(t, args = []) {
  const platform = await startPlatform(t, 'salesforce', { args });
  const call = await salesforceSession(platform);
  const create = (Name, headers) => call('POST', accounts, { Name }, headers);
  return { platform, call, create };
}

async function serviceNow(t, args = []) {
  const platform = await startPlatform(t, 'servicenow', { args });
  const call = serviceNowSession(platform);
  const create = (name, headers) => call('POST', companies, { name }, headers);
  return { platform, call, create };
}

async function zendesk(t, args = []) {
  const platform = await startPlatform(t, 'zendesk', { args });
  const call = zendeskSession(platform);
  const create = (name, headers) =>
    call('POST', organizations, { organization: { name } }, headers);
  return { platform, call, create };
}

async function hubSpot(t, args = []) {
  const platform = await startPlatform(t, 'hubspot', { args });
  const call = hubSpotSession(platform);
  const create = (name, headers) =>
    call('POST', hubSpotCompanies, { properties: { name } }, headers);
  return { platform, call, create };
}

/** What the tests need to know of each: its paths, names and forms. */
const all = {
  salesforce: {
    start: salesforce,
    cheap: '/limits',
    list: soql('SELECT Id, Name FROM Account'),
    rowsOf: (body) => body.records,
    object: 'Account',
    nameField: 'Name',
    stampField: 'SystemModstamp',
    editField: 'Phone',
    place: (body) => ({ id: body.id, address: `${accounts}/${body.id}` }),
    edit: { method: 'PATCH', body: (fields) => fields },
    failed: /UNKNOWN_EXCEPTION/,
    counted: 'POST /services/data/{version}/sobjects/Account',
  },
  serviceNow: {
    start: serviceNow,
    cheap: companies,
    list: companies,
    rowsOf: (body) => body.result,
    object: 'core_company',
    nameField: 'name',
    stampField: 'sys_updated_on',
    editField: 'phone',
    place: ({ result }) => ({ id: result.sys_id, address: `${companies}/${result.sys_id}` }),
    edit: { method: 'PATCH', body: (fields) => fields },
    failed: /Transaction cancelled: maximum execution time exceeded/,
    counted: `POST ${companies}`,
  },
  zendesk: {
    start: zendesk,
    cheap: organizations,
    list: organizations,
    rowsOf: (body) => body.organizations,
    object: 'organizations',
    nameField: 'name',
    stampField: 'updated_at',
    editField: 'details',
    place: ({ organization: { id } }) => ({ id, address: `${organizations}/${id}` }),
    edit: { method: 'PUT', body: (organization) => ({ organization }) },
    failed: /"title":"HTTP 500"/,
    counted: 'POST /api/v2/organizations',
  },
  hubSpot: {
    start: hubSpot,
    cheap: '/crm/v3/owners',
    list: hubSpotCompanies,
    rowsOf: (body) => body.results,
    object: 'companies',
    nameField: 'name',
    stampField: 'hs_lastmodifieddate',
    editField: 'phone',
    place: ({ id }) => ({ id, address: `${hubSpotCompanies}/${id}` }),
    edit: { method: 'PATCH', body: (properties) => ({ properties }) },
    failed: /INTERNAL_ERROR/,
    counted: `POST ${hubSpotCompanies}`,
  },
};

async function written(platform) {
  return (await platform.log()).length;
}

for (const [name, its] of Object.entries(all)) {
  const { start } = its;

  test(`${name}: drop_reply_after_commit applies the write and loses the reply`, async (t) => {
    const { platform, call, create } = await start(t);
    await platform.fault({ kind: 'drop_reply_after_commit' });
    await call('GET', its.cheap); // Commits nothing.
    await assert.rejects(create('Lost'), /fetch failed/);
    assert.equal(await written(platform), 1);
    assert.equal((await create('Next')).status, 201);
  });

  test(`${name}: drop_reply loses the reply of a read, too`, async (t) => {
    const { platform, call, create } = await start(t);
    await platform.fault({ kind: 'drop_reply', count: 2 });
    await assert.rejects(call('GET', its.cheap), /fetch failed/);
    await assert.rejects(create('Lost'), /fetch failed/);
    assert.equal(await written(platform), 1);
    assert.equal((await call('GET', its.cheap)).status, 200);
  });

  test(`${name}: reset_before closes the connection and applies nothing`, async (t) => {
    const { platform, create } = await start(t);
    await platform.fault({ kind: 'reset_before', method: 'POST', count: 2 });
    await assert.rejects(create('One'), /fetch failed/);
    await assert.rejects(create('Two'), /fetch failed/);
    assert.equal(await written(platform), 0);
    assert.equal((await create('Three')).status, 201);
  });

  test(`${name}: status answers before the write, status_after_commit after it`, async (t) => {
    const { platform, create } = await start(t);
    await platform.fault({ kind: 'status', status: 503, headers: { 'Retry-After': '7' } });
    const refused = await create('One');
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '7']);
    assert.equal(await written(platform), 0);
    await platform.fault({ kind: 'status', status: 409, body: { any: ['thing'] } });
    assert.deepEqual((await create('Two')).body, { any: ['thing'] });

    await platform.fault({ kind: 'status_after_commit' });
    const cancelled = await create('Three');
    assert.equal(cancelled.status, 500);
    assert.match(cancelled.text, its.failed);
    assert.equal(await written(platform), 1);
    await platform.fault({ kind: 'status_after_commit', status: 503 });
    assert.equal((await create('Four')).status, 503);
    assert.equal(await written(platform), 2);
  });

  test(`${name}: html_200 is a page with status 200 and no write`, async (t) => {
    const { platform, create } = await start(t);
    await platform.fault({ kind: 'html_200' });
    const page = await create('One');
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type'), /^text\/html/);
    assert.match(page.text, /^<!DOCTYPE html>/);
    assert.equal(await written(platform), 0);
  });

  test(`${name}: truncated_json is 200 with a body no parser takes`, async (t) => {
    const { platform, call, create } = await start(t);
    await create('Ä');
    for (const at of [{}, { at_bytes: 0 }, { at_bytes: 40 }]) {
      await platform.fault({ kind: 'truncated_json', method: 'GET', ...at });
      const cut = await call('GET', its.list);
      assert.equal(cut.status, 200);
      assert.equal(cut.body, null, cut.text);
    }
    if (name === 'serviceNow') {
      await platform.fault({ kind: 'truncated_json' });
      assert.match((await call('GET', its.list)).text, /"status":"failure"}$/);
    }
    assert.ok((await call('GET', its.list)).body);
  });

  test(`${name}: delay and slow_drip take their time and lose nothing`, async (t) => {
    const { platform, call, create } = await start(t);
    await platform.fault({ kind: 'delay', delay_ms: 300 });
    const started = performance.now();
    assert.equal((await create('One')).status, 201);
    assert.ok(performance.now() - started >= 299);
    await platform.fault({ kind: 'slow_drip', delay_ms: 3, chunk_bytes: 2 });
    const dripping = performance.now();
    const { text, body } = await call('GET', its.cheap);
    assert.ok(body);
    assert.ok(performance.now() - dripping >= (text.length / 2) * 2);
  });

  test(`${name}: down destroys every connection until up`, async (t) => {
    const { platform, create } = await start(t);
    await platform.fault({ kind: 'down' });
    await assert.rejects(create('One'), /fetch failed/);
    await assert.rejects(create('Two'), /fetch failed/);
    await platform.fault({ kind: 'up' });
    assert.equal((await create('Three')).status, 201);
    assert.equal(await written(platform), 1);
  });

  test(`${name}: throttle takes any Retry-After`, async (t) => {
    const { platform, create } = await start(t);
    const cases = [
      [{ retry_after: 5 }, /^5$/],
      [{ retry_after: 'http-date' }, /^\w{3}, \d\d \w{3} \d{4} .* GMT$/],
      [{ retry_after: 'soon' }, /^soon$/],
    ];
    for (const [settings, pattern] of cases) {
      await platform.fault({ kind: 'throttle', status: 429, ...settings });
      const reply = await create('One');
      assert.equal(reply.status, 429);
      assert.match(reply.headers.get('retry-after'), pattern);
    }
    await platform.fault({ kind: 'throttle', retry_after: null });
    assert.equal((await create('Two')).headers.get('retry-after'), null);
    assert.equal(await written(platform), 0);
  });

  test(`${name}: faults choose by method and path, spare logins, and can be cleared`, async (t) => {
    const { platform, call, create } = await start(t);
    await platform.fault({ kind: 'status', status: 502, count: 'always', method: 'POST' });
    assert.equal((await create('One')).status, 502);
    assert.equal((await create('Two')).status, 502);
    assert.equal((await call('GET', its.cheap)).status, 200);
    if (name === 'salesforce') {
      assert.equal((await loginSalesforce(platform)).status, 200);
      await platform.fault({ kind: 'status', status: 503, path: '/oauth2/token$' });
      assert.equal((await loginSalesforce(platform)).status, 503);
    }
    await platform.fault({ kind: 'reset_before', path: 'never-asked-for' });
    assert.equal((await platform.control('GET', 'faults')).armed.length, 2);
    await platform.control('POST', 'clear');
    assert.equal((await create('Three')).status, 201);
    const bad = [
      { kind: 'nope' },
      { kind: 'delay' },
      { kind: 'status', rows: 1 },
      { kind: 'status', count: 0 },
      { kind: 'status', path: '(' },
    ];
    for (const fault of bad) {
      await assert.rejects(platform.fault(fault), /400/, JSON.stringify(fault));
    }
  });

  test(`${name}: late_commit shows a row below a stamp already read`, async (t) => {
    const { platform, create } = await start(t);
    await platform.fault({ kind: 'late_commit', delay_ms: 2_000 });
    const late = create('Late');
    await waitFor(async () => (await platform.control('GET', 'faults')).armed.length === 0);
    await platform.control('POST', 'clock', { skew_ms: 60_000 });
    assert.equal((await create('Early')).status, 201);
    const visible = await platform.rows(its.object);
    assert.equal(visible.length, 1, 'the late row must not be visible yet');
    assert.equal((await late).status, 201);
    const log = await platform.log();
    const { nameField, stampField } = its;
    assert.deepEqual(
      log.map(({ n, after }) => [n, after[nameField]]),
      [
        [1, 'Early'],
        [2, 'Late'],
      ],
    );
    assert.ok(log[1].after[stampField] < log[0].after[stampField]);
    assert.ok(log[1].at > log[0].at && log[1].started_at < log[0].started_at);
  });

  test(`${name}: a held transaction keeps its row locked`, async (t) => {
    const { platform, call, create } = await start(t);
    const { id, address } = its.place((await create('Row')).body);
    const { object, editField: field, edit: form } = its;
    const edit = { object, id, fields: { [field]: 'human' }, hold_ms: 500 };
    await platform.fault({ kind: 'late_commit', delay_ms: 800, method: form.method });
    const held = call(form.method, address, form.body({ [field]: 'api' }));
    await waitFor(async () => (await platform.control('GET', 'faults')).armed.length === 0);
    await platform.control('POST', 'edit', edit);
    assert.ok((await held).status < 300);
    const log = await platform.log();
    assert.deepEqual(
      log.slice(1).map(({ actor, after }) => [actor, after[field]]),
      [
        ['api', 'api'],
        ['human', 'human'],
      ],
    );
    assert.ok(log[1].started_at < log[2].started_at);
  });

  test(`${name}: read_lag reads the past`, async (t) => {
    const { platform, call, create } = await start(t);
    await create('New');
    const count = async () => its.rowsOf((await call('GET', its.list)).body).length;
    await platform.fault({ kind: 'read_lag', delay_ms: 600_000, count: 2 });
    assert.deepEqual([await count(), await count(), await count()], [0, 0, 1]);
  });

  test(`${name}: the log names the writer, counts name the paths`, async (t) => {
    const { platform, create } = await start(t);
    const headers = {
      'Sforce-Call-Options': 'client=Syncline',
      'Idempotency-Key': '"k1"',
      'User-Agent': 'agent/1',
    };
    await create('One', headers);
    const [entry] = await platform.log();
    assert.deepEqual([entry.n, entry.op, entry.actor, entry.before], [1, 'create', 'api', null]);
    assert.equal(entry.user_agent, 'agent/1');
    assert.equal(entry.headers['sforce-call-options'], 'client=Syncline');
    assert.equal(entry.headers['idempotency-key'], '"k1"');
    assert.equal(entry.headers.authorization, undefined);
    const object = entry.table;
    const human = await platform.control('POST', 'create', {
      object,
      fields: { [its.nameField]: 'Two' },
    });
    await platform.control('POST', 'delete', { object, id: human.id });
    const log = await platform.log();
    assert.deepEqual(
      log.map(({ op, actor }) => [op, actor]),
      [
        ['create', 'api'],
        ['create', 'human'],
        ['delete', 'human'],
      ],
    );
    assert.equal(log[2].before[its.nameField], 'Two');
    await assert.rejects(platform.control('POST', 'delete', { object, id: human.id }), /404/);
    const counts = await platform.control('GET', 'requests');
    assert.deepEqual(counts[its.counted], { count: 1, statuses: { 201: 1 } });
  });
}

test('salesforce: throttle is 403 REQUEST_LIMIT_EXCEEDED of either sort', async (t) => {
  const { platform, create } = await salesforce(t);
  for (const [variant, message] of [
    ['daily', /^TotalRequests/],
    ['concurrent', /^ConcurrentReq/],
  ]) {
    await platform.fault({ kind: 'throttle', variant });
    const { status, body, headers } = await create('One');
    assert.deepEqual([status, body[0].errorCode], [403, 'REQUEST_LIMIT_EXCEEDED']);
    assert.match(body[0].message, message);
    assert.equal(headers.get('retry-after'), null);
  }
});

test('serviceNow: throttle is 429 until the hour', async (t) => {
  const { platform, create } = await serviceNow(t);
  await platform.fault({ kind: 'throttle' });
  const { status, headers } = await create('One');
  assert.equal(status, 429);
  assert.equal(Number(headers.get('x-ratelimit-reset')) % 3600, 0);
  assert.ok(Number(headers.get('retry-after')) > 0);
});

test('salesforce: expire_sessions strikes at once, or on the request that matches', async (t) => {
  const { platform, call, create } = await salesforce(t);
  await platform.fault({ kind: 'expire_sessions', path: '/query', method: 'GET' });
  assert.equal((await create('One')).status, 201);
  const expired = await call('GET', soql('SELECT Id FROM Account'));
  assert.deepEqual(
    [expired.status, expired.body],
    [401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]],
  );
  const again = await salesforceSession(platform);
  assert.equal((await again('GET', '/limits')).status, 200);
  await platform.fault({ kind: 'expire_sessions' });
  assert.equal((await again('GET', '/limits')).status, 401);
});

test('salesforce: expire_locators in the middle of paging', async (t) => {
  const { platform, call } = await salesforce(t);
  const record = { attributes: { type: 'Account' }, Name: 'x' };
  for (let i = 0; i < 2; i += 1) {
    await call('POST', '/composite/sobjects', { records: Array(150).fill(record) });
  }
  const small = { 'Sforce-Query-Options': 'batchSize=1' };
  const first = await call('GET', soql('SELECT Id FROM Account'), undefined, small);
  assert.equal(first.body.records.length, 200);
  await platform.fault({ kind: 'expire_locators', path: '/query/' });
  const next = await call('GET', first.body.nextRecordsUrl);
  assert.deepEqual([next.status, next.body[0].errorCode], [400, 'INVALID_QUERY_LOCATOR']);
});

test('salesforce: a collection whose reply lacks a result, or has them in another order', async (t) => {
  const { call, create, platform } = await salesforce(t);
  const ids = [(await create('a')).body.id, (await create('b')).body.id];
  const rename = async (Name) => {
    const records = ids.map((id) => ({ attributes: { type: 'Account' }, id, Name }));
    const { body } = await call('PATCH', '/composite/sobjects', { records });
    const rows = (await call('GET', soql('SELECT Name FROM Account'))).body.records;
    assert.deepEqual(rows.map((row) => row.Name), [Name, Name]);
    return body.map(({ id }) => id);
  };
  await platform.fault({ kind: 'result_missing' });
  assert.deepEqual(await rename('c'), ids.slice(0, 1));
  await platform.fault({ kind: 'results_reversed' });
  assert.deepEqual(await rename('d'), [...ids].reverse());
  assert.deepEqual(await rename('e'), ids);
});

test('salesforce: latestDateCovered waits for open transactions, or stands still', async (t) => {
  const { platform, call, create } = await salesforce(t);
  const minutes = (count) => new Date(Date.now() + count * 60_000).toISOString();
  const updated = `${accounts}/updated/?start=${minutes(-10)}&end=${minutes(20)}`;
  const frozen = '2026-01-05T10:08:00.000+0000';
  await platform.fault({ kind: 'freeze_date_covered', at: frozen });
  assert.equal((await call('GET', updated)).body.latestDateCovered, frozen);

  await platform.fault({ kind: 'late_commit', delay_ms: 1_500 });
  const before = Date.now();
  const late = create('Late');
  await waitFor(async () => (await platform.control('GET', 'faults')).armed.length === 0);
  await platform.control('POST', 'clock', { skew_ms: 600_000 });
  const covered = async () =>
    Date.parse((await call('GET', updated)).body.latestDateCovered.replace('+0000', 'Z'));
  assert.ok((await covered()) <= before);
  await late;
  assert.ok((await covered()) > before);
});

test('serviceNow: short_page hides rows of a full page and keeps next', async (t) => {
  const { platform, call, create } = await serviceNow(t);
  for (const name of ['a', 'b', 'c', 'd']) {
    await create(name);
  }
  await platform.fault({ kind: 'short_page', rows: 2 });
  const { body, headers } = await call('GET', tablePath('core_company', { limit: 2 }));
  assert.deepEqual(body.result, []);
  assert.equal(headers.get('x-total-count'), '4');
  assert.match(headers.get('link'), /rel="next"/);
  await assert.rejects(platform.fault({ kind: 'expire_locators' }), /400/);
});

test('Date follows the platform clock, gzip is used for those who ask', async (t) => {
  const { platform, call, create } = await serviceNow(t, [
    '--clock-skew-ms',
    '90000',
    '--gzip',
    'on',
  ]);
  await create('x'.repeat(80));
  const { headers, body } = await call('GET', tablePath('core_company', { limit: 1 }));
  const aheadMs = Date.parse(headers.get('date')) - Date.now();
  assert.ok(aheadMs > 80_000 && aheadMs <= 90_000);
  const stampMs = Date.parse(`${body.result[0].sys_updated_on.replace(' ', 'T')}Z`);
  assert.ok(stampMs - Date.now() > 60_000);
  await create('y');
  await create('z');
  const encoding = await new Promise((resolve, reject) => {
    const { username, password } = platform.credentials;
    http
      .get(
        platform.url + companies,
        {
          auth: `${username}:${password}`,
          headers: { 'Accept-Encoding': 'gzip' },
        },
        (response) => {
          response.resume();
          resolve(response.headers['content-encoding']);
        },
      )
      .on('error', reject);
  });
  assert.equal(encoding, 'gzip');
});

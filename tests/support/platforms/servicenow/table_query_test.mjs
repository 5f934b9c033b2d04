// Encoded queries and paging of the Table API.

import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from '../lib/spawn_platform.mjs';
import { createMany, serviceNowSession, tablePath } from '../lib/servicenow_session.mjs';

const companies = [
  { name: 'Alpha', city: 'Bonn', phone: '1', correlation_id: 'k1' },
  { name: 'Beta', city: 'Ulm', phone: '20' },
  { name: 'Gamma^Caret', city: 'Bonn', phone: '3' },
  { name: 'delta', notes: 'x' },
];

const queries = [
  ['city=Bonn', ['Alpha', 'Gamma^Caret']],
  ['city=bonn', []],
  ['city!=Bonn', ['Beta', 'delta']],
  ['city=Bonn^phone=3', ['Gamma^Caret']],
  ['city=Bonn^ORcity=Ulm^phone!=1', ['Beta', 'Gamma^Caret']],
  ['city=Ulm^NQphone=1^city=Bonn', ['Alpha', 'Beta']],
  ['nameLIKEeta', ['Beta']],
  ['nameSTARTSWITHGamma', ['Gamma^Caret']],
  ['name=Gamma^^Caret', ['Gamma^Caret']],
  ['cityISEMPTY', ['delta']],
  ['correlation_idISNOTEMPTY', ['Alpha']],
  ['nameINAlpha,delta', ['Alpha', 'delta']],
  ['name>=Beta^name<H', ['Beta', 'Gamma^Caret']],
  ['sys_mod_count<=0^sys_mod_count>-1^name<=Alpha', ['Alpha']],
  ['sys_updated_on>2020-01-01 00:00:00^nameLIKEAl', ['Alpha']],
  ["sys_updated_on<javascript:gs.dateGenerate('2020-01-01','00:00:00')", []],
  ['cityISNOTEMPTY^ORDERBYcity^ORDERBYDESCname', ['Gamma^Caret', 'Alpha', 'Beta']],
];

const brokenQueries = [
  ['no_such_field=1', 4],
  ['city=Bonn^no_such_field>2', 2],
  ['city~Bonn', 4],
  ['city=Ulm^NQnope=1', 4],
  ['ORDERBYnope', 4],
];

test('encoded queries select, a broken clause is dropped and the rest runs', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  await createMany(call, 'core_company', companies);
  for (const [query, names] of queries) {
    const { body } = await call(
      'GET',
      tablePath('core_company', { query, fields: 'name,unknown' }),
    );
    assert.deepEqual(
      body.result,
      names.map((name) => ({ name })),
      query,
    );
  }
  for (const [query, count] of brokenQueries) {
    const { status, body } = await call('GET', tablePath('core_company', { query }));
    assert.deepEqual([status, body.result.length], [200, count], query);
  }
  const pairs = await call('GET', '/api/now/table/core_company?city=Bonn&phone=3');
  assert.deepEqual(
    pairs.body.result.map(({ name }) => name),
    ['Gamma^Caret'],
  );

  const args = ['--invalid-query-returns-no-rows', 'on'];
  const strict = await startPlatform(t, 'servicenow', { args });
  const strictCall = serviceNowSession(strict);
  await createMany(strictCall, 'core_company', companies.slice(0, 1));
  const none = await strictCall('GET', tablePath('core_company', { query: 'nope=1' }));
  assert.deepEqual(none.body.result, []);
});

test('pages carry Link and X-Total-Count; the last has no next', async (t) => {
  const platform = await startPlatform(t, 'servicenow');
  const call = serviceNowSession(platform);
  const rows = Array.from({ length: 5 }, (unused, i) => ({ name: `C${i}` }));
  await createMany(call, 'core_company', rows);
  const seen = [];
  let next = `${platform.url}${tablePath('core_company', { query: 'ORDERBYname', limit: 2 })}`;
  while (next) {
    const { headers, body } = await call('GET', next.slice(platform.url.length));
    assert.equal(headers.get('x-total-count'), '5');
    assert.match(headers.get('link'), /rel="first".*rel="last"/);
    seen.push(...body.result.map(({ name }) => name));
    next = /<([^>]+)>;rel="next"/.exec(headers.get('link'))?.[1];
  }
  assert.deepEqual(
    seen,
    rows.map(({ name }) => name),
  );

  const bare = await call('GET', tablePath('core_company', { no_count: true, offset: 4 }));
  assert.equal(bare.headers.get('x-total-count'), null);
  assert.equal(bare.body.result.length, 1);
  const empty = tablePath('core_company', { query: 'name=none' });
  assert.deepEqual((await call('GET', empty)).body, { result: [] });
  assert.equal((await call('GET', empty.replace('/now/', '/now/v2/'))).status, 200);
  assert.equal((await call('GET', empty.replace('/now/', '/now/v1/'))).status, 404);
});

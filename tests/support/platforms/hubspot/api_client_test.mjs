// HubSpot's own client against the simulated account: what a customer's own tool does.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Client } from '@hubspot/api-client';
import { startPlatform } from '../lib/spawn_platform.mjs';

function connect(platform, accessToken = platform.credentials.token) {
  return new Client({ basePath: platform.url, accessToken, numberOfApiCallRetries: 0 });
}

test('records are made, read, changed, searched, listed and archived', async (t) => {
  const platform = await startPlatform(t, 'hubspot');
  const { basicApi, searchApi } = connect(platform).crm.companies;
  const made = await basicApi.create({ properties: { name: 'Acme', syncline_id: 'e1' } });
  assert.ok(made.createdAt instanceof Date && made.archived === false);
  const found = await basicApi.getById('e1', ['name'], [], [], false, 'syncline_id');
  assert.deepEqual([found.id, found.properties.name], [made.id, 'Acme']);
  const changed = await basicApi.update(made.id, { properties: { name: 'Acme Ltd' } });
  assert.ok(changed.updatedAt >= made.updatedAt);
  const filter = { propertyName: 'name', operator: 'EQ', value: 'acme ltd' };
  const { total, results } = await searchApi.doSearch({
    filterGroups: [{ filters: [filter] }],
    sorts: ['-hs_lastmodifieddate'],
    properties: ['name'],
    limit: 200,
  });
  assert.deepEqual([total, results[0].id], [1, made.id]);
  await basicApi.archive(made.id);
  await assert.rejects(basicApi.getById(made.id), ({ code, body }) => {
    return code === 404 && body.category === 'OBJECT_NOT_FOUND';
  });
  assert.deepEqual((await basicApi.getPage()).results, []);
});

test('all pages of a list, and a batch of which a record is refused', async (t) => {
  const platform = await startPlatform(t, 'hubspot');
  const { companies } = connect(platform).crm;
  const names = Array.from({ length: 60 }, (unused, i) => `n${i}`);
  const inputs = names.map((name) => ({ properties: { name } }));
  const made = await companies.batchApi.create({ inputs });
  assert.equal(made.results.length, 60);
  assert.equal((await companies.getAll(25)).length, 60);
  const [a, b] = made.results.map(({ id }) => id);
  const partly = await companies.batchApi.update({
    inputs: [
      { id: a, properties: { name: 'A' }, objectWriteTraceId: 'a' },
      { id: b, properties: { industry: 'MAGIC' }, objectWriteTraceId: 'b' },
    ],
  });
  assert.deepEqual(
    [partly.results.length, partly.numErrors, partly.errors[0].context.objectWriteTraceId],
    [1, 1, ['b']],
  );
  const read = await companies.batchApi.read({ inputs: [{ id: a }], properties: ['name'] });
  assert.equal(read.results[0].properties.name, 'A');
});

test('errors come as what the client throws', async (t) => {
  const platform = await startPlatform(t, 'hubspot');
  const { basicApi } = connect(platform).crm.contacts;
  const contact = { properties: { email: 'a@x.example' } };
  await basicApi.create(contact);
  await assert.rejects(basicApi.create(contact), ({ code, body }) => {
    return code === 409 && /^Contact already exists\. Existing ID: \d+$/.test(body.message);
  });
  const stranger = connect(platform, 'x').crm.contacts.basicApi;
  await assert.rejects(stranger.getPage(), { code: 401 });
  await platform.fault({ kind: 'throttle' });
  await assert.rejects(basicApi.getPage(), ({ code, body }) => {
    return code === 429 && body.policyName === 'TEN_SECONDLY_ROLLING';
  });
});

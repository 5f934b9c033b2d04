// What a platform has answered is on disk: kill -9, torn tails, corruption, clean stops.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { makeDirectory, startPlatform, waitFor } from './lib/spawn_platform.mjs';
import { salesforceSession, soql } from './lib/salesforce_session.mjs';
import { serviceNowSession } from './lib/servicenow_session.mjs';

function directoryFor(t) {
  const directory = makeDirectory();
  t.after(() => fs.rmSync(directory, { recursive: true }));
  return directory;
}

function logFile(directory) {
  return path.join(directory, 'commits.jsonl');
}

test('every acknowledged record survives kill -9 in the middle of writing', async (t) => {
  const data = directoryFor(t);
  const platform = await startPlatform(t, 'salesforce', { data });
  const call = await salesforceSession(platform);
  const acknowledged = [];
  const write = async (worker) => {
    for (let i = 0; ; i += 1) {
      const { body } = await call('POST', '/sobjects/Account', { Name: `${worker}-${i}` });
      acknowledged.push(body.id);
    }
  };
  const writers = Promise.allSettled([write('a'), write('b'), write('c')]);
  await waitFor(() => acknowledged.length >= 30);
  assert.equal((await platform.killHard()).signal, 'SIGKILL');
  assert.ok((await writers).every(({ status }) => status === 'rejected'));

  const again = await startPlatform(t, 'salesforce', { data });
  assert.deepEqual(again.credentials, platform.credentials);
  const kept = new Set((await again.rows('Account')).map(({ Id }) => Id));
  assert.deepEqual(
    acknowledged.filter((id) => !kept.has(id)),
    [],
  );
  const numbers = (await again.log()).map(({ n }) => n);
  assert.deepEqual(
    numbers,
    numbers.map((unused, i) => i + 1),
  );
  const more = await (
    await salesforceSession(again)
  )('POST', '/sobjects/Account', { Name: 'More' });
  assert.equal(kept.has(more.body.id), false);
});

test('updates, deletes, unique keys, numbers and stamps are the same after kill -9', async (t) => {
  const data = directoryFor(t);
  const first = await startPlatform(t, 'servicenow', { data });
  const call = serviceNowSession(first);
  const incidents = '/api/now/table/incident';
  const {
    body: { result: kept },
  } = await call('POST', incidents, { category: 'a' });
  const {
    body: { result: gone },
  } = await call('POST', incidents, {});
  await call('PATCH', `${incidents}/${kept.sys_id}`, { impact: '1' });
  await call('DELETE', `${incidents}/${gone.sys_id}`);
  const rows = await first.rows('incident');
  const log = await first.log();
  await first.killHard();

  const second = await startPlatform(t, 'servicenow', { data });
  assert.deepEqual(await second.rows('incident'), rows);
  assert.deepEqual(await second.log(), log);
  const next = await serviceNowSession(second)('POST', incidents, {});
  assert.equal(next.body.result.number, 'INC0010003');
});

test('an upsert finds its key again after kill -9, and a deleted record frees it', async (t) => {
  const data = directoryFor(t);
  const first = await startPlatform(t, 'salesforce', { data });
  const key = '/sobjects/Account/Syncline_Id__c/A-1';
  const made = await (await salesforceSession(first))('PATCH', key, { Name: 'Acme' });
  assert.equal(made.status, 201);
  await first.killHard();
  const second = await startPlatform(t, 'salesforce', { data });
  const call = await salesforceSession(second);
  const again = await call('PATCH', key, { Phone: '1' });
  assert.deepEqual([again.status, again.body.created, again.body.id], [200, false, made.body.id]);
  await call('DELETE', `/sobjects/Account/${made.body.id}`);
  await second.killHard();
  const third = await startPlatform(t, 'salesforce', { data });
  const thirdCall = await salesforceSession(third);
  assert.equal((await thirdCall('PATCH', key, { Name: 'Acme again' })).status, 201);
  const bin = soql('SELECT Id FROM Account WHERE IsDeleted = true').replace('/query', '/queryAll');
  assert.equal((await thirdCall('GET', bin)).body.totalSize, 1);
});

for (const [title, tail] of [
  ['half a line', '{"transaction":2,"mutations":[{"n":'],
  ['a whole line that is no JSON', '{"transaction":2,"mut\u0000\u0000\u0000\n'],
]) {
  test(`a torn tail is cut: ${title}`, async (t) => {
    const data = directoryFor(t);
    const first = await startPlatform(t, 'servicenow', { data });
    const companies = '/api/now/table/core_company';
    await serviceNowSession(first)('POST', companies, { name: 'Kept' });
    await first.killHard();
    const whole = fs.readFileSync(logFile(data));
    fs.appendFileSync(logFile(data), tail);

    const second = await startPlatform(t, 'servicenow', { data });
    assert.deepEqual(fs.readFileSync(logFile(data)), whole);
    assert.deepEqual(
      (await second.rows('core_company')).map(({ name }) => name),
      ['Kept'],
    );
    await serviceNowSession(second)('POST', companies, { name: 'After' });
    await second.killHard();
    const third = await startPlatform(t, 'servicenow', { data });
    assert.deepEqual(
      (await third.rows('core_company')).map(({ name }) => name),
      ['Kept', 'After'],
    );
  });
}

test('a bad line in the middle is corruption: the server refuses to start', async (t) => {
  const data = directoryFor(t);
  const first = await startPlatform(t, 'servicenow', { data });
  await serviceNowSession(first)('POST', '/api/now/table/core_company', { name: 'Kept' });
  await first.stop();
  const good = fs.readFileSync(logFile(data), 'utf8');
  fs.writeFileSync(logFile(data), `not json\n${good}`);
  await assert.rejects(startPlatform(t, 'servicenow', { data }), /byte 0: not a JSON line/);
});

test('SIGTERM stops cleanly; a wrong flag or a host beyond loopback is refused', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  assert.deepEqual(await platform.stop(), { code: 0, signal: null });
  assert.equal(platform.problems, '');
  const refused = [
    [['--host', '0.0.0.0'], /not loopback/],
    [['--port', 'x'], /whole number/],
    [['--nope', '1'], /nope/],
  ];
  for (const [args, problem] of refused) {
    await assert.rejects(startPlatform(t, 'servicenow', { args }), problem);
  }
});

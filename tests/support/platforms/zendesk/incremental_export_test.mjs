// The incremental export: the last minute, ties, late commits, repeats, deleted tickets, limits.

import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';
import { createTicket, readExport, settle, zendeskSession } from '../lib/zendesk_session.mjs';

async function start(t, args = []) {
  const unlimited = ['--export-limit', '0'];
  const platform = await startPlatform(t, 'zendesk', { args: [...unlimited, ...args] });
  return { platform, call: zendeskSession(platform) };
}

const ids = (rows) => rows.map(({ id }) => id);

test('what changed within the last minute is told later, behind the cursor', async (t) => {
  const { platform, call } = await start(t);
  const one = await createTicket(call, 'One');
  const empty = await readExport(call, 'start_time=0');
  assert.deepEqual(empty.rows, []);
  await settle(platform);
  const two = await createTicket(call, 'Two');
  const first = await readExport(call, `cursor=${encodeURIComponent(empty.cursor)}`);
  assert.deepEqual(first.rows, [one]);
  await settle(platform, 250_000);
  const second = await readExport(call, `cursor=${encodeURIComponent(first.cursor)}`);
  assert.deepEqual(ids(second.rows), [two.id]);
  const none = await readExport(call, `cursor=${encodeURIComponent(second.cursor)}`);
  assert.deepEqual([none.rows, none.cursor], [[], second.cursor]);
  assert.match(Buffer.from(second.cursor, 'base64').toString(), /^\d+\.0\|\|2\|$/);
});

test('rows of one second are told once each, however small the page', async (t) => {
  const { platform, call } = await start(t);
  for (let i = 0; i < 25; i += 1) {
    await platform.control('POST', 'create', { object: 'tickets', fields: { subject: `${i}` } });
  }
  await settle(platform);
  const all = await readExport(call, 'start_time=0&per_page=4');
  assert.deepEqual([ids(all.rows).length, new Set(ids(all.rows)).size, all.pages], [25, 25, 7]);
  await platform.fault({ kind: 'short_page', rows: 3 });
  const short = await readExport(call, 'start_time=0&per_page=10');
  assert.deepEqual([new Set(ids(short.rows)).size, short.pages], [25, 3]);
  await platform.fault({ kind: 'repeat_rows', rows: 2, path: 'cursor=' });
  const repeated = await readExport(call, 'start_time=0&per_page=10');
  assert.deepEqual([repeated.rows.length, new Set(ids(repeated.rows)).size], [27, 25]);
  assert.deepEqual(ids(repeated.rows).slice(8, 12), [9, 10, 9, 10]);
});

test('a row that is edited while it is read comes again at the end', async (t) => {
  const { platform, call } = await start(t);
  for (const name of ['a', 'b', 'c']) {
    await createTicket(call, name);
  }
  await settle(platform);
  const { body } = await call('GET', '/incremental/tickets/cursor?start_time=0&per_page=2');
  assert.deepEqual([ids(body.tickets), body.end_of_stream], [[1, 2], false]);
  await call('PUT', '/tickets/1', { ticket: { priority: 'low' } });
  await settle(platform, 250_000);
  const { rows } = await readExport(call, `cursor=${encodeURIComponent(body.after_cursor)}`);
  assert.deepEqual(ids(rows), [3, 1]);
  assert.equal(rows[1].priority, 'low');
});

test('a commit that takes longer than a minute falls behind the cursor', async (t) => {
  const { platform, call } = await start(t);
  /** Resolves when the write is stamped and open; its `done` when it has been committed. */
  const openTicket = async (subject) => {
    await platform.fault({ kind: 'late_commit', delay_ms: 1_500, method: 'POST' });
    const done = createTicket(call, subject);
    await waitFor(async () => (await platform.control('GET', 'faults')).armed.length === 0);
    return { done };
  };
  const subjects = (rows) => rows.map(({ subject }) => subject).sort();
  const behind = (cursor) => readExport(call, `cursor=${encodeURIComponent(cursor)}`);
  await createTicket(call, 'Early');
  await settle(platform);
  const short = await openTicket('Short');
  await platform.control('POST', 'clock', { skew_ms: 170_000 }); // Less than a minute later.
  await createTicket(call, 'Between');
  const first = await readExport(call, 'start_time=0');
  assert.deepEqual(subjects(first.rows), ['Early']);
  await short.done;

  await settle(platform, 300_000);
  const long = await openTicket('Long');
  await platform.control('POST', 'clock', { skew_ms: 310_000 });
  await createTicket(call, 'After');
  await settle(platform, 500_000);
  const second = await behind(first.cursor);
  assert.deepEqual(subjects(second.rows), ['After', 'Between', 'Short']);
  await long.done;
  const third = await behind(second.cursor);
  assert.deepEqual(third.rows, [], 'it was committed under a stamp that the cursor has passed');
  const again = await readExport(call, 'start_time=0');
  assert.deepEqual(subjects(again.rows), ['After', 'Between', 'Early', 'Long', 'Short']);
});

test('deleted tickets are told as such or left out; users become inactive', async (t) => {
  const { platform, call } = await start(t);
  const { id } = await createTicket(call, 'Secret', { tags: ['x'] });
  await createTicket(call, 'Kept');
  await call('DELETE', `/tickets/${id}`);
  const { user } = (await call('POST', '/users', { user: { name: 'Ann' } })).body;
  await call('DELETE', `/users/${user.id}`);
  await settle(platform);
  const { rows } = await readExport(call, 'start_time=0');
  const deleted = rows.find((row) => row.id === id);
  assert.deepEqual([deleted.status, deleted.tags], ['deleted', []]);
  assert.doesNotMatch(JSON.stringify(deleted), /Secret/);
  const kept = await readExport(call, 'start_time=0&exclude_deleted=true&per_page=1');
  assert.deepEqual(ids(kept.rows), [2]);
  const users = await readExport(call, 'start_time=0', 'users');
  assert.deepEqual([users.rows.length, users.rows[0].active], [1, false]);
});

test('by time: each boundary repeats, organizations have no other way', async (t) => {
  const { platform, call } = await start(t);
  await call('POST', '/organizations', { organization: { name: 'Acme' } });
  await platform.control('POST', 'clock', { skew_ms: 5_000 });
  for (const name of ['Beta', 'Gamma', 'Delta']) {
    await call('POST', '/organizations', { organization: { name } });
  }
  await settle(platform);
  assert.equal((await call('GET', '/incremental/organizations/cursor?start_time=0')).status, 404);
  const get = async (query) => (await call('GET', `/incremental/organizations.json?${query}`)).body;
  const first = await get('start_time=0&per_page=1');
  assert.deepEqual([first.count, first.end_of_stream], [1, false]);
  const rest = await get(new URL(first.next_page).searchParams);
  assert.equal(rest.organizations[0].name, 'Acme', 'the last second comes again');
  const tied = await get(`start_time=${first.end_time + 1}&per_page=1`);
  assert.ok(tied.count >= 1 && tied.organizations.every(({ name }) => name !== 'Acme'));
});

test('a start within the last minute, or none, is 400', async (t) => {
  const { platform, call } = await start(t);
  const status = async (query) => {
    const reply = await call('GET', `/incremental/tickets/cursor.json?${query}`);
    return [reply.status, reply.body.error];
  };
  const now = Math.floor(Date.now() / 1000);
  assert.deepEqual(await status(`start_time=${now - 30}`), [400, 'StartTimeTooRecent']);
  assert.deepEqual(await status(`start_time=${now - 70}`), [200, undefined]);
  await platform.control('POST', 'clock', { skew_ms: -90_000 });
  assert.deepEqual(await status(`start_time=${now - 70}`), [400, 'StartTimeTooRecent']);
  assert.deepEqual(await status(''), [400, 'InvalidValue']);
  assert.deepEqual(await status('cursor=abc'), [400, 'InvalidValue']);
});

// The real Request Tracker 5, over HTTP as a connector speaks to it: what it really does is
// written down here as assertions. Skipped where it is not installed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { missingFile } from '../lib/real_platform.mjs';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';
import { RtClient, custom } from './client.mjs';

const skip = missingFile(['/usr/share/request-tracker5/libexec/rt-server']) ?? false;
const seconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
let rt;
let stop = () => {};

before(async () => {
  if (skip) return;
  const all = { after: (action) => (stop = action) };
  rt = new RtClient(await startPlatform(all, 'rt', { limitMs: 120_000 }));
});
after(() => stop());

/** A stamp of an answer, as TicketSQL takes it. */
const asQuery = (stamp) => stamp.replace('T', ' ').replace('Z', '');
const ids = (page) => page.json.items.map((item) => item.id);

/** The ids of `count` new tickets, in the order in which they were made. */
async function makeTickets(subject, count) {
  const made = [];
  for (let n = 0; n < count; n += 1) made.push(await rt.create({ Subject: `${subject} ${n}` }));
  return made;
}

/** Updates `id` in a second of its own, so that it moves behind `last`, the newest until then. */
async function touch(id, last) {
  const { LastUpdated: newest } = await rt.show(last);
  await waitFor(() => Math.floor(Date.now() / 1000) * 1000 > Date.parse(newest));
  await rt.call('PUT', `/ticket/${id}`, { body: { Subject: `touched at ${Date.now()}` } });
  assert.ok((await rt.show(id)).LastUpdated > newest);
}

test('a token and a password open it, nothing and a wrong token do not', { skip }, async () => {
  for (const credentials of ['token', 'basic']) {
    const reply = await rt.call('GET', '/rt', { credentials });
    assert.equal(reply.status, 200);
    assert.match(reply.json.Version, /^5\./);
  }
  for (const credentials of [null, 'token 1-2-3', 'Basic bm9ib2R5Ong=']) {
    const reply = await rt.call('GET', '/rt', { credentials });
    assert.equal(reply.status, 401);
    assert.deepEqual(reply.json, { message: 'Unauthorized' });
    assert.equal(reply.headers.get('www-authenticate'), null);
    assert.ok(Date.parse(reply.headers.get('date')) > 0, 'the clock is told even so');
  }
});

test('a ticket is created, shown and updated', { skip }, async () => {
  const made = await rt.call('POST', '/ticket', {
    body: {
      Queue: 'General',
      Subject: 'Zażółć',
      Requestor: 'anna@example.test',
      Content: 'two\nlines',
      CustomFields: {
        Severity: 'high',
        'Due On': '2026-12-01',
        'Called At': '2026-11-23 10:00:00',
      },
    },
  });
  assert.equal(made.status, 201);
  assert.equal(typeof made.json.id, 'string');
  const ticket = await rt.show(made.json.id);
  assert.equal(ticket.id, Number(made.json.id), 'a number here, text in lists and after a create');
  assert.equal(ticket.Subject, 'Zażółć');
  assert.equal(ticket.Requestor[0].id, 'anna@example.test', 'a user was made by the way');
  assert.deepEqual(ticket.Queue.id, '1');
  assert.equal(ticket.Due, '1970-01-01T00:00:00Z', 'this is how no date looks');
  assert.equal(ticket.TimeWorked, '0', 'numbers are text');
  assert.deepEqual(custom(ticket, 'Due On'), ['2026-12-01']);
  assert.deepEqual(custom(ticket, 'Called At'), ['2026-11-23T10:00:00Z']);
  assert.deepEqual(custom(ticket, 'Syncline'), [], 'this is how no value looks');

  const put = (body) => rt.call('PUT', `/ticket/${made.json.id}`, { body });
  assert.deepEqual((await put({ Subject: 'new' })).json,
    [`Ticket ${made.json.id}: Subject changed from 'Zażółć' to 'new'`]);
  const { LastUpdated: before } = await rt.show(made.json.id);
  assert.deepEqual((await put({ Subject: 'new' })).json, [], 'nothing to do is a success');
  assert.equal((await rt.show(made.json.id)).LastUpdated, before);
  assert.equal((await rt.call('PATCH', `/ticket/${made.json.id}`, { body: {} })).status, 501);
});

test('null changes nothing, an empty text empties', { skip }, async () => {
  const id = await rt.create({ Subject: 's', Due: '2026-12-01T10:00:00Z',
    CustomFields: { Syncline: 'k', Severity: 'low' } });
  const put = async (body) => (await rt.call('PUT', `/ticket/${id}`, { body })).json;
  assert.deepEqual(await put({ Subject: null, Due: null }), []);
  assert.match((await put({ Due: '' }))[0], /Due could not be set/, 'nor is a date emptied so');
  assert.equal((await rt.show(id)).Due, '2026-12-01T10:00:00Z');
  await put({ Due: '1970-01-01 00:00:00' });
  assert.equal((await rt.show(id)).Due, '1970-01-01T00:00:00Z', 'but by the date that is none');
  await put({ CustomFields: { Syncline: null } });
  assert.deepEqual(custom(await rt.show(id), 'Syncline'), [], 'but null empties a custom field');
  await put({ Subject: '', CustomFields: { Severity: '' } });
  assert.equal((await rt.show(id)).Subject, '');
  assert.deepEqual(custom(await rt.show(id), 'Severity'), [null],
    'an empty text leaves a value, which is null');
});

test('a stale If-Match is refused, yet of four at once several may win', { skip }, async () => {
  const id = await rt.create({ Subject: 's' });
  const first = await rt.call('GET', `/ticket/${id}`);
  const etag = first.headers.get('etag');
  assert.match(etag, /^"\d+"$/);
  const put = (Subject, version) => rt.call('PUT', `/ticket/${id}`,
    { body: { Subject }, headers: { 'if-match': version } });
  const done = await put('a', etag);
  assert.equal(done.status, 200);
  assert.equal(done.headers.get('etag'), null, 'the version written is not told');
  const refused = await put('b', etag);
  assert.equal(refused.status, 412);
  assert.deepEqual(refused.json, { message: 'Precondition Failed' });
  assert.equal((await rt.show(id)).Subject, 'a');
  const same = await rt.call('GET', `/ticket/${id}`, { headers: { 'if-none-match': etag } });
  assert.equal(same.status, 200);
  const now = same.headers.get('etag');
  const not = await rt.call('GET', `/ticket/${id}`, { headers: { 'if-none-match': now } });
  assert.equal(not.status, 304);
  const race = await Promise.all([1, 2, 3, 4].map((n) => put(`race ${n}`, now)));
  const statuses = race.map((reply) => reply.status);
  assert.ok(statuses.includes(200) && statuses.every((one) => one === 200 || one === 412));
});

test('a custom field is a marker: search by it finds, yet it keeps nothing unique', { skip },
  async () => {
    const marked = (value) => rt.search(`'CF.{Syncline}' = '${value}'`, { fields: 'CustomFields' });
    assert.deepEqual(ids(await marked('m-1')), []);
    const id = await rt.create({ Subject: 's', CustomFields: { Syncline: 'm-1' } });
    const found = await marked('m-1');
    assert.deepEqual(ids(found), [id]);
    assert.deepEqual(custom(found.json.items[0], 'Syncline'), ['m-1']);
    const again = await rt.create({ Subject: 's', CustomFields: { Syncline: 'm-1' } });
    assert.deepEqual(ids(await marked('m-1')).sort(), [id, again].sort());
    // The list of custom fields has no order: a value must be found by the name beside it.
    assert.deepEqual(found.json.items[0].CustomFields.map((field) => field.name).sort(),
      ['Called At', 'Customer', 'Due On', 'Order', 'Part', 'Severity', 'Syncline']);
    for (const [value, escaped] of [["it's", "it\\'s"], ['b\\b', 'b\\\\b'], ['q"q', 'q"q']]) {
      const quoted = await rt.create({ Subject: 's', CustomFields: { Syncline: value } });
      assert.deepEqual(ids(await marked(escaped)), [quoted], 'a backslash escapes');
      assert.deepEqual(ids(await marked(escaped.toUpperCase())), [quoted], 'case is ignored');
    }
    assert.equal((await marked("it''s")).status, 400);
    const asked = await rt.search(`id = ${id}`, { fields: 'CF.{Syncline},nosuch' });
    assert.equal(asked.json.items[0]['CF.{Syncline}'], '', 'not by name in a list');
    assert.equal(asked.json.items[0].nosuch, '', 'a field that is not there is empty text');
  });

test('stamps are whole seconds, and a keyset over (LastUpdated, id) needs no `=`', { skip },
  async () => {
    const made = await makeTickets('tie', 4);
    const rename = (id) => rt.call('PUT', `/ticket/${id}`, { body: { Subject: 'k' } });
    await Promise.all(made.map(rename));
    const all = (await rt.search("Subject = 'k'")).json.items;
    assert.ok(all.every((item) => seconds.test(item.LastUpdated)));
    assert.equal(all[0].type, 'ticket');
    const { LastUpdated: stamp, id } = all[1];
    const at = asQuery(stamp);
    const behind = all.slice(2).map((item) => item.id);
    const after = `(LastUpdated >= '${at}' AND LastUpdated <= '${at}' AND id > ${id})` +
      ` OR LastUpdated > '${at}'`;
    assert.deepEqual(ids(await rt.search(`Subject = 'k' AND (${after})`)), behind);
    const day = await rt.search(`Subject = 'k' AND LastUpdated = '2026-01-01 10:00:00'`);
    assert.deepEqual(ids(day), []);
    const midnight = `${stamp.slice(0, 10)} 00:00:00`;
    assert.deepEqual(ids(await rt.search(`Subject = 'k' AND LastUpdated = '${midnight}'`)),
      all.map((item) => item.id), '`=` means the whole day');
  });

test('a moment that it cannot read is 1970, and it cannot read what it writes', { skip },
  async () => {
    const id = await rt.create({ Subject: 'any' });
    const { LastUpdated: stamp } = await rt.show(id);
    assert.match(stamp, seconds);
    const total = async (query) =>
      (await rt.search(`id = ${id} AND LastUpdated ${query}`)).json.total;
    const both = async (moment) => [await total(`>= '${moment}'`), await total(`<= '${moment}'`)];
    assert.equal(await total(">= '2099-01-01 00:00:00'"), 0);
    const unread = ['no moment', stamp, String(Date.parse(stamp) / 1000)];
    for (const moment of unread) {
      assert.deepEqual(await both(moment), [1, 0], moment);
    }
    const at = asQuery(stamp);
    for (const moment of [at, at.replace(' ', 'T'), `${at} GMT`, `${at} +0000`]) {
      assert.deepEqual(await both(moment), [1, 1], moment);
    }
  });

test("moments in a search are in the user's time zone, those of answers in UTC", { skip },
  async () => {
    const zone = (Timezone) => rt.call('PUT', '/user/syncline', { body: { Timezone } });
    const id = await rt.create({ Subject: 'zone' });
    const { LastUpdated: stamp } = await rt.show(id);
    const since = () => rt.search(`id = ${id} AND LastUpdated >= '${asQuery(stamp)}'`);
    const sinceUtc = () => rt.search(`id = ${id} AND LastUpdated >= '${asQuery(stamp)} +0000'`);
    assert.deepEqual(ids(await since()), [id]);
    try {
      assert.equal((await zone('America/New_York')).status, 200);
      assert.equal((await rt.show(id)).LastUpdated, stamp);
      assert.deepEqual(ids(await since()), [], 'five hours late');
      assert.deepEqual(ids(await sinceUtc()), [], 'also if the zone is said');
    } finally {
      await zone('UTC');
    }
  });

test('a row that moves between two pages takes another from the page behind', { skip },
  async () => {
    const made = await makeTickets('page', 6);
    const query = `id >= ${made[0]} AND id <= ${made[5]}`;
    const one = await rt.search(query, { page: 1, size: 2 });
    assert.deepEqual(ids(one), made.slice(0, 2));
    const { total, pages, page, per_page: size, prev_page: previous } = one.json;
    assert.deepEqual([total, pages, page, size, previous], [6, 3, 1, 2, undefined]);
    assert.match(one.json.next_page, /^http:\/\/127\.0\.0\.1:\d+\/REST\/2\.0\/tickets\?.*page=2/);
    await touch(made[0], made[5]);
    assert.deepEqual(ids(await rt.search(query, { page: 2, size: 2 })), made.slice(3, 5),
      'the third is on no page');
    const last = (await rt.search(query, { page: 1, size: 2 })).json;
    assert.deepEqual(last.items.map((item) => item.id), made.slice(1, 3));
    const end = await rt.search(query, { page: 9, size: 2 });
    assert.deepEqual([end.status, ids(end), end.json.next_page], [200, [], undefined]);
    assert.equal((await rt.search(query, { size: 1_000 })).json.per_page, 100);
    assert.equal((await rt.search(query, { size: 0 })).json.per_page, 20);
  });

test('the feed of transactions tells everything, by id, without a next page', { skip },
  async () => {
    const start = (await rt.feed(0)).items.length;
    const id = await rt.create({ Subject: 'fed' });
    await rt.call('PUT', `/ticket/${id}`,
      { body: { Subject: 'fed more', CustomFields: { Severity: 'high' } } });
    const told = [];
    let page = await rt.feed(0);
    while (page.items.length > 0) {
      assert.deepEqual([page.total, page.pages, page.next_page], [null, null, undefined]);
      told.push(...page.items);
      page = await rt.feed(page.items.at(-1).id);
    }
    assert.ok(told.length > start);
    const mine = told.filter((one) => one.ObjectId === id);
    assert.deepEqual(mine.map((one) => [one.Type, one.OldValue, one.NewValue]).sort(),
      [['Create', '', ''], ['CustomField', '', 'high'], ['Set', 'fed', 'fed more']]);
    assert.ok(mine.every((one) => one.Creator.id === 'syncline' && seconds.test(one.Created)));
    assert.match(mine.find((one) => one.Type === 'CustomField').Field, /^\d+$/, "the field's id");
  });

test('ids are given before the commit, so a cursor of ids needs an overlap', { skip },
  async (t) => {
    const feedAll = async (from) => {
      const found = [];
      for (let page = await rt.feed(from); page.items.length; ) {
        found.push(...page.items.map((one) => Number(one.id)));
        page = await rt.feed(found.at(-1));
      }
      return found;
    };
    const start = (await feedAll(0)).at(-1) ?? 0;
    let writing = true;
    const writers = Promise.all([1, 2].map(() => makeTickets('concurrent', 6)));
    writers.finally(() => (writing = false));
    const naive = new Set();
    let cursor = start;
    while (writing) {
      for (const id of await feedAll(cursor)) {
        naive.add(id);
        cursor = id;
      }
    }
    await writers;
    const all = await feedAll(start);
    const lost = all.filter((id) => id <= cursor && !naive.has(id));
    t.diagnostic(`${lost.length} of ${all.length} transactions were behind the cursor`);
    const reread = new Set(await feedAll(start));
    assert.ok(lost.every((id) => reread.has(id)));
  });

test('a deleted ticket is in no search, but can be shown, fed and opened again', { skip },
  async () => {
    const id = await rt.create({ Subject: 'to go' });
    assert.equal((await rt.call('DELETE', `/ticket/${id}`)).status, 204);
    assert.equal((await rt.call('DELETE', `/ticket/${id}`)).status, 500,
      'a second time it is no 404 and no 204');
    assert.deepEqual(ids(await rt.search(`id = ${id}`)), []);
    assert.deepEqual(ids(await rt.search(`id = ${id} AND Status = 'deleted'`)), []);
    assert.equal((await rt.show(id)).Status, 'deleted');
    const page = await rt.call('GET', '/transactions', {
      query: [['query', `ObjectType = 'RT::Ticket' AND NewValue = 'deleted'`],
        ['fields', 'Type,ObjectId,Created']],
    });
    assert.ok(page.json.items.some((one) => one.ObjectId === id && one.Type === 'Status'));
    await rt.call('PUT', `/ticket/${id}`, { body: { Status: 'open' } });
    assert.deepEqual(ids(await rt.search(`id = ${id}`)), [id]);
  });

test('a merged ticket is shown as the other one, under its own id and under the old', { skip },
  async () => {
    const [gone, kept] = await makeTickets('merge', 2);
    const merged = await rt.call('PUT', `/ticket/${gone}`, { body: { MergeInto: kept } });
    assert.deepEqual(merged.json, ['Merge Successful']);
    assert.equal((await rt.show(gone)).id, Number(kept));
    assert.deepEqual(ids(await rt.search(`id = ${gone}`)), []);
  });

test('a user is created, shown, updated, found and only ever disabled', { skip }, async () => {
  const body = { Name: 'c-1', EmailAddress: 'c@example.test', CustomFields: { Syncline: 'u-1' } };
  const made = await rt.call('POST', '/user', { body });
  assert.deepEqual([made.status, made.json.id], [201, 'c-1'], 'the name stands for the id');
  const twice = await rt.call('POST', '/user', { body });
  assert.deepEqual([twice.status, twice.json], [400, { message: 'Name in use' }]);
  const shown = await rt.call('GET', '/user/c-1');
  assert.equal(typeof shown.json.id, 'number');
  assert.match(shown.json.LastUpdated, seconds);
  const etag = shown.headers.get('etag');
  const put = (RealName, version) => rt.call('PUT', '/user/c-1',
    { body: { RealName }, headers: { 'if-match': version } });
  assert.equal((await put('C', etag)).status, 200);
  const find = async (field, operator, value) => ids(await rt.call('POST', '/users',
    { body: [{ field, operator, value }], query: [['per_page', 100]] }));
  assert.deepEqual(await find('CF.{Syncline}', '=', 'u-1'), ['c-1']);
  assert.equal((await rt.call('DELETE', '/user/c-1')).status, 204);
  assert.equal((await rt.call('GET', '/user/c-1')).json.Disabled, '1');
  assert.deepEqual(await find('CF.{Syncline}', '=', 'u-1'), [], 'and found no more');
});

test('users have no window: a condition on what is not searchable is left out', { skip },
  async () => {
    for (const Name of ['w-1', 'w-2', 'w-3']) {
      await rt.call('POST', '/user', { body: { Name, EmailAddress: `${Name}@example.test` } });
    }
    const find = async (conditions, page = 1) => ids(await rt.call('POST', '/users',
      { body: conditions, query: [['orderby', 'Name'], ['per_page', 2], ['page', page]] }));
    const named = { field: 'Name', operator: 'STARTSWITH', value: 'w-' };
    assert.deepEqual(await find([named]), ['w-1', 'w-2']);
    assert.deepEqual(await find([named], 2), ['w-3']);
    for (const field of ['LastUpdated', 'id', 'Nonsense']) {
      const never = { field, operator: '>', value: '2099-01-01 00:00:00' };
      assert.deepEqual(await find([named, never]), ['w-1', 'w-2'], field);
    }
    const behind = { field: 'Name', operator: '>', value: 'w-1' };
    assert.deepEqual(await find([behind]), ['w-2', 'w-3'], 'by name there is a keyset');
    const told = await rt.call('GET', '/transactions',
      { query: [['query', "ObjectType = 'RT::User'"], ['fields', 'Type,ObjectId']] });
    assert.ok(told.json.items.some((one) => one.Type === 'Create'), 'and a feed');
  });

test('errors: some have the status that one expects', { skip }, async () => {
  const ticket = { Queue: 'General', Subject: 'x' };
  const cases = [
    ['GET', '/ticket/99999', undefined, 404, /Not Found/],
    ['GET', '/nonsense', undefined, 404, /Not Found/],
    ['PUT', '/ticket/99999', { Subject: 'x' }, 404, /use POST to create/],
    ['GET', '/tickets?query=Nonsense%3D1', undefined, 400, /Unknown field: Nonsense/],
    ['POST', '/ticket', '{"Queue":', 400, /JSON parse error/],
    ['POST', '/ticket', { Subject: 'x' }, 400, /Queue not set/],
    ['POST', '/ticket', { ...ticket, Status: 'nonsense' }, 400, /isn't a valid status/],
    ['POST', '/ticket', { ...ticket, Queue: 'Nonsense' }, 403, /No permission to create/],
  ];
  for (const [method, path, body, status, message] of cases) {
    const reply = await rt.call(method, path, { body });
    assert.equal(reply.status, status, `${method} ${path} ${JSON.stringify(body)}`);
    assert.match(reply.json.message, message);
  }
});

test('errors: most of a record being refused is a success', { skip }, async () => {
  const id = await rt.create({
    Subject: 'x',
    Nonsense: 1,
    CustomFields: { Severity: 'nonsense', Nonsense: 1, 'Due On': 'nonsense' },
  });
  const made = await rt.show(id);
  assert.deepEqual(custom(made, 'Severity'), []);
  const reply = await rt.call('PUT', `/ticket/${id}`,
    { body: { Subject: 'changed', Status: 'nonsense', CustomFields: { Severity: 'nonsense' } } });
  assert.equal(reply.status, 200);
  assert.deepEqual([...reply.json].sort(), [
    'Invalid value for custom field',
    `Ticket ${id}: Status 'nonsense' isn't a valid status for this ticket.`,
    `Ticket ${id}: Subject changed from 'x' to 'changed'`,
  ]);
  await rt.call('PUT', `/ticket/${id}`, { body: { CustomFields: { 'Due On': 'nonsense' } } });
  assert.deepEqual(custom(await rt.show(id), 'Due On'), ['1970-01-01']);
});

// The real Tryton 6.0, over HTTP as a connector speaks to it: what it really does is written down
// here as assertions. Skipped where it is not installed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { missingFile } from '../lib/real_platform.mjs';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';
import { TrytonClient, momentText } from './client.mjs';

const skip = missingFile(['/usr/bin/trytond']) ?? false;
const limitMs = 300_000;
const party = 'party.party';
const byStamp = [['write_date', 'ASC'], ['id', 'ASC']];
let tryton;
let facts;
let stop = () => {};

before(async () => {
  if (skip) return;
  const all = { after: (action) => (stop = action) };
  const platform = await startPlatform(all, 'tryton', { limitMs });
  tryton = new TrytonClient(platform);
  facts = platform.credentials;
});
after(() => stop());

const create = (...records) => tryton.result(`${party}.create`, [records]);
const write = (ids, values, context) => tryton.result(`${party}.write`, [ids, values], context);
const search = (domain, fields = ['write_date'], { offset = 0, limit = 100 } = {}) =>
  tryton.result(`${party}.search_read`, [domain, offset, limit, byStamp, fields]);
const stampOf = async (id) => (await tryton.read(party, id, ['write_date'])).write_date;
const idsOf = (rows) => rows.map((row) => row.id);

test('a login gives a session, a password works for each call, nothing else does', { skip },
  async () => {
    const body = { id: 1, method: `model.${party}.search`, params: [[], 0, 1, null, {}] };
    const login = await tryton.login();
    assert.equal(login.status, 200);
    const [id, key] = login.json.result;
    assert.ok(Number.isInteger(id) && /^[0-9a-f]{64}$/.test(key));
    for (const header of [tryton.header([id, key]), tryton.basic]) {
      assert.deepEqual((await tryton.post(body, header)).json, { id: 1, result: [1] });
    }
    for (const header of [null, tryton.header([id, 'no']), 'Basic bm9ib2R5Ong=', 'Bearer x']) {
      const reply = await tryton.post(body, header);
      assert.deepEqual([reply.status, reply.text], [401, ''], header);
    }
    assert.ok(Date.parse(login.headers.get('date')) > 0);
  });

test('a login that is refused is a 401 page; one that lacks something asks for it', { skip },
  async () => {
    const refused = await tryton.login({ password: 'wrong' });
    assert.equal(refused.status, 401);
    assert.match(refused.text, /^<!doctype html>/);
    const asked = await tryton.login({});
    assert.equal(asked.status, 200);
    assert.deepEqual(asked.json.error,
      ['LoginException', ['password', 'Password for syncline', 'password']]);
  });

test('after five failures a name waits, with the right password too, others do not', { skip },
  async (t) => {
    const other = new TrytonClient(await startPlatform(t, 'tryton', { limitMs }));
    for (let n = 0; n < 5; n += 1) {
      assert.equal((await other.login({ password: 'wrong' })).status, 401);
    }
    await other.login({ password: 'wrong' });
    assert.equal((await other.login()).status, 429);
    assert.equal((await other.login({ password: 'admin-of-the-tests' }, 'admin')).status, 200);
  });

test('a session ends at its age, used or not, with a 401', { skip }, async (t) => {
  const args = ['--session-max-age-s', '2'];
  const other = new TrytonClient(await startPlatform(t, 'tryton', { args, limitMs }));
  const header = other.header((await other.login()).json.result);
  const body = { id: 1, method: `model.${party}.search`, params: [[], 0, 1, null, {}] };
  assert.equal((await other.post(body, header)).status, 200);
  const last = await waitFor(async () => {
    const reply = await other.post(body, header); // It is used all the time.
    return reply.status !== 200 && reply;
  });
  assert.deepEqual([last.status, last.text], [401, '']);
  const again = other.header((await other.login()).json.result);
  assert.equal((await other.post(body, again)).status, 200);
});

test('parties are created in one transaction, read, written and deleted', { skip }, async () => {
  const [id, other] = await create({ name: 'Zażółć' }, { name: null });
  const fields = ['name', 'code', 'active', 'lang', 'write_date', '_timestamp'];
  const { code, _timestamp: version, ...rest } = await tryton.read(party, id, fields);
  assert.match(code, /^\d+$/, 'the next number, since none was given');
  assert.match(version, /^\d+\.\d{1,6}$/);
  assert.deepEqual(rest, { id, name: 'Zażółć', active: true, lang: null, write_date: null });
  assert.equal((await tryton.read(party, other, ['name'])).name, null);
  assert.equal(await write([id, other], { name: 'b' }), null);
  assert.equal((await tryton.read(party, other, ['name'])).name, 'b');
  assert.equal(await tryton.result(`${party}.delete`, [[id]]), null);
  assert.equal(await tryton.result(`${party}.delete`, [[id]]), null, 'again is no error');
  for (const [method, params] of [['read', [[id], ['name']]], ['write', [[id], { name: 'c' }]]]) {
    const [kind, [message]] = await tryton.error(`${party}.${method}`, params);
    assert.equal(kind, 'UserError');
    assert.match(message, /don't exist anymore/);
  }
  const [, [missing]] = await tryton.error(`${party}.read`, [[other, id], ['name']]);
  assert.match(missing, /"\d+, \d+"/, 'it names those that are there, too');
  assert.deepEqual(await search([['id', 'in', [id, other]]], ['name']), [{ id: other, name: 'b' }],
    'but a search reads those that are there');
});

test('a moment is an object in UTC with microseconds; text is understood, too', { skip },
  async () => {
    const [id] = await create({ name: 'moment' });
    const before = Date.now();
    await write([id], { name: 'moment 2' });
    const stamp = await stampOf(id);
    const { __class__: kind, year, month, day, hour, minute, second, microsecond } = stamp;
    assert.equal(kind, 'datetime');
    const told = Date.UTC(year, month - 1, day, hour, minute, second, microsecond / 1000);
    assert.ok(Math.abs(told - before) < 10_000, 'in UTC');
    for (const moment of [stamp, momentText(stamp)]) {
      assert.deepEqual(idsOf(await search([['id', '=', id], ['write_date', '=', moment]])), [id]);
      assert.deepEqual(await search([['id', '=', id], ['write_date', '>', moment]]), []);
    }
    for (const unread of [momentText(stamp).replace(' ', 'T'), 'nonsense']) {
      const [why] = await tryton.error(`${party}.search`, [[['write_date', '>', unread]]]);
      assert.match(why, /not enough values to unpack/, 'only with a blank between');
    }
  });

test('what one call writes shares one stamp, and a keyset passes a tie', { skip }, async () => {
  const ids = await create(...Array.from({ length: 5 }, (_, n) => ({ name: `tie ${n}` })));
  await write(ids.slice(0, 4), { name: 'tied' });
  await write(ids.slice(4), { name: 'later' });
  const stamps = (await search([['id', 'in', ids]])).map((row) => momentText(row.write_date));
  assert.equal(new Set(stamps.slice(0, 4)).size, 1);
  assert.ok(stamps[4] > stamps[0]);
  const found = [];
  let domain = [['id', 'in', ids]];
  for (let page = []; ; ) {
    page = await search(domain, ['write_date'], { limit: 2 });
    if (page.length === 0) break;
    found.push(...idsOf(page));
    const { write_date: stamp, id } = page.at(-1);
    const same = [['write_date', '=', stamp], ['id', '>', id]];
    domain = [['id', 'in', ids], ['OR', same, [['write_date', '>', stamp]]]];
  }
  assert.deepEqual(found, ids);
});

test('write_date is null until the first write, so new rows are in no window of it', { skip },
  async () => {
    const [fresh, changed] = await create({ name: 'new' }, { name: 'to change' });
    await write([changed], { name: 'changed' });
    const mine = ['id', 'in', [fresh, changed]];
    const since = '2000-01-01 00:00:00';
    assert.deepEqual(idsOf(await search([mine, ['write_date', '>=', since]])), [changed]);
    assert.deepEqual(idsOf(await search([mine])), [changed, fresh], 'nulls come last');
    const both = ['OR', [['write_date', '>=', since]],
      [['write_date', '=', null], ['create_date', '>=', since]]];
    assert.deepEqual(idsOf(await search([mine, both])).sort(), [fresh, changed].sort());
    const refused = await tryton.call(`${party}.search`,
      [[mine], 0, 9, [['_timestamp', 'ASC']]]);
    assert.ok(refused.json.error, 'what combines them cannot be sorted by');
  });

test('pages by offset lose a row when one before them moves', { skip }, async () => {
  const ids = await create(...Array.from({ length: 6 }, (_, n) => ({ name: `page ${n}` })));
  for (const id of ids) await write([id], { name: 'paged' });
  const page = async (offset) =>
    idsOf(await search([['id', 'in', ids]], ['name'], { offset, limit: 2 }));
  assert.deepEqual(await page(0), ids.slice(0, 2));
  await write([ids[0]], { name: 'moved' });
  assert.deepEqual(await page(2), ids.slice(3, 5), 'the third is on no page');
  assert.deepEqual(await page(6), []);
});

test('of four writes with one _timestamp one wins, the others get a 200', { skip }, async () => {
  const [id] = await create({ name: 'raced' });
  const { _timestamp: version } = await tryton.read(party, id, ['_timestamp']);
  const context = { _timestamp: { [`${party},${id}`]: version } };
  const race = await Promise.all([1, 2, 3, 4].map((n) =>
    tryton.call(`${party}.write`, [[id], { name: `race ${n}` }], context)));
  assert.deepEqual(race.map((reply) => reply.status), [200, 200, 200, 200]);
  const won = race.filter((reply) => reply.json.error === undefined);
  assert.equal(won.length, 1);
  const stale = ['ConcurrencyException', 'Records were modified in the meanwhile'];
  assert.deepEqual(await tryton.error(`${party}.write`, [[id], { name: 'x' }], context), stale);
  assert.deepEqual(await tryton.error(`${party}.delete`, [[id]], context), stale);
  const params = [[id], { name: 'x' }, context];
  const bare = await tryton.post({ method: `model.${party}.write`, params });
  assert.deepEqual([bare.status, bare.json], [423, undefined], 'without an id it is a page');
});

test('a code is unique, so a create with one can be repeated', { skip }, async () => {
  const [id] = await create({ name: 'coded', code: 'K-1' });
  assert.deepEqual(await tryton.error(`${party}.create`, [[{ name: 'again', code: 'K-1' }]]),
    ['UserError', ['The code on party must be unique.', '', null]]);
  assert.deepEqual(idsOf(await search([['code', '=', 'K-1']])), [id]);
  assert.deepEqual(idsOf(await search([['code', '=', 'k-1']])), [], 'case counts');
  const batch = [{ name: 'one' }, { name: 'two', code: 'K-1' }];
  await tryton.error(`${party}.create`, [batch]);
  assert.deepEqual(await search([['name', '=', 'one']]), [], 'all or nothing');
});

test('an archived party is found only by who asks for it; a deleted one never', { skip },
  async () => {
    const [id, gone] = await create({ name: 'old' }, { name: 'gone' });
    await write([id], { active: false });
    await tryton.result(`${party}.delete`, [[gone]]);
    const find = (context) => tryton.result(`${party}.search`,
      [[['id', 'in', [id, gone]]], 0, 9, null], context);
    assert.deepEqual(await find({}), []);
    assert.deepEqual(await find({ active_test: false }), [id]);
    assert.notEqual(await stampOf(id), null, 'archiving is a write');
  });

test('errors are in a 200, whatever they are', { skip }, async () => {
  const cases = [
    [`${party}.create`, [[{ nonsense: 1 }]], ["'nonsense'", '']],
    ['party.nonsense.create', [[{}]], ["'party.nonsense'", '']],
    [`${party}.write`, [[2]], /TypeError|missing|argument/],
  ];
  for (const [method, params, expected] of cases) {
    const error = await tryton.error(method, params);
    if (Array.isArray(expected)) assert.deepEqual(error, expected);
    else assert.match(JSON.stringify(error), expected);
  }
  const search = { id: 1, method: `model.${party}.search`, params: [[], 0, 1, null] };
  assert.deepEqual((await tryton.post(search)).json.error, ['Missing context argument', '']);
  const [id] = await create({ name: 17 });
  assert.equal((await tryton.read(party, id, ['name'])).name, '17', 'a number is made text');
});

test('but not those of the protocol itself', { skip }, async () => {
  const unknown = await tryton.call(`${party}.nonsense`, []);
  assert.deepEqual([unknown.status, unknown.json], [403, undefined]);
  const broken = await tryton.post('{"id":');
  assert.deepEqual([broken.status, broken.json], [500, undefined]);
  const get = await fetch(facts.api);
  assert.equal(get.status, 405);
});

test("a sale: decimals are objects, and its line's change is not its own", { skip }, async () => {
  const [customer] = await create({ name: 'customer' });
  const price = { __class__: 'Decimal', decimal: '10.50' };
  const line = { type: 'line', description: 'x', quantity: 2.5, unit_price: price };
  const sale = { party: customer, company: facts.company, currency: facts.currency,
    reference: 'S-1', lines: [['create', [line]]] };
  const [id] = await tryton.result('sale.sale.create', [[sale]]);
  const fields = ['state', 'reference', 'sale_date', 'lines', 'write_date', 'untaxed_amount'];
  const made = await tryton.read('sale.sale', id, fields);
  assert.deepEqual([made.state, made.reference, made.sale_date], ['draft', 'S-1', null]);
  assert.deepEqual(made.untaxed_amount, { __class__: 'Decimal', decimal: '26.25' });
  const [lineId] = made.lines;
  const shown = await tryton.read('sale.line', lineId, ['quantity', 'unit_price', 'amount']);
  assert.equal(shown.quantity, 2.5, 'a float');
  assert.deepEqual(shown.unit_price.__class__, 'Decimal');
  assert.equal(Number(shown.unit_price.decimal), 10.5);
  await tryton.result('sale.line.write', [[lineId], { quantity: 4 }]);
  const changed = await tryton.read('sale.sale', id, fields);
  assert.deepEqual(changed.untaxed_amount, { __class__: 'Decimal', decimal: '42.00' });
  assert.deepEqual(changed.write_date, made.write_date);
  await tryton.result('sale.sale.write', [[id], { sale_date: { __class__: 'date', year: 2026,
    month: 12, day: 1 } }]);
  assert.deepEqual((await tryton.read('sale.sale', id, fields)).sale_date,
    { __class__: 'date', year: 2026, month: 12, day: 1 });
  const again = await tryton.result('sale.sale.create', [[{ ...sale, lines: [] }]]);
  assert.notEqual(again[0], id, 'a reference is not unique');
});

test("a credit limit is a company's own: another one is seen where no company is named", { skip },
  async () => {
    const [id] = await create({ name: 'limited' });
    const limit = async (context) => (await tryton.result(`${party}.read`,
      [[id], ['credit_limit_amount']], context))[0].credit_limit_amount;
    const set = (decimal, context) =>
      write([id], { credit_limit_amount: { __class__: 'Decimal', decimal } }, context);
    const ours = { company: facts.company };
    await set('10.00', {});
    assert.deepEqual(await limit(ours), { __class__: 'Decimal', decimal: '10.00' });
    const before = await stampOf(id);
    await set('20.50', ours);
    assert.deepEqual(await limit(ours), { __class__: 'Decimal', decimal: '20.50' });
    assert.deepEqual(await limit({}), { __class__: 'Decimal', decimal: '10.00' });
    assert.notDeepEqual(await stampOf(id), before, 'the party is stamped all the same');
  });

test('a sale over the credit limit is not confirmed, by a warning in a 200', { skip }, async () => {
  const context = { company: facts.company };
  const decimal = (text) => ({ __class__: 'Decimal', decimal: text });
  const [customer] = await create({ name: 'poor' });
  await write([customer], { credit_limit_amount: decimal('100.00') }, context);
  const [address] = await tryton.result('party.address.create', [[{ party: customer }]]);
  const line = { type: 'line', product: facts.products['LOOM-3'], unit: 1, quantity: 1,
    unit_price: decimal('1500.00') };
  const [sale] = await tryton.result('sale.sale.create', [[{ party: customer,
    company: facts.company, currency: facts.currency, invoice_address: address,
    shipment_address: address, lines: [['create', [line]]] }]], context);
  const state = async () => (await tryton.read('sale.sale', sale, ['state', 'number']));
  await tryton.result('sale.sale.quote', [[sale]], context);
  assert.match((await state()).number, /^\d+$/, 'a quotation has a number');
  const [kind] = await tryton.error('sale.sale.confirm', [[sale]], context);
  assert.equal(kind, 'UserWarning');
  assert.equal((await state()).state, 'quotation');
  await write([customer], { credit_limit_amount: decimal('5000.00') }, context);
  assert.equal(await tryton.result('sale.sale.confirm', [[sale]], context), null);
  assert.equal((await state()).state, 'processing');
  assert.equal(await tryton.result('sale.sale.confirm', [[sale]], context), null, 'again: nothing');
});

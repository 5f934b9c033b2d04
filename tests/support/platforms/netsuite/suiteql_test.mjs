// SuiteQL: what it takes, how it tells, and the clock that its times are by.

import assert from 'node:assert/strict';
import test from 'node:test';
import { createRecord, netSuiteSession, recordPath, suiteQl } from '../lib/netsuite_session.mjs';
import { startPlatform } from '../lib/spawn_platform.mjs';

const stampFormat = "'YYYY-MM-DD HH24:MI:SS'";

async function start(t, args = []) {
  const platform = await startPlatform(t, 'netsuite', { args });
  const call = netSuiteSession(platform);
  const make = (companyName, more) =>
    createRecord(call, 'customer', { companyName, subsidiary: { id: '1' }, ...more });
  const rows = async (q, parameters) => {
    const { status, body } = await suiteQl(call, q, parameters);
    assert.equal(status, 200, JSON.stringify(body));
    return body.items.map(({ links, ...row }) => row);
  };
  return { platform, call, make, rows };
}

test('rows are texts without what is empty, in pages that say how many there are', async (t) => {
  const { platform, call, make } = await start(t);
  await make('Acme', { creditLimit: 1200.5, externalId: 'e1' });
  await make('Bolt', { isInactive: true });
  await make('Cork');
  const q = 'SELECT id, companyname, creditlimit, isinactive, externalid FROM customer ORDER BY id';
  const { status, body } = await suiteQl(call, q, '?limit=2');
  const at = `${platform.url}/services/rest/query/v1/suiteql?limit=2&offset=`;
  assert.equal(status, 200);
  assert.deepEqual(body, {
    links: [
      { rel: 'next', href: `${at}2` },
      { rel: 'self', href: `${at}0` },
    ],
    count: 2,
    hasMore: true,
    items: [
      {
        links: [],
        id: '1',
        companyname: 'Acme',
        creditlimit: '1200.5',
        isinactive: 'F',
        externalid: 'e1',
      },
      { links: [], id: '2', companyname: 'Bolt', isinactive: 'T' },
    ],
    offset: 0,
    totalResults: 3,
  });
  const last = (await suiteQl(call, q, '?limit=2&offset=2')).body;
  assert.deepEqual([last.count, last.hasMore, last.items[0].id], [1, false, '3']);
});

test('conditions, functions and joins', async (t) => {
  const { make, rows } = await start(t);
  await make('Acme', { creditLimit: 9, email: 'a@x.example' });
  await make("O'Brien", { creditLimit: 10 });
  await make('Cork', { isInactive: true });
  const ids = async (where) =>
    (await rows(`select id from customer where ${where} order by id`)).map(({ id }) => id).join();
  assert.equal(await ids("companyname = 'O''Brien'"), '2');
  assert.equal(await ids('creditlimit > 9'), '2');
  assert.equal(await ids("creditlimit >= '9'"), '1,2');
  assert.equal(await ids('email IS NULL'), '2,3');
  assert.equal(await ids('email IS NOT NULL OR id IN (3, 4)'), '1,3');
  assert.equal(await ids("NOT isinactive = 'T' AND id BETWEEN 1 AND 2"), '1,2');
  assert.equal(await ids("companyname LIKE '%c%' AND id <> 1"), '');
  assert.equal(await ids("email <> 'b'"), '1');
  assert.equal(await ids("UPPER(REPLACE(companyname, 'o', ' ')) = 'C RK'"), '3');
  assert.equal(await ids("id = TO_NUMBER('2') OR (id > 2 AND email = '')"), '2');
  const join =
    'SELECT c.id, double FROM customer c INNER JOIN (SELECT id AS other, ' +
    "id || '-' || id AS double FROM customer WHERE id < 3) d ON other = c.id ORDER BY id DESC";
  assert.deepEqual(await rows(join), [
    { id: '2', double: '2-2' },
    { id: '1', double: '1-1' },
  ]);
  const choice = "CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END AS x, CASE WHEN 1 > 2 THEN 'a' END y";
  assert.deepEqual(await rows(`SELECT ${choice} FROM dual`), [{ x: 'b' }]);
  const all = await rows('SELECT * FROM customer ORDER BY creditlimit');
  assert.deepEqual([all[2].id, all[0].entityid, all[0].subsidiary], ['3', 'CUST1', '1']);
});

test('what it does not understand is refused and says where', async (t) => {
  const { call, make } = await start(t);
  await make('Acme');
  for (const [q, says] of [
    ['SELECT no_such FROM customer', /Unknown identifier 'no_such'.*customer=customer/],
    ['SELECT id FROM cheese', /Record 'cheese' was not found/],
    ['SELECT id FROM customer WHERE', /unsupported search, at its end/],
    ['SELECT id FROM customer LIMIT 5', /unsupported search, at 5/],
    ["SELECT id FROM customer WHERE id = 'x'", /Invalid number/],
    ["SELECT TO_DATE('today', 'YYYY-MM-DD') FROM dual", /no date of the format/],
    ['SELECT SLEEP(1) FROM dual', /Unknown function SLEEP/],
    ["SELECT id FROM customer WHERE lastmodifieddate > '2026-01-05'", /Invalid number or date/],
    ['SELECT id FROM customer a INNER JOIN customer b ON a.id = b.id', /Ambiguous identifier/],
    ["SELECT id FROM customer WHERE companyname = 'x", /unsupported search, at 'x/],
    ['DELETE FROM customer', /unsupported search/],
  ]) {
    const { status, body } = await suiteQl(call, q);
    assert.equal(status, 400, q);
    const [{ detail, ...more }] = body['o:errorDetails'];
    assert.match(detail, says);
    assert.deepEqual(more, { 'o:errorQueryParam': 'q', 'o:errorCode': 'INVALID_PARAMETER' });
  }
  const q = 'SELECT 1 FROM dual';
  const code = ({ status, body }) => [status, body['o:errorDetails'][0]['o:errorCode']];
  const path = '/services/rest/query/v1/suiteql';
  assert.deepEqual(code(await call('POST', path, { q })), [400, 'INVALID_HEADER']);
  assert.deepEqual(code(await suiteQl(call, q, '?limit=1001')), [400, 'INVALID_PARAMETER']);
  assert.deepEqual(code(await suiteQl(call, q, '?offset=x')), [400, 'INVALID_PARAMETER']);
  assert.deepEqual(code(await call('GET', path)), [405, 'METHOD_NOT_ALLOWED']);
});

test('a query shows its first rows alone, whatever its pages are', async (t) => {
  const { call, make } = await start(t, ['--query-rows-max', '2']);
  for (const name of ['a', 'b', 'c']) {
    await make(name);
  }
  const { body } = await suiteQl(call, 'SELECT id FROM customer ORDER BY id', '?limit=2');
  assert.deepEqual([body.count, body.hasMore, body.totalResults], [2, false, 2]);
});

test('times are by the clock of the user, which may be an hour off for half a year', async (t) => {
  const { platform } = await start(t, ['--time-zone', 'Europe/London']);
  const zone =
    "SELECT TO_CHAR(CURRENT_TIMESTAMP, 'HH24:MI') AS here, " +
    "TO_CHAR(SYS_EXTRACT_UTC(CURRENT_TIMESTAMP), 'HH24:MI') AS utc FROM dual";
  const at = async (moment) => {
    const skew_ms = Date.parse(moment) - Date.now();
    await platform.control('POST', 'clock', { skew_ms });
    const call = netSuiteSession(platform, { atMs: () => Date.now() + skew_ms });
    const { body } = await suiteQl(call, zone);
    const [{ here, utc }] = body.items;
    return { call, here, utc };
  };
  const winter = await at('2026-01-05T10:11:12.900Z');
  assert.deepEqual([winter.here, winter.utc], ['10:11', '10:11']);
  const summer = await at('2026-07-05T10:11:12.900Z');
  assert.deepEqual([summer.here, summer.utc], ['11:11', '10:11']);
  const fields = { companyName: 'Acme', subsidiary: { id: '1' } };
  await createRecord(summer.call, 'customer', fields);
  const stamps = (where) =>
    suiteQl(
      summer.call,
      `SELECT lastmodifieddate AS day, TO_CHAR(lastmodifieddate, ${stampFormat}) AS stamp ` +
        `FROM customer WHERE lastmodifieddate ${where}`,
    ).then(({ body }) => body.items);
  const [told] = await stamps(`>= TO_DATE('2026-07-05 11:11:12', ${stampFormat})`);
  assert.equal(told.day, '2026-07-05');
  assert.match(told.stamp, /^2026-07-05 11:11:1\d$/);
  assert.deepEqual(await stamps(`< TO_DATE('2026-07-05 11:11:12', ${stampFormat})`), []);
  // The hour that comes twice.
  const before = await at('2026-10-25T00:30:00Z');
  const after = await at('2026-10-25T01:30:00Z');
  assert.deepEqual([before.here, after.here], ['01:30', '01:30']);
});

test('deletions are in a table, by the name of the record type', async (t) => {
  const { platform, call, make, rows } = await start(t);
  const id = await make('Acme');
  const order = await createRecord(call, 'salesOrder', { entity: { id }, tranDate: '2026-01-05' });
  const read = await rows("SELECT type, trandate, tranid FROM transaction WHERE type = 'SalesOrd'");
  assert.deepEqual(read, [{ type: 'SalesOrd', trandate: '2026-01-05', tranid: 'SO1' }]);
  await call('DELETE', `${recordPath}/salesOrder/${order}`);
  await platform.control('POST', 'delete', { object: 'customer', id });
  const q =
    `SELECT recordid, type, TO_CHAR(deleteddate, ${stampFormat}) AS stamp FROM deletedrecord ` +
    "WHERE UPPER(REPLACE(type, ' ', '')) = UPPER('salesOrder') ORDER BY deleteddate, recordid";
  const [told, ...others] = await rows(q);
  assert.deepEqual([told.recordid, told.type, others], [order, 'Sales Order', []]);
  assert.ok(Math.abs(Date.parse(`${told.stamp.replace(' ', 'T')}Z`) - Date.now()) < 60_000);
});

test('a late commit appears under the stamp of its save', async (t) => {
  const { platform, make, rows } = await start(t);
  const began = Date.now();
  await platform.fault({ kind: 'late_commit', delay_ms: 2_500 });
  const late = make('late');
  const stampOf = `SELECT id, TO_CHAR(lastmodifieddate, ${stampFormat}) AS stamp FROM customer`;
  assert.deepEqual(await rows(stampOf), []);
  await late;
  const [{ stamp }] = await rows(stampOf);
  assert.ok(Date.parse(`${stamp.replace(' ', 'T')}Z`) < began + 2_000);
  await platform.fault({ kind: 'read_lag', delay_ms: 60_000 });
  assert.deepEqual(await rows(stampOf), []);
});

// The real jsforce client against the simulated org: what an ordinary customer's tool does.

import assert from 'node:assert/strict';
import test from 'node:test';
import jsforce from 'jsforce';
import { startPlatform } from '../lib/spawn_platform.mjs';

const apiVersion = '62.0';

function connect(platform) {
  const { client_id: clientId, client_secret: clientSecret } = platform.credentials;
  const oauth2 = { loginUrl: platform.url, clientId, clientSecret };
  return new jsforce.Connection({ oauth2, instanceUrl: platform.url, version: apiVersion });
}

async function loggedIn(platform) {
  const connection = connect(platform);
  const { username, password } = platform.credentials;
  await connection.login(username, password);
  return connection;
}

async function createMany(connection, count, name) {
  for (let start = 0; start < count; start += 200) {
    const size = Math.min(200, count - start);
    const records = Array.from({ length: size }, (unused, i) => ({
      Name: `${name} ${start + i}`,
      Syncline_Id__c: `${name}-${start + i}`,
    }));
    const results = await connection.sobject('Account').create(records);
    assert.ok(results.every(({ success }) => success));
  }
}

test('the four logins work, wrong ones do not', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const { username, password, refresh_token: refreshToken } = platform.credentials;

  const connection = connect(platform);
  const user = await connection.login(username, password);
  assert.match(user.id, /^005\w{15}$/);
  assert.match(user.organizationId, /^00D\w{15}$/);
  await assert.rejects(connect(platform).login(username, 'wrong'), { name: 'invalid_grant' });

  const machine = connect(platform);
  await machine.authorize({ grant_type: 'client_credentials' });
  assert.equal((await machine.query('SELECT Id FROM Account')).totalSize, 0);

  const refreshed = await connect(platform).oauth2.refreshToken(refreshToken);
  assert.equal(refreshed.instance_url, platform.url);
  assert.equal(refreshed.expires_in, undefined);

  const soap = new jsforce.Connection({ loginUrl: platform.url, version: apiVersion });
  await soap.login(username, password);
  assert.equal((await soap.query('SELECT Id FROM Account')).totalSize, 0);
  await assert.rejects(soap.login(username, 'a<b'), /INVALID_LOGIN/);
});

test('describe shows objects and fields', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const connection = await loggedIn(platform);
  const names = (await connection.describeGlobal()).sobjects.map(({ name }) => name);
  assert.deepEqual(names, ['Account', 'Order__c', 'Case']);
  const { fields, replicateable } = await connection.sobject('Account').describe();
  assert.ok(replicateable);
  const field = fields.find(({ name }) => name === 'Syncline_Id__c');
  assert.ok(field.externalId && field.unique && field.idLookup);
  const limit = fields.find(({ name }) => name === 'CreditLimit__c');
  assert.deepEqual([limit.type, limit.precision, limit.scale], ['double', 18, 2]);
});

test('more than 2,000 rows come by autoFetch and by nextRecordsUrl, each once', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const connection = await loggedIn(platform);
  await createMany(connection, 2_250, 'Row');
  const text = 'SELECT Id, Name FROM Account ORDER BY Name';

  const fetched = await connection.query(text, { autoFetch: true, maxFetch: 10_000 });
  assert.equal(new Set(fetched.records.map(({ Id }) => Id)).size, 2_250);

  const first = await connection.query(text);
  assert.deepEqual([first.done, first.records.length, first.totalSize], [false, 2_000, 2_250]);
  const second = await connection.queryMore(first.nextRecordsUrl);
  assert.deepEqual([second.done, second.records.length], [true, 250]);

  const small = await connection.query(text, {
    headers: { 'Sforce-Query-Options': 'batchSize=200' },
  });
  assert.equal(small.records.length, 200);

  await platform.fault({ kind: 'expire_locators' });
  await assert.rejects(connection.queryMore(first.nextRecordsUrl), {
    errorCode: 'INVALID_QUERY_LOCATOR',
  });
});

test('create, retrieve, update, upsert and delete of one record', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const connection = await loggedIn(platform);
  const accounts = connection.sobject('Account');

  const created = await accounts.create({ Name: '  Acme ', CreditLimit__c: 12.345, Phone: '' });
  assert.match(created.id, /^001\w{15}$/);
  const { Name, CreditLimit__c: limit, Phone } = await accounts.retrieve(created.id);
  assert.deepEqual([Name, limit, Phone], ['Acme', 12.35, null]);

  assert.deepEqual(await accounts.update({ Id: created.id, Rating: 'Hot' }), {
    id: created.id,
    success: true,
    errors: [],
  });
  assert.equal((await accounts.retrieve(created.id.slice(0, 15))).Rating, 'Hot');

  // jsforce puts the key into the path as it stands: encoding it is the caller's part.
  const wanted = { Name: 'Beta', Syncline_Id__c: encodeURIComponent('B/1 ä') };
  const first = await accounts.upsert({ ...wanted }, 'Syncline_Id__c');
  assert.equal(first.created, true);
  const again = await accounts.upsert({ ...wanted, Phone: '1' }, 'Syncline_Id__c');
  assert.deepEqual([again.created, again.id], [false, first.id]);

  await assert.rejects(
    accounts.create({ Name: 'Twin', Syncline_Id__c: 'b/1 Ä' }),
    (error) => error.errorCode === 'DUPLICATE_VALUE' && error.message.endsWith(first.id),
  );
  await assert.rejects(accounts.create({ Name: 'X', Nope__c: 1 }), { errorCode: 'INVALID_FIELD' });
  await assert.rejects(accounts.create({}), { errorCode: 'REQUIRED_FIELD_MISSING' });
  await assert.rejects(accounts.create({ Name: 'x'.repeat(256) }), {
    errorCode: 'STRING_TOO_LONG',
  });

  await accounts.destroy(created.id);
  await assert.rejects(accounts.destroy(created.id), { errorCode: 'ENTITY_IS_DELETED' });
  const all = await connection.query('SELECT Id, IsDeleted FROM Account', { scanAll: true });
  assert.deepEqual(
    all.records.map(({ IsDeleted }) => IsDeleted),
    [true, false],
  );
});

test('a collection of 200 with one bad record reports just that one', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const connection = await loggedIn(platform);
  const records = Array.from({ length: 200 }, (unused, i) => ({ Name: `Row ${i}` }));
  delete records[77].Name;
  records[77].Phone = '1';

  const results = await connection.sobject('Account').create(records);
  assert.deepEqual(
    results.map(({ success }) => success),
    records.map((unused, i) => i !== 77),
  );
  assert.equal(results[77].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  assert.equal((await platform.rows('Account')).length, 199);

  const rolled = await connection.sobject('Account').create(records, { allOrNone: true });
  assert.ok(rolled.every(({ success }) => !success));
  assert.equal(rolled[0].errors[0].statusCode, 'ALL_OR_NONE_OPERATION_ROLLED_BACK');
  assert.equal(rolled[77].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  assert.equal((await platform.rows('Account')).length, 199);

  const ids = results.filter(({ success }) => success).map(({ id }) => id);
  const updates = ids.map((Id) => ({ Id, Phone: '2' }));
  assert.ok((await connection.sobject('Account').update(updates)).every(({ success }) => success));
  const read = await connection.sobject('Account').retrieve([ids[0], '001Sy0ZZZZZZZZZ'], {
    fields: ['Id', 'Phone'],
  });
  assert.deepEqual([read[0].Phone, read[1]], ['2', null]);
  const upserts = [
    { Name: 'U', Syncline_Id__c: 'U-1' },
    { Name: 'U', Syncline_Id__c: 'U-2' },
  ];
  const made = await connection.sobject('Account').upsert(upserts, 'Syncline_Id__c');
  assert.deepEqual(
    made.map(({ created }) => created),
    [true, true],
  );
  const remade = await connection.sobject('Account').upsert(upserts, 'Syncline_Id__c');
  assert.deepEqual(
    remade.map(({ created }) => created),
    [false, false],
  );
  const removed = await connection.sobject('Account').destroy(ids);
  assert.ok(removed.every(({ success }) => success));
});

test('an expired session is refreshed and the request goes through once', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const connection = await loggedIn(platform);
  let refreshes = 0;
  connection.on('refresh', () => {
    refreshes += 1;
  });
  await platform.fault({ kind: 'expire_sessions' });
  await connection.sobject('Account').create({ Name: 'After expiry' });
  assert.equal(refreshes, 1);
  assert.equal((await platform.log()).length, 1);

  const machine = connect(platform);
  await machine.authorize({ grant_type: 'client_credentials' });
  await platform.fault({ kind: 'expire_sessions' });
  await assert.rejects(machine.query('SELECT Id FROM Account'), /No refresh token/);
  await machine.authorize({ grant_type: 'client_credentials' });
  assert.equal((await machine.query('SELECT Id FROM Account')).totalSize, 1);
});

test('updated() and deleted() list what changed in whole minutes', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const connection = await loggedIn(platform);
  const accounts = connection.sobject('Account');
  const kept = await accounts.create({ Name: 'Kept' });
  const gone = await accounts.create({ Name: 'Gone' });
  await accounts.destroy(gone.id);

  const now = Date.now();
  const start = new Date(now - 120_000);
  const end = new Date(now + 120_000);
  const updated = await accounts.updated(start, end);
  assert.deepEqual(updated.ids, [kept.id]);
  assert.match(updated.latestDateCovered, /^[\d-]{10}T\d\d:\d\d:00\.000\+0000$/);
  const deleted = await accounts.deleted(start, end);
  assert.deepEqual(
    deleted.deletedRecords.map(({ id }) => id),
    [gone.id],
  );
  assert.ok(Date.parse(deleted.earliestDateAvailable.replace('+0000', 'Z')) < now);
  const old = await accounts.updated(new Date(now - 600_000), new Date(now - 300_000));
  assert.deepEqual(old.ids, []);
  await assert.rejects(accounts.updated(end, start), { errorCode: 'INVALID_REPLICATION_DATE' });
  await assert.rejects(accounts.updated(new Date(now - 31 * 86_400_000), end), {
    errorCode: 'INVALID_REPLICATION_DATE',
  });
});

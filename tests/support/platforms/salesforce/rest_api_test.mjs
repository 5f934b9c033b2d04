// Documented REST behaviour that jsforce does not show: SOQL corners, conditions, ids, JWT, errors.

import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { makeDirectory, startPlatform } from '../lib/spawn_platform.mjs';
import { loginSalesforce, salesforceSession, soql } from '../lib/salesforce_session.mjs';
import { normaliseId, withSuffix } from './record_id.mjs';

function errorOf({ status, body }) {
  return [status, body[0].errorCode];
}

test('the three characters of an 18-character id say which letters are capitals', () => {
  assert.equal(withSuffix('001D000000IRFma'), '001D000000IRFmaIAH');
  assert.equal(normaliseId('001d000000irfmaiah'), '001D000000IRFmaIAH');
  assert.equal(normaliseId('001D000000IRFmaBAH'), null);
  assert.equal(normaliseId('too short'), null);
});

const people = [
  { Name: 'Alpha', Rating: 'Hot', CreditLimit__c: 100, Phone: "O'Neil" },
  { Name: 'beta', Rating: 'Cold', CreditLimit__c: 20.5, Phone: '50%' },
  { Name: 'Gamma', Rating: 'Hot', CreditLimit__c: 3 },
  { Name: 'delta' },
];

const queries = [
  ["Name = 'ALPHA'", ['Alpha']],
  ["Rating != 'Hot'", ['beta', 'delta']],
  ['Rating = null', ['delta']],
  ['Rating != null AND CreditLimit__c >= 20.5', ['Alpha', 'beta']],
  ["(Rating = 'Cold' OR CreditLimit__c < 5) AND IsDeleted = false", ['beta', 'Gamma']],
  ["Name IN ('alpha', 'GAMMA')", ['Alpha', 'Gamma']],
  ["NOT Name LIKE '%ta'", ['Alpha', 'Gamma']],
  ["Name LIKE '_eta'", ['beta']],
  ["Phone = 'O\\'Neil'", ['Alpha']],
  ["Phone LIKE '%\\%'", ['beta']],
  ["Name NOT IN ('alpha') AND CreditLimit__c > 1", ['beta', 'Gamma']],
  ['SystemModstamp > 2020-01-05T10:11:12Z AND CreatedDate < 2019-01-01T00:00:00+01:00', []],
];

test('SOQL finds the rows its conditions name', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const call = await salesforceSession(platform);
  for (const fields of people) {
    assert.equal((await call('POST', '/sobjects/Account', fields)).status, 201);
  }
  for (const [where, names] of queries) {
    const { status, body } = await call('GET', soql(`SELECT Name FROM Account WHERE ${where}`));
    assert.equal(status, 200, where);
    assert.deepEqual(
      body.records.map(({ Name }) => Name),
      names,
      where,
    );
  }
  const ordered = await call(
    'GET',
    soql(
      'SELECT name FROM account ORDER BY Rating DESC NULLS LAST, CreditLimit__c ASC ' +
        'LIMIT 3 OFFSET 1',
    ),
  );
  assert.deepEqual(
    ordered.body.records.map(({ Name }) => Name),
    ['Alpha', 'beta', 'delta'],
  );
  const counted = await call('GET', soql("SELECT COUNT() FROM Account WHERE Rating = 'Hot'"));
  assert.deepEqual(counted.body, { totalSize: 2, done: true, records: [] });
});

const wrongQueries = [
  ["SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", 'MALFORMED_QUERY'],
  ['SELECT Id FROM Account WHERE', 'MALFORMED_QUERY'],
  ['SELECT Id FROM Account LIMIT -1', 'MALFORMED_QUERY'],
  ['SELECT Id FROM Account GROUP BY Name', 'MALFORMED_QUERY'],
  ["SELECT Id FROM Account WHERE Name = 'open", 'MALFORMED_QUERY'],
  ['SELECT Nope__c FROM Account', 'INVALID_FIELD'],
  ['SELECT Id FROM Account ORDER BY Nope__c', 'INVALID_FIELD'],
  ["SELECT Id FROM Account WHERE CreditLimit__c = '5'", 'INVALID_FIELD'],
  ['SELECT Id FROM Account WHERE Name = 5', 'INVALID_FIELD'],
  ["SELECT Id FROM Account WHERE SystemModstamp > '2026-01-05T10:11:12Z'", 'INVALID_FIELD'],
  ["SELECT Id FROM Case WHERE Description = 'x'", 'INVALID_FIELD'],
  ["SELECT Id FROM Account WHERE Id = 'short'", 'INVALID_QUERY_FILTER_OPERATOR'],
  ['SELECT Id FROM Nope', 'INVALID_TYPE'],
];

test('a wrong query is refused with the documented code', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const call = await salesforceSession(platform);
  for (const [text, code] of wrongQueries) {
    assert.deepEqual(errorOf(await call('GET', soql(text))), [400, code], text);
  }
});

test('stamps show whole seconds and a keyset walks a tie without loss', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const call = await salesforceSession(platform);
  const records = Array.from({ length: 7 }, (unused, i) => ({
    attributes: { type: 'Account' },
    Name: `Tie ${i}`,
  }));
  await call('POST', '/composite/sobjects', { records });
  const seen = [];
  let where = '';
  for (;;) {
    const { body } = await call(
      'GET',
      soql(
        'SELECT Id, SystemModstamp FROM Account ' + `${where} ORDER BY SystemModstamp, Id LIMIT 3`,
      ),
    );
    if (body.records.length === 0) {
      break;
    }
    const { Id, SystemModstamp } = body.records.at(-1);
    assert.match(SystemModstamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/);
    seen.push(...body.records.map((record) => record.Id));
    const stamp = SystemModstamp.replace('.000+0000', '.900Z');
    where = `WHERE (SystemModstamp = ${stamp} AND Id > '${Id}') OR SystemModstamp > ${stamp}`;
  }
  assert.equal(new Set(seen).size, 7);
  assert.equal(seen.length, 7);
});

test('an order refers to its account by id, by external id, and shows its name', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const call = await salesforceSession(platform);
  await call('PATCH', '/sobjects/Account/Syncline_Id__c/A-1', { Name: 'Acme' });
  const order = { Name: 'O-1', Account__r: { Syncline_Id__c: 'A-1' }, Amount__c: 100 };
  const {
    body: { id },
  } = await call('POST', '/sobjects/Order__c', order);
  const read = await call(
    'GET',
    soql("SELECT Amount__c, Account__r.Name FROM Order__c WHERE Account__r.Syncline_Id__c = 'A-1'"),
  );
  assert.equal(read.body.records[0].Account__r.Name, 'Acme');
  assert.match(read.text, /"Amount__c":100\.0\b/);
  const lost = { Account__c: withSuffix('001Sy0000000zzz') };
  assert.deepEqual(errorOf(await call('PATCH', `/sobjects/Order__c/${id}`, lost)), [
    400,
    'INVALID_CROSS_REFERENCE_KEY',
  ]);
  const status = await call('PATCH', `/sobjects/Order__c/${id}`, { Status__c: 'Nope' });
  assert.deepEqual(errorOf(status), [400, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST']);
});

const refusals = [
  ['GET', '/sobjects/Nope/describe', undefined, [404, 'NOT_FOUND']],
  ['GET', '/sobjects/Account/001Sy0000000zzz', undefined, [404, 'NOT_FOUND']],
  ['PATCH', '/sobjects/Account/Syncline_Id__c/B/1', { Name: 'x' }, [404, 'NOT_FOUND']],
  ['PATCH', '/sobjects/Account/Phone/1', {}, [404, 'NOT_FOUND']],
  ['PATCH', '/sobjects/Account/Syncline_Id__c/none?updateOnly=true', {}, [404, 'NOT_FOUND']],
  ['PATCH', '/sobjects/Account/Syncline_Id__c/1', { Syncline_Id__c: '1' }, [400, 'INVALID_FIELD']],
  ['POST', '/sobjects/Account', '{"Name":', [400, 'JSON_PARSER_ERROR']],
  ['POST', '/sobjects/Account', { Name: 5 }, [400, 'JSON_PARSER_ERROR']],
  ['POST', '/sobjects/Account', { Name: 'x', Email__c: 'no' }, [400, 'INVALID_EMAIL_ADDRESS']],
  [
    'POST',
    '/sobjects/Account',
    { Name: 'x', CreditLimit__c: 1e16 },
    [400, 'NUMBER_OUTSIDE_VALID_RANGE'],
  ],
  [
    'POST',
    '/sobjects/Account',
    { Name: 'x', SystemModstamp: '2026-01-05T10:11:12Z' },
    [400, 'INVALID_FIELD_FOR_INSERT_UPDATE'],
  ],
  ['PUT', '/sobjects/Account', {}, [405, 'METHOD_NOT_ALLOWED']],
  ['POST', '/composite/sobjects', { records: Array(201).fill({}) }, [400, 'EXCEEDED_ID_LIMIT']],
];

test('what Salesforce refuses is refused, with nothing written', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const call = await salesforceSession(platform);
  for (const [method, resource, body, expected] of refusals) {
    assert.deepEqual(
      errorOf(await call(method, resource, body)),
      expected,
      `${method} ${resource}`,
    );
  }
  const typed = await call('POST', '/sobjects/Account', '{}', { 'content-type': 'text/plain' });
  assert.deepEqual(errorOf(typed), [415, 'UNSUPPORTED_MEDIA_TYPE']);
  const long = await call(
    'GET',
    soql(`SELECT Id FROM Account WHERE Name = '${'x'.repeat(17_000)}'`),
  );
  assert.equal(long.status, 414);
  assert.deepEqual(await platform.log(), []);
  assert.equal(platform.problems, '');
});

test('conditional headers compare seconds, entity tags exist for Account only', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const call = await salesforceSession(platform);
  const {
    body: { id },
  } = await call('POST', '/sobjects/Account', { Name: 'Acme' });
  const account = `/sobjects/Account/${id}`;
  const read = await call('GET', account);
  const tag = read.headers.get('etag');
  const stamp = read.headers.get('last-modified');
  const past = 'Mon, 05 Jan 2015 10:11:12 GMT';
  const cases = [
    ['PATCH', { 'If-Unmodified-Since': past }, 412],
    ['PATCH', { 'If-Unmodified-Since': 'not a date' }, 400],
    ['PATCH', { 'If-Match': '"other"' }, 412],
    ['GET', { 'If-None-Match': tag }, 304],
    ['GET', { 'If-Modified-Since': stamp }, 304],
    ['PATCH', { 'If-Unmodified-Since': stamp, 'If-Match': tag }, 204],
    ['PATCH', { 'If-Match': tag }, 412],
    ['DELETE', { 'If-Unmodified-Since': past }, 204],
  ];
  for (const [method, headers, status] of cases) {
    const body = method === 'PATCH' ? { Phone: '1' } : undefined;
    const reply = await call(method, account, body, headers);
    assert.equal(reply.status, status, `${method} ${JSON.stringify(headers)}`);
  }
  const other = await call('POST', '/sobjects/Case', { Subject: 'x' });
  const plain = await call('GET', `/sobjects/Case/${other.body.id}`);
  assert.equal(plain.headers.get('etag'), null);
  assert.deepEqual([plain.body.Status, plain.body.Priority], ['New', 'Medium']);
});

test('an external id that is not unique answers 300 and writes nothing', async (t) => {
  const directory = makeDirectory();
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const schema = path.join(directory, 'schema.json');
  fs.writeFileSync(
    schema,
    JSON.stringify({
      Thing__c: {
        label: 'Thing',
        keyPrefix: 'a0T',
        fields: [
          { name: 'Name', type: 'string', length: 80 },
          { name: 'Legacy__c', type: 'string', length: 20, externalId: true },
          { name: 'Grade__c', type: 'string', length: 1 },
          { name: 'Rank__c', type: 'string', length: 10 },
        ],
      },
      $rules: [
        { table: 'Thing__c', inputs: ['Grade__c'], sets: 'Rank__c', lookup: { A: 'first' } },
      ],
    }),
  );
  const platform = await startPlatform(t, 'salesforce', { args: ['--schema', schema] });
  const call = await salesforceSession(platform);
  for (const Name of ['one', 'two']) {
    await call('POST', '/sobjects/Thing__c', { Name, Legacy__c: 'L', Grade__c: 'A' });
  }
  const several = await call('PATCH', '/sobjects/Thing__c/Legacy__c/L', { Name: 'three' });
  assert.equal(several.status, 300);
  assert.equal(several.body.length, 2);
  const log = await platform.log();
  assert.deepEqual(
    log.map(({ op, after }) => [op, after.Rank__c]),
    [
      ['create', 'first'],
      ['create', 'first'],
    ],
  );
});

function makeJwt(key, claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'RS256' })}.${encode(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`;
}

test('the JWT bearer flow checks signature, issuer, audience and expiry', async (t) => {
  const directory = makeDirectory();
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const file = path.join(directory, 'public.pem');
  fs.writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }));
  const platform = await startPlatform(t, 'salesforce', { args: ['--jwt-public-key', file] });
  const { client_id: iss, username: sub } = platform.credentials;
  const exp = Math.floor(Date.now() / 1000) + 120;
  const good = { iss, sub, aud: 'https://login.salesforce.com', exp };
  const cases = [
    [privateKey, good, 200],
    [stranger, good, 400],
    [privateKey, { ...good, iss: 'x' }, 400],
    [privateKey, { ...good, sub: 'x' }, 400],
    [privateKey, { ...good, aud: 'x' }, 400],
    [privateKey, { ...good, exp: exp + 3600 }, 400],
    [privateKey, { ...good, exp: exp - 3600 }, 400],
  ];
  for (const [key, claims, expected] of cases) {
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: makeJwt(key, claims),
    };
    const { status, body } = await loginSalesforce(platform, form);
    assert.equal(status, expected, JSON.stringify(claims));
    assert.equal(body.refresh_token, undefined);
  }
});

test('usage is counted, the daily limit answers 403 without Retry-After', async (t) => {
  const platform = await startPlatform(t, 'salesforce', { args: ['--daily-limit', '3'] });
  const call = await salesforceSession(platform);
  const limits = await call('GET', '/limits');
  assert.deepEqual(limits.body.DailyApiRequests, { Max: 3, Remaining: 2 });
  assert.equal(limits.headers.get('sforce-limit-info'), 'api-usage=1/3');
  await call('GET', '/limits');
  await call('GET', '/limits');
  const over = await call('GET', '/limits');
  assert.deepEqual(errorOf(over), [403, 'REQUEST_LIMIT_EXCEEDED']);
  assert.equal(over.headers.get('retry-after'), null);
  assert.equal((await fetch(`${platform.url}/services/data`)).status, 200);
  const without = await fetch(`${platform.url}/services/data/v62.0/limits`);
  assert.deepEqual(
    [without.status, (await without.json())[0].errorCode],
    [401, 'INVALID_SESSION_ID'],
  );
});

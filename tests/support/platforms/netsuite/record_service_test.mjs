// The record service and its log-in, as documented.

import assert from 'node:assert/strict';
import test from 'node:test';
import { createRecord, netSuiteSession, recordPath, suiteQl } from '../lib/netsuite_session.mjs';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';
import { signatureOf } from './token_auth.mjs';

const customers = `${recordPath}/customer`;
const acme = { companyName: 'Acme', subsidiary: { id: '1' } };

async function start(t, args = []) {
  const platform = await startPlatform(t, 'netsuite', { args });
  return { platform, call: netSuiteSession(platform) };
}

function assertError({ status, headers, body }, wanted, code, place = {}) {
  assert.equal(status, wanted, JSON.stringify(body));
  assert.match(headers.get('content-type'), /type=error/);
  assert.equal(body.status, wanted);
  const [{ detail, 'o:errorCode': told, ...where }] = body['o:errorDetails'];
  assert.deepEqual([told, where], [code, place]);
  assert.ok(detail.length > 0);
  return detail;
}

test('a signature is what the documented sample says', () => {
  const given = {
    oauth_consumer_key: 'ck1',
    oauth_nonce: 'n0nce1',
    oauth_signature_method: 'HMAC-SHA256',
    oauth_timestamp: '1767607872',
    oauth_token: 'tk1',
    oauth_version: '1.0',
  };
  const host = 'https://1234567-sb1.suitetalk.api.netsuite.com';
  const url = `${host}/services/rest/query/v1/suiteql?limit=1000&offset=0`;
  const signed = { method: 'POST', url, given, client_secret: 'cs1', token: 'ts1' };
  assert.equal(signatureOf(signed), 'AuDPAAdimBv6MEK/wmb2Ld3kwe8nR5BiQQA460i5ra8=');
});

test('a token opens the door; a wrong secret, realm, clock or a nonce twice do not', async (t) => {
  const { platform, call } = await start(t);
  assert.equal((await suiteQl(call, 'SELECT dummy FROM dual')).status, 200);
  const nonce = { changed: { nonce: 'once' } };
  assert.equal((await suiteQl(netSuiteSession(platform, nonce), 'SELECT 1 FROM dual')).status, 200);
  const late = () => Date.now() - 6 * 60 * 1000;
  const wrong = [nonce, { atMs: late }];
  for (const name of ['realm', 'client_id', 'client_secret', 'token_id', 'token']) {
    wrong.push({ changed: { [name]: 'x' } });
  }
  for (const how of wrong) {
    const reply = await suiteQl(netSuiteSession(platform, how), 'SELECT 1 FROM dual');
    assertError(reply, 401, 'INVALID_LOGIN');
  }
  const bare = await fetch(platform.url + customers);
  assert.equal(bare.status, 401);
});

test('a record is made, read, changed and deleted; replies to writes are empty', async (t) => {
  const { platform, call } = await start(t);
  const input = { ...acme, creditlimit: 1200.5, isInactive: true, email: 'a@x.example' };
  const made = await call('POST', customers, input);
  assert.deepEqual([made.status, made.text], [204, '']);
  const place = made.headers.get('location');
  assert.match(place, new RegExp(`^${platform.url}${customers}/\\d+$`));
  const path = place.slice(platform.url.length);
  const { body } = await call('GET', path);
  const { links, dateCreated, lastModifiedDate, ...rest } = body;
  assert.equal(links[0].href, place);
  assert.match(dateCreated, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(lastModifiedDate, dateCreated);
  assert.deepEqual(rest, {
    id: '1',
    entityId: 'CUST1',
    companyName: 'Acme',
    isPerson: false,
    email: 'a@x.example',
    creditLimit: 1200.5,
    isInactive: true,
    subsidiary: { id: '1' },
  });
  const changed = await call('PATCH', path, { email: null, isinactive: false });
  assert.deepEqual([changed.status, changed.headers.get('location')], [204, place]);
  const read = (await call('GET', path)).body;
  assert.deepEqual(['email' in read, read.isInactive, read.creditLimit], [false, false, 1200.5]);
  assert.equal((await call('DELETE', path)).status, 204);
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const reply = await call(method, path, method === 'PATCH' ? {} : undefined);
    assertError(reply, 404, 'NONEXISTENT_ID');
  }
});

test('an upsert makes one record of its type, however often it is sent', async (t) => {
  const { platform, call } = await start(t);
  const path = `${customers}/eid:CID002`;
  const places = [];
  for (const email of ['a@x.example', 'b@x.example']) {
    const reply = await call('PUT', path, { ...acme, email });
    assert.equal(reply.status, 204);
    places.push(reply.headers.get('location'));
  }
  assert.equal(places[0], places[1]);
  const { body } = await call('GET', path);
  assert.deepEqual([body.externalId, body.email], ['CID002', 'b@x.example']);
  const order = { entity: { id: body.id } };
  assert.equal((await call('PUT', `${recordPath}/salesOrder/eid:CID002`, order)).status, 204);
  const again = await call('POST', customers, { ...acme, externalId: 'CID002' });
  assert.match(assertError(again, 400, 'USER_ERROR'), /already exists/);
  assertError(await call('PUT', `${customers}/${body.id}`, acme), 405, 'METHOD_NOT_ALLOWED');
  assertError(await call('GET', `${customers}/eid:none`), 404, 'NONEXISTENT_ID');
  assert.equal((await platform.rows('customer')).length, 1);
  await platform.fault({ kind: 'late_commit', delay_ms: 200 });
  const both = ['slow', 'fast'].map((name) =>
    call('PUT', `${customers}/eid:race`, { ...acme, companyName: name }),
  );
  const [slow, fast] = await Promise.all(both);
  assert.equal(slow.headers.get('location'), fast.headers.get('location'));
});

test('what the account does not take is refused; unknown names, if asked for', async (t) => {
  const { platform, call } = await start(t);
  const strict = { 'x-netsuite-propertynamevalidation': 'Error' };
  const unknown = { ...acme, no_such: 'x' };
  const path = { 'o:errorPath': 'no_such' };
  assertError(await call('POST', customers, unknown, strict), 400, 'INVALID_CONTENT', path);
  assert.equal((await call('POST', customers, unknown)).status, 204);
  const header = { 'x-netsuite-propertynamevalidation': 'Maybe' };
  assertError(await call('POST', customers, acme, header), 400, 'INVALID_HEADER', {
    'o:errorHeader': 'X-NetSuite-PropertyNameValidation',
  });
  const missing = await call('POST', customers, { email: 'a@x.example' });
  const detail = assertError(missing, 400, 'USER_ERROR');
  assert.match(detail, /Please enter value\(s\) for: Company Name, Primary Subsidiary$/);
  const wrong = { email: 'x', creditLimit: '12', isInactive: 'T', subsidiary: '1', phone: 7 };
  for (const [name, value] of Object.entries(wrong)) {
    const reply = await call('POST', customers, { ...acme, [name]: value });
    assertError(reply, 400, 'INVALID_CONTENT', { 'o:errorPath': name });
  }
  const long = await call('POST', customers, { ...acme, companyName: 'x'.repeat(84) });
  assert.match(assertError(long, 400, 'USER_ERROR'), /more than the maximum number/);
  const plain = { 'content-type': 'text/plain' };
  assertError(await call('POST', customers, '{}', plain), 415, 'UNSUPPORTED_MEDIA_TYPE');
  const json = { 'content-type': 'application/json' };
  assertError(await call('POST', customers, '{"a": ', json), 400, 'INVALID_CONTENT');
  assertError(await call('POST', `${recordPath}/cheese`, {}), 404, 'NONEXISTENT_RECORD_TYPE');
  assertError(await call('GET', customers), 405, 'METHOD_NOT_ALLOWED');
  assert.equal((await call('GET', '/services/rest/other')).status, 404);
  assert.equal((await platform.rows('customer')).length, 1);
});

test('requests at a time are counted, and one too many is a 429', async (t) => {
  const { platform, call } = await start(t, ['--concurrency', '1']);
  await platform.fault({ kind: 'late_commit', delay_ms: 1_500 });
  const slow = call('POST', customers, acme);
  const code = async () => {
    const reply = await suiteQl(call, 'SELECT 1 FROM dual');
    return reply.status === 429 && assertError(reply, 429, 'CONCURRENCY_LIMIT_EXCEEDED');
  };
  await waitFor(code);
  assert.equal((await slow).status, 204);
  assert.equal((await suiteQl(call, 'SELECT 1 FROM dual')).status, 200);
});

test('what was answered is there after kill -9, external ids and ids too', async (t) => {
  const { platform, call } = await start(t);
  await call('PUT', `${customers}/eid:e1`, acme);
  await call('DELETE', `${customers}/${await createRecord(call, 'customer', acme)}`);
  await platform.killHard();
  const again = netSuiteSession(await startPlatform(t, 'netsuite', { data: platform.directory }));
  assert.equal((await again('GET', `${customers}/eid:e1`)).body.id, '1');
  assert.equal(await createRecord(again, 'customer', acme), '3');
});

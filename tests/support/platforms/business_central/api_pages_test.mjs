// API pages against what Microsoft documents and what is known of their replies.

import assert from 'node:assert/strict';
import test from 'node:test';
import { askForToken, businessCentralSession } from '../lib/business_central_session.mjs';
import { startPlatform } from '../lib/spawn_platform.mjs';

async function started(t, args = [], api = 'own_company') {
  const platform = await startPlatform(t, 'business_central', { args });
  return { platform, call: await businessCentralSession(platform, api) };
}

function refusedWith(reply, status, code) {
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.body.error.code, code);
  assert.match(reply.body.error.message, /\.? {2}CorrelationId: {2}[0-9a-f-]{36}\.$/);
}

test('a token by client credentials opens the door for an hour; else AADSTS or 401', async (t) => {
  const { platform, call } = await started(t);
  const { body } = await askForToken(platform);
  assert.deepEqual([body.token_type, body.expires_in], ['Bearer', 3599]);
  const wrong = [
    [{ client_secret: 'x' }, 401, 'invalid_client', 7000215],
    [{ client_id: 'x' }, 400, 'unauthorized_client', 700016],
    [{ scope: 'x' }, 400, 'invalid_scope', 1002012],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
  ];
  for (const [form, status, error, code] of wrong) {
    const refused = await askForToken(platform, form);
    assert.deepEqual([refused.status, refused.body.error], [status, error]);
    assert.deepEqual(refused.body.error_codes, [code]);
    assert.match(refused.body.error_description, new RegExp(`^AADSTS${code}: `));
  }
  assert.equal((await call('GET', '/')).body.displayName, 'CRONUS International Ltd.');
  await platform.fault({ kind: 'expire_sessions' });
  refusedWith(await call('GET', '/customers'), 401, 'Authentication_InvalidCredentials');
});

test('a create is numbered: 201 with the entity, its Location and its ETag', async (t) => {
  const { platform, call } = await started(t);
  const made = await call('POST', '/customers', { displayName: 'Coho Winery', creditLimit: 12.5 });
  assert.equal(made.status, 201);
  const { body } = made;
  assert.match(body.id, /^[0-9a-f]{8}-/);
  assert.deepEqual(
    [body.number, body.type, body.creditLimit, body.email, body.taxLiable],
    ['C00010', 'Company', 12.5, '', false],
  );
  assert.match(body['@odata.etag'], /^W\/"[A-Za-z0-9+/=]+"$/);
  assert.match(body['@odata.context'], /\$metadata#companies\/customers\/\$entity$/);
  // The database keeps milliseconds that end with 0, 3 or 7.
  assert.match(body.lastModifiedDateTime, /T\d\d:\d\d:\d\d(\.\d|\.\d\d|\.\d\d[37])?Z$/);
  assert.equal(made.headers.get('location').split('/').at(-1), `customers(${body.id})`);
  const read = await call('GET', `/customers(${body.id})?$select=displayName,number`);
  assert.deepEqual(Object.keys(read.body).sort(), [
    '@odata.context',
    '@odata.etag',
    'displayName',
    'number',
  ]);
  const coded = await call('POST', '/customers', { number: ' abc1 ', country: 'de' });
  assert.deepEqual([coded.body.number, coded.body.country], ['ABC1', 'DE']);
  assert.equal((await platform.rows('customers')).length, 2);
});

test('an update needs If-Match; another version is a conflict, * forces', async (t) => {
  const { platform, call } = await started(t);
  const { body } = await call('POST', '/customers', { displayName: 'Coho' });
  const path = `/customers(${body.id})`;
  const change = { displayName: 'Coho Winery Inc.' };
  refusedWith(await call('PATCH', path, change), 400, 'BadRequest_InvalidToken');
  const done = await call('PATCH', path, change, { 'if-match': body['@odata.etag'] });
  assert.equal(done.status, 200);
  assert.equal(done.body.displayName, change.displayName);
  const stale = { 'if-match': body['@odata.etag'] };
  refusedWith(await call('PATCH', path, { city: 'X' }, stale), 409, 'Request_EntityChanged');
  refusedWith(await call('DELETE', path, undefined, stale), 409, 'Request_EntityChanged');
  assert.equal((await call('PATCH', path, change, { 'if-match': '*' })).status, 200);
  assert.equal((await call('DELETE', path, undefined, { 'if-match': '*' })).status, 204);
  refusedWith(await call('GET', path), 404, 'Internal_RecordNotFound');
  const late = await call('PATCH', path, change, { 'if-match': '*' });
  refusedWith(late, 404, 'Internal_RecordNotFound');
  assert.equal((await platform.log()).length, 3, 'what changes nothing is not written');
});

test('what the page does not have or take is refused', async (t) => {
  const { platform, call } = await started(t);
  const standard = await businessCentralSession(platform, 'company');
  const { body } = await call('POST', '/customers', { number: 'K1', externalKey: 'e1' });
  const rows = [
    [{ noSuch: 1 }, 'BadRequest'],
    [{ displayName: 7 }, 'BadRequest'],
    [{ creditLimit: '7' }, 'BadRequest'],
    [[], 'BadRequest'],
    [{ displayName: 'x'.repeat(101) }, 'Application_StringExceededLength'],
    [{ type: 'Robot' }, 'Application_EvaluateException'],
    [{ balanceDue: 1 }, 'BadRequest_InvalidOperation'],
    [{ lastModifiedDateTime: '2026-01-05T10:11:12Z' }, 'BadRequest_InvalidOperation'],
    [{ number: 'k1' }, 'Internal_EntityWithSameKeyExists'],
    [{ externalKey: 'e1' }, 'Internal_EntityWithSameKeyExists'],
  ];
  for (const [input, code] of rows) {
    refusedWith(await call('POST', '/customers', input), 400, code);
  }
  refusedWith(await standard('POST', '/customers', { externalKey: 'e2' }), 400, 'BadRequest');
  assert.equal((await standard('GET', `/customers(${body.id})`)).body.externalKey, undefined);
  const text = await call('POST', '/customers', 'x', { 'content-type': 'text/plain' });
  assert.equal(text.status, 415);
  refusedWith(await call('PUT', `/customers(${body.id})`, {}), 405, 'BadRequest_MethodNotAllowed');
  refusedWith(await call('GET', '/customers(1)'), 400, 'BadRequest_NotFound');
  refusedWith(await call('GET', '/noSuch'), 404, 'BadRequest_ResourceNotFound');
  assert.equal((await platform.rows('customers')).length, 1);
});

test('filters compare by type; `or` over two fields and lambdas are not taken', async (t) => {
  const { call } = await started(t);
  const stamps = [];
  for (const displayName of ['A', "O'Neil", 'C']) {
    const { body } = await call('POST', '/customers', { displayName, creditLimit: stamps.length });
    stamps.push(body.lastModifiedDateTime);
  }
  const names = async (filter) => {
    const reply = await call('GET', `/customers?$filter=${encodeURIComponent(filter)}`);
    assert.equal(reply.status, 200, reply.text);
    return reply.body.value.map(({ displayName }) => displayName);
  };
  assert.deepEqual(await names("displayName eq 'O''Neil'"), ["O'Neil"]);
  assert.deepEqual(await names("(type eq 'Company') and creditLimit ge 1"), ["O'Neil", 'C']);
  assert.deepEqual(await names("displayName eq 'A' or displayName eq 'C'"), ['A', 'C']);
  assert.equal((await names(`lastModifiedDateTime ge ${stamps[0]}`)).length, 3);
  assert.deepEqual(await names("startswith(displayName,'O')"), ["O'Neil"]);
  const refused = async (filter) =>
    call('GET', `/customers?$filter=${encodeURIComponent(filter)}`);
  const distinct = "creditLimit gt 1 or (creditLimit eq 1 and number gt 'C00010')";
  refusedWith(await refused(distinct), 501, 'BadRequest_MethodNotImplemented');
  refusedWith(await refused('x/any(d:d eq 1)'), 501, 'BadRequest_MethodNotImplemented');
  refusedWith(await refused("lastModifiedDateTime ge '2026-01-05'"), 400, 'BadRequest');
  refusedWith(await refused("displayName eq 'x"), 400, 'BadRequest_NotFound');
  refusedWith(await refused("noSuch eq 'x'"), 400, 'BadRequest');
});

test('a link names the last record, and goes on behind where that one is now', async (t) => {
  const { platform, call } = await started(t);
  for (let i = 0; i < 7; ++i) {
    const fields = { displayName: `n${i}` };
    await platform.control('POST', 'create', { object: 'customers', fields });
  }
  const prefer = { prefer: 'odata.maxpagesize=3' };
  const all = async (path, between = async () => {}) => {
    const seen = [];
    for (let next = path; next; ) {
      const { body } = await call('GET', next, undefined, prefer);
      seen.push(...body.value.map(({ displayName }) => displayName));
      next = body['@odata.nextLink'];
      if (next) {
        assert.match(next, /&aid=FIN&\$skiptoken=[0-9a-f-]{36}$/);
        assert.ok(next.endsWith(body.value.at(-1).id));
        await between(body.value.at(-1).id);
      }
    }
    return seen;
  };
  assert.equal((await all('/customers?$count=true')).length, 7);
  assert.equal((await all('/customers?$top=5&$count=true')).length, 5);
  const full = await call('GET', '/customers?$top=2', undefined, prefer);
  assert.equal(full.body['@odata.nextLink'], undefined, 'what was asked for is all there');
  const move = async (id) => {
    const fields = { city: String(Math.random()) };
    await platform.control('POST', 'edit', { object: 'customers', id, fields });
  };
  const byKey = await all('/customers?$count=false', move);
  assert.deepEqual(byKey, ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6']);
  const byStamp = await all('/customers?$orderby=lastModifiedDateTime', move);
  assert.equal(byStamp.length, 3, 'the one that moved has nothing behind it');
  const remove = (id) => platform.control('POST', 'delete', { object: 'customers', id });
  const first = await call('GET', '/customers?$count=false', undefined, prefer);
  await remove(first.body.value.at(-1).id);
  const gone = await call('GET', first.body['@odata.nextLink'], undefined, prefer);
  refusedWith(gone, 400, 'SkipTokenIsNoLongerValid');
});

test('reads are behind unless they ask for the primary database', async (t) => {
  const { call } = await started(t, ['--replica-lag-ms', '60000']);
  const { body } = await call('POST', '/customers', { displayName: 'A' });
  const primary = { 'data-access-intent': 'ReadWrite' };
  assert.equal((await call('GET', '/customers')).body.value.length, 0);
  assert.equal((await call('GET', '/customers', undefined, primary)).body.value.length, 1);
  const path = `/customers(${body.id})`;
  assert.equal((await call('GET', path)).status, 404);
  assert.equal((await call('GET', path, undefined, primary)).status, 200);
});

test('requests over the limit of the window are 429 without a Retry-After', async (t) => {
  const { platform, call } = await started(t, ['--request-limit', '3']);
  for (let i = 0; i < 3; ++i) {
    assert.equal((await call('GET', '/customers')).status, 200);
  }
  const refused = await call('GET', '/customers');
  refusedWith(refused, 429, 'Application_TooManyRequests');
  assert.equal(refused.headers.get('retry-after'), null);
  await platform.control('POST', 'clock', { skew_ms: 301_000 });
  assert.equal((await call('GET', '/customers')).status, 200);
  await platform.fault({ kind: 'status', status: 408 });
  refusedWith(await call('GET', '/customers'), 408, 'RequestTimeout');
  assert.equal(platform.problems, '');
});

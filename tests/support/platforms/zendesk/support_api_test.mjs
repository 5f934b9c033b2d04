// Every documented behaviour of the ticketing API that a connector can trip over: sessions,
// records, idempotency keys, safe updates, limits, errors. The export has a file of its own.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory, startPlatform } from '../lib/spawn_platform.mjs';
import { createTicket, zendeskSession } from '../lib/zendesk_session.mjs';

async function start(t, args = []) {
  const platform = await startPlatform(t, 'zendesk', { args });
  return { platform, call: zendeskSession(platform) };
}

test('the API token and OAuth tokens open the door, anything else is 401', async (t) => {
  const { platform, call } = await start(t, ['--token-seconds', '3600']);
  const { credentials, url } = platform;
  const { client_id, client_secret, refresh_token, email, username, password } = credentials;
  assert.deepEqual([username, password], [`${email}/token`, credentials.api_token]);
  const token = async (form, type = 'application/json') => {
    const all = { client_id, client_secret, ...form };
    const body = /json/.test(type) ? JSON.stringify(all) : new URLSearchParams(all).toString();
    const options = { method: 'POST', headers: { 'content-type': type }, body };
    const response = await fetch(`${url}/oauth/tokens`, options);
    return { status: response.status, body: await response.json() };
  };
  const read = async (authorization) => {
    const headers = authorization ? { authorization } : {};
    const response = await fetch(`${url}/api/v2/users/me.json`, { headers });
    return { status: response.status, body: await response.json() };
  };

  assert.equal((await call('GET', '/users/me')).body.user.email, email);
  const first = await token({ grant_type: 'client_credentials' });
  assert.equal(first.status, 200);
  assert.deepEqual([first.body.token_type, first.body.expires_in], ['bearer', 3600]);
  assert.equal((await read(`Bearer ${first.body.access_token}`)).status, 200);
  const again = { grant_type: 'refresh_token', refresh_token };
  assert.equal((await token(again, 'application/x-www-form-urlencoded')).status, 200);
  assert.equal((await token({ grant_type: 'client_credentials', client_secret: 'x' })).status, 401);
  assert.equal((await token({ ...again, refresh_token: 'x' })).status, 401);

  await platform.fault({ kind: 'expire_sessions' });
  const expired = await read(`Bearer ${first.body.access_token}`);
  assert.deepEqual([expired.status, expired.body.error], [401, 'invalid_token']);
  const plain = Buffer.from(`${email}:${credentials.api_token}`).toString('base64');
  for (const header of [null, `Basic ${plain}`]) {
    const { status, body } = await read(header);
    assert.deepEqual([status, body], [401, { error: "Couldn't authenticate you" }]);
  }
});

test('a create answers 201 with Location and audit, and not just what was sent', async (t) => {
  const { platform, call } = await start(t);
  const { status, headers, body } = await call('POST', '/tickets.json', {
    ticket: {
      subject: 'Down',
      comment: { body: 'It is down', public: false },
      requester: { name: 'Ann', email: 'Ann@Example.com' },
      external_id: 4711,
      priority: 'high',
      tags: ['VIP customer', 'b', 'b'],
      custom_fields: [{ id: 360000000101, value: 'O-1' }],
      no_such_field: 1,
      assignee_id: 9001,
      due_at: '2026-01-05T11:11:12.345+01:00',
    },
  });
  assert.equal(status, 201);
  const { ticket, audit } = body;
  assert.equal(headers.get('location'), `${platform.url}/api/v2/tickets/${ticket.id}.json`);
  assert.deepEqual(
    [ticket.external_id, ticket.description, ticket.raw_subject, ticket.is_public, ticket.due_at],
    ['4711', 'It is down', 'Down', false, '2026-01-05T10:11:12Z'],
  );
  assert.deepEqual(ticket.tags, ['b', 'vip_customer']);
  assert.equal(ticket.status, 'open', 'an assigned ticket is no longer new');
  assert.deepEqual(ticket.custom_fields[0], { id: 360000000101, value: 'O-1' });
  assert.deepEqual(ticket.fields, ticket.custom_fields);
  assert.equal('no_such_field' in ticket, false);
  assert.equal(ticket.generated_timestamp * 1000, Date.parse(ticket.updated_at));
  assert.deepEqual([audit.ticket_id, audit.events[0].type], [ticket.id, 'Comment']);
  const { user } = (await call('GET', `/users/${ticket.requester_id}`)).body;
  assert.deepEqual([user.name, user.email, user.role], ['Ann', 'ann@example.com', 'end-user']);
  assert.deepEqual((await call('GET', `/tickets/${ticket.id}.json`)).body.ticket, ticket);
});

test('an update moves the stamp, one that changes nothing does not, a comment does', async (t) => {
  const { platform, call } = await start(t);
  const made = await createTicket(call, 'One', { priority: 'low' });
  const address = `/tickets/${made.id}`;
  const put = async (ticket) => (await call('PUT', address, { ticket })).body.ticket;
  await platform.control('POST', 'clock', { skew_ms: 5_000 });
  assert.deepEqual(await put({ priority: 'low', subject: 'One' }), made);
  const flat = await call('PUT', address, { priority: 'urgent' });
  assert.deepEqual([flat.status, flat.body.ticket], [200, made], 'without the wrapper: nothing');

  const said = await put({ comment: { body: 'More' } });
  await put({ comment: { body: 'More' } });
  assert.ok(said.updated_at > made.updated_at);
  const { comments, count } = (await call('GET', `${address}/comments`)).body;
  assert.deepEqual([count, comments[1].body, comments[2].body], [3, 'More', 'More']);
  const shipped = await put({ custom_fields: { 360000000103: 'S-1' } });
  assert.equal(shipped.custom_fields[2].value, 'S-1');
  assert.equal((await put({ priority: null })).priority, null);

  const silent = { object: 'tickets', id: made.id, fields: { type: 'task' } };
  const before = (await call('GET', address)).body.ticket;
  await platform.control('POST', 'clock', { skew_ms: 20_000 });
  await platform.control('POST', 'edit', { ...silent, stamp: 'system' });
  const system = (await call('GET', address)).body.ticket;
  assert.equal(system.updated_at, before.updated_at);
  assert.ok(system.generated_timestamp > before.generated_timestamp);
  await platform.control('POST', 'edit', { ...silent, fields: { type: 'problem' }, stamp: 'none' });
  const none = (await call('GET', address)).body.ticket;
  assert.deepEqual(none, { ...system, type: 'problem' });
});

test('a deleted ticket is gone for readers and can be restored', async (t) => {
  const { call } = await start(t);
  const { id } = await createTicket(call, 'One');
  const removed = await call('DELETE', `/tickets/${id}`);
  assert.deepEqual([removed.status, removed.text], [204, '']);
  const update = { ticket: { subject: 'x' } };
  for (const [method, body] of [['GET'], ['DELETE'], ['PUT', update]]) {
    const missing = await call(method, `/tickets/${id}`, body);
    const error = { error: 'RecordNotFound', description: 'Not found' };
    assert.deepEqual([missing.status, missing.body], [404, error], method);
  }
  assert.equal((await call('GET', '/tickets')).body.count, 0);
  const [deleted] = (await call('GET', '/deleted_tickets')).body.deleted_tickets;
  assert.deepEqual([deleted.id, deleted.previous_state], [id, 'new']);
  assert.equal((await call('PUT', `/deleted_tickets/${id}/restore`)).status, 200);
  assert.equal((await call('GET', `/tickets/${id}`)).body.ticket.status, 'new');
});

test('users and organizations: unique keys, create_or_update, lookups, deletes', async (t) => {
  const { call } = await start(t);
  const post = (path, body) => call('POST', path, body);
  const acme = { name: 'Acme', external_id: 'C-1', organization_fields: { tier: 'gold', x: 1 } };
  const { organization } = (await post('/organizations', { organization: acme })).body;
  assert.deepEqual(organization.organization_fields, {
    customer_number: null,
    tier: 'gold',
    stage: null,
  });
  const twin = await post('/organizations', { organization: { name: 'ACME' } });
  assert.equal(twin.status, 422);
  assert.equal(twin.body.details.name[0].error, 'DuplicateValue');

  const user = { name: 'Ann', email: 'ann@example.com', external_id: 'U-1' };
  const made = await post('/users/create_or_update', { user });
  const id = made.body.user.id;
  const again = await post('/users/create_or_update', { user: { ...user, phone: '1' } });
  assert.deepEqual(
    [made.status, again.status, again.body.user.id, again.body.user.phone],
    [201, 200, id, '1'],
  );
  const taken = await post('/users', { user: { name: 'Bob', email: 'ANN@example.com' } });
  assert.equal(taken.body.details.email[0].error, 'DuplicateValue');

  const found = async (path) => (await call('GET', path)).body;
  assert.equal((await found('/users/search?external_id=u-1')).users[0].id, id);
  assert.equal((await found('/users/search?query=ann@')).count, 1);
  assert.equal((await found('/organizations/search?external_id=C-1')).count, 1);
  assert.equal((await found('/organizations/show_many?external_ids=C-1,C-2')).count, 1);
  assert.equal((await found(`/users/show_many?ids=${id},77`)).users.length, 1);
  const gone = await call('DELETE', `/users/${id}`);
  assert.deepEqual([gone.status, gone.body.user.active], [200, false]);
  assert.equal((await found(`/users/${id}`)).user.active, false);
  assert.equal((await found('/users')).count, 0);
  assert.equal((await post('/users', { user })).status, 201, 'its keys are free again');
  assert.equal((await call('DELETE', `/organizations/${organization.id}`)).status, 204);
  assert.equal((await call('GET', `/organizations/${organization.id}`)).status, 404);
});

test('lists page by offset and by cursor; tickets are found by external id', async (t) => {
  const { platform, call } = await start(t);
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await createTicket(call, name, { external_id: name === 'e' ? 'a' : name });
  }
  const subjects = ({ tickets }) => tickets.map(({ subject }) => subject).join('');
  const get = async (path) => (await call('GET', path)).body;
  const below = (url) => url.slice(`${platform.url}/api/v2`.length);

  const first = await get('/tickets?per_page=2&sort_by=subject&sort_order=desc');
  assert.deepEqual([subjects(first), first.count, first.previous_page], ['ed', 5, null]);
  assert.equal(subjects(await get(below(first.next_page))), 'cb');
  const keyed = await get('/tickets?page[size]=3&sort=-updated_at');
  assert.deepEqual([subjects(keyed).length, keyed.meta.has_more], [3, true]);
  const rest = await get(below(keyed.links.next));
  assert.deepEqual([rest.meta.has_more, rest.links.next], [false, null]);
  assert.equal([...(subjects(keyed) + subjects(rest))].sort().join(''), 'abcde');
  assert.equal((await call('GET', '/tickets?page=101')).status, 400);
  assert.equal((await call('GET', '/tickets?page[after]=x')).status, 400);

  assert.equal(subjects(await get('/tickets?external_id=A')), 'ae');
  assert.equal(subjects(await get('/tickets/show_many?ids=1,3,99')), 'ac');
  const search = async (query) => {
    const { results } = await get(`/search.json?query=${encodeURIComponent(query)}`);
    return results.map(({ subject }) => subject).join('');
  };
  await call('PUT', '/tickets/2', { ticket: { status: 'solved', tags: ['x'] } });
  assert.equal(await search('type:ticket external_id:a'), 'ae');
  assert.equal(await search('status>=solved'), 'b');
  assert.equal(await search('type:ticket -status:solved "About c"'), 'c');
  assert.equal(await search('tags:x created>2020-01-01'), 'b');
  assert.equal(await search('type:user'), '');
});

test('an idempotency key answers as the first time, and refuses another body', async (t) => {
  const { platform, call } = await start(t);
  const body = { ticket: { subject: 'One', comment: { body: 'x' } } };
  const post = (key, sent = body) => call('POST', '/tickets', sent, { 'idempotency-key': key });
  const first = await post('k1');
  assert.deepEqual([first.status, first.headers.get('x-idempotency-lookup')], [201, 'miss']);
  await call('PUT', `/tickets/${first.body.ticket.id}`, { ticket: { priority: 'high' } });
  const hit = await post('k1');
  assert.deepEqual([hit.status, hit.headers.get('x-idempotency-lookup')], [201, 'hit']);
  assert.deepEqual(hit.body, first.body, 'as it was then');
  assert.equal(hit.headers.get('location'), first.headers.get('location'));

  const other = await post('k1', { ticket: { ...body.ticket, subject: 'Two' } });
  assert.deepEqual(
    [other.status, other.body],
    [
      400,
      {
        error: 'IdempotentRequestError',
        description: "Request parameters don't match the given idempotency key",
      },
    ],
  );
  assert.equal((await post('k'.repeat(256))).status, 400);
  assert.equal((await post('k2', { ticket: {} })).status, 422);
  assert.equal((await post('k2')).headers.get('x-idempotency-lookup'), 'miss');
  assert.equal((await call('POST', '/tickets', body)).headers.get('x-idempotency-lookup'), null);

  await platform.control('POST', 'clock', { skew_ms: 2 * 3_600_000 + 1_000 });
  const late = await post('k1');
  assert.equal(late.headers.get('x-idempotency-lookup'), 'miss', 'a key is kept for two hours');
  assert.notEqual(late.body.ticket.id, first.body.ticket.id);
});

test('a key protects a lost reply, two senders at once, and outlives kill -9', async (t) => {
  const data = makeDirectory();
  t.after(() => fs.rmSync(data, { recursive: true }));
  const platform = await startPlatform(t, 'zendesk', { data });
  const call = zendeskSession(platform);
  const body = { ticket: { subject: 'One', comment: { body: 'x' } } };
  const post = (send) => send('POST', '/tickets', body, { 'idempotency-key': 'k1' });
  await platform.fault({ kind: 'late_commit', delay_ms: 300 });
  const both = await Promise.all([post(call), post(call)]);
  const lookups = both.map(({ headers }) => headers.get('x-idempotency-lookup')).sort();
  assert.deepEqual(lookups, ['hit', 'miss']);
  await platform.fault({ kind: 'drop_reply_after_commit' });
  const other = { ticket: { ...body.ticket, subject: 'Two' } };
  const again = () => call('POST', '/tickets', other, { 'idempotency-key': 'k2' });
  await assert.rejects(again(), /fetch failed/);
  assert.equal((await again()).headers.get('x-idempotency-lookup'), 'hit');

  await platform.killHard();
  const second = await startPlatform(t, 'zendesk', { data });
  const known = await post(zendeskSession(second));
  assert.equal(known.headers.get('x-idempotency-lookup'), 'hit');
  assert.equal(known.body.ticket.id, both[0].body.ticket.id);
  assert.equal((await second.rows('tickets')).length, 2);
});

test('a safe update with an old stamp is 409, whatever safe_update says', async (t) => {
  const { platform, call } = await start(t);
  await sleep(1_000 - (Date.now() % 1_000)); // Stamps are whole seconds.
  const { id, updated_at: read } = await createTicket(call, 'One');
  const put = (fields) => call('PUT', `/tickets/${id}`, { ticket: fields });
  const safe = { safe_update: true, updated_stamp: read };
  assert.equal((await put({ priority: 'low', ...safe })).status, 200, 'the same second');
  await platform.control('POST', 'clock', { skew_ms: 5_000 });
  assert.equal((await put({ priority: 'high', ...safe })).status, 200);
  for (const flag of [true, false, 'true']) {
    const { status, body } = await put({ priority: 'urgent', ...safe, safe_update: flag });
    assert.deepEqual([status, body.error], [409, 'UpdateConflict']);
  }
  assert.equal((await put({ subject: 'x', updated_stamp: read })).status, 200, 'no safe_update');
  const log = await platform.log();
  assert.deepEqual(
    log.map(({ after }) => after.priority),
    [null, 'low', 'high', 'high'],
  );
});

test('the documented errors', async (t) => {
  const { call } = await start(t);
  const { id } = await createTicket(call, 'One', { status: 'closed' });
  const comment = { body: 'x' };
  const cases = [
    ['POST', '/tickets', { ticket: { subject: 'x' } }, 422, 'RecordInvalid', 'base'],
    ['POST', '/tickets', { ticket: { comment, status: 'odd' } }, 422, 'RecordInvalid', 'status'],
    ['POST', '/tickets', { ticket: { comment, requester_id: 5 } }, 422, 'RecordInvalid'],
    ['POST', '/tickets', { ticket: { comment, due_at: 'x' } }, 422, 'RecordInvalid', 'due_at'],
    ['PUT', `/tickets/${id}`, { ticket: { subject: 'y' } }, 422, 'RecordInvalid', 'status'],
    ['POST', '/users', { user: { email: 'a@b.de' } }, 422, 'RecordInvalid', 'name'],
    ['POST', '/users', { user: { name: 'A', email: 'ab' } }, 422, 'RecordInvalid', 'email'],
    ['POST', '/tickets', '{"ticket":', 422, 'Unprocessable Entity'],
    ['POST', '/tickets', {}, 400, 'ParameterMissing'],
    ['GET', '/tickets/77', undefined, 404, 'RecordNotFound'],
    ['GET', '/nothing', undefined, 404, 'InvalidEndpoint'],
    ['PATCH', `/tickets/${id}`, {}, 404, 'InvalidEndpoint'],
    ['GET', '/search', undefined, 400, 'InvalidValue'],
  ];
  for (const [method, path, body, status, error, field] of cases) {
    const reply = await call(method, path, body);
    assert.deepEqual([reply.status, reply.body.error], [status, error], `${method} ${path}`);
    assert.ok(!field || reply.body.details[field][0].description.length > 0, field);
  }
  const odd = await call('GET', '/tickets/abc');
  assert.deepEqual([odd.status, odd.body.error.title], [400, 'Invalid attribute']);
});

test('limits: the account in plain text, an endpoint in JSON, both with Retry-After', async (t) => {
  const { platform, call } = await start(t, ['--account-limit', '8', '--export-limit', '1']);
  const first = await call('GET', '/tickets');
  const left = (reply) => Number(reply.headers.get('x-rate-limit-remaining'));
  assert.equal(first.headers.get('x-rate-limit'), '8');
  assert.equal(first.headers.get('ratelimit-limit'), '8');
  assert.ok(left(first) === 7 && Number(first.headers.get('ratelimit-reset')) <= 60);
  assert.match(
    first.headers.get('zendesk-ratelimit-tickets-index'),
    /^total=100; remaining=99; resets=\d+$/,
  );
  assert.equal((await call('GET', '/users')).headers.get('zendesk-ratelimit-tickets-index'), null);

  const changes = '/incremental/tickets/cursor?start_time=0';
  const replies = [await call('GET', changes), await call('GET', changes)];
  // A minute may begin between any two requests: then the second is a first again.
  const refused = replies[1].status === 429 ? replies[1] : await call('GET', changes);
  assert.equal(refused.status, 429);
  assert.equal(refused.body.error, 'APIRateLimitExceeded');
  const wait = Number(refused.headers.get('retry-after'));
  assert.ok(wait > 0 && wait <= 60);

  let over;
  for (let i = 0; i < 20 && over?.status !== 429; i += 1) {
    over = await call('GET', '/users');
  }
  assert.equal(over.status, 429);
  assert.match(over.headers.get('content-type'), /^text\/plain/);
  assert.equal(over.body, null);
  await platform.control('POST', 'clock', { skew_ms: 61_000 });
  assert.equal((await call('GET', '/users')).status, 200, 'the next minute');

  await platform.fault({ kind: 'throttle' });
  assert.match((await call('GET', '/users')).headers.get('content-type'), /^text\/plain/);
  await platform.fault({ kind: 'throttle', variant: 'json', retry_after: 7 });
  const faulty = await call('GET', '/users');
  assert.deepEqual(
    [faulty.body.error, faulty.headers.get('retry-after')],
    ['APIRateLimitExceeded', '7'],
  );
  await platform.fault({ kind: 'status', status: 403 });
  assert.equal((await call('GET', '/users')).body.error.title, 'Forbidden');
});

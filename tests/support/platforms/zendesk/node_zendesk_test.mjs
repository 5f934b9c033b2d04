// The real node-zendesk client against the simulated account: what a customer's own tool does.

import assert from 'node:assert/strict';
import test from 'node:test';
import zendesk from 'node-zendesk';
import { startPlatform } from '../lib/spawn_platform.mjs';
import { createTicket, settle, zendeskSession } from '../lib/zendesk_session.mjs';

function connect(platform, settings = {}) {
  const { email, api_token: token } = platform.credentials;
  const endpointUri = `${platform.url}/api/v2`;
  return zendesk.createClient({ username: email, token, endpointUri, ...settings });
}

test('an API token and an OAuth token are taken, a wrong one is not', async (t) => {
  const platform = await startPlatform(t, 'zendesk');
  const me = (await connect(platform).users.me()).result;
  assert.equal(me.email, platform.credentials.email);
  await assert.rejects(connect(platform, { token: 'x' }).users.me(), /401/);
  const { client_id, client_secret } = platform.credentials;
  const form = { grant_type: 'client_credentials', client_id, client_secret };
  const body = new URLSearchParams(form);
  const reply = await fetch(`${platform.url}/oauth/tokens`, { method: 'POST', body });
  const { access_token: token } = await reply.json();
  const client = connect(platform, { token, useOAuth: true });
  assert.equal((await client.users.me()).result.id, me.id);
});

test('create, show, update, list and delete of tickets', async (t) => {
  const platform = await startPlatform(t, 'zendesk');
  const { tickets } = connect(platform);
  const ticket = { subject: 'Down', comment: { body: 'It is down' }, external_id: 'A-1' };
  const made = (await tickets.create({ ticket })).result;
  assert.deepEqual([made.subject, made.external_id, made.status], ['Down', 'A-1', 'new']);
  const changed = { ticket: { status: 'solved', comment: { body: 'Up again' } } };
  assert.equal((await tickets.update(made.id, changed)).result.status, 'solved');
  assert.equal((await tickets.show(made.id)).result.status, 'solved');
  const comments = await tickets.getComments(made.id);
  assert.deepEqual(
    comments.map(({ body }) => body),
    ['It is down', 'Up again'],
  );
  const other = (await tickets.create({ ticket: { ...ticket, subject: 'Other' } })).result;
  const many = (await tickets.showMany([made.id, other.id])).result;
  assert.deepEqual(
    many.map(({ id }) => id),
    [made.id, other.id],
  );
  await tickets.delete(other.id);
  assert.deepEqual(
    (await tickets.list()).map(({ id }) => id),
    [made.id],
  );
  await assert.rejects(tickets.show(other.id), /404/);
  await assert.rejects(tickets.create({ ticket: { subject: 'No comment' } }), /422/);
  const stale = { safe_update: true, updated_stamp: '2026-01-05T10:11:12Z' };
  await assert.rejects(tickets.update(made.id, { ticket: { priority: 'low', ...stale } }), /409/);
});

test('lists of more than a page come whole', async (t) => {
  const platform = await startPlatform(t, 'zendesk');
  for (let i = 0; i < 130; i += 1) {
    await platform.control('POST', 'create', { object: 'tickets', fields: { subject: `${i}` } });
  }
  const rows = await connect(platform).tickets.list();
  assert.equal(new Set(rows.map(({ id }) => id)).size, 130);
  const found = await connect(platform).search.queryAll('type:ticket status:new');
  assert.equal(found.length, 130);
});

test('search, users and organizations', async (t) => {
  const platform = await startPlatform(t, 'zendesk');
  const client = connect(platform);
  const acme = { name: 'Acme', external_id: 'C-1' };
  const organization = (await client.organizations.create({ organization: acme })).result;
  const user = { name: 'Ann', email: 'ann@example.com', organization_id: organization.id };
  const made = (await client.users.createOrUpdate({ user })).result;
  const moved = (await client.users.createOrUpdate({ user: { ...user, phone: '1' } })).result;
  assert.deepEqual([moved.id, moved.phone], [made.id, '1']);
  const ticket = { subject: 'x', comment: { body: 'y' }, requester_id: made.id };
  await client.tickets.create({ ticket });
  const { result } = await client.search.query(`type:ticket requester:${made.id}`);
  assert.deepEqual([result[0].subject, result[0].result_type], ['x', 'ticket']);
  assert.equal((await client.users.search({ query: 'ann' }))[0].id, made.id);
  const update = { organization: { details: 'd' } };
  assert.equal((await client.organizations.update(organization.id, update)).result.details, 'd');
  const [found] = await client.organizations.showManyByExternalIds(['C-1']);
  assert.equal(found.name, 'Acme');
});

test('the incremental export, by cursor and by time', async (t) => {
  const platform = await startPlatform(t, 'zendesk');
  const call = zendeskSession(platform);
  await createTicket(call, 'One');
  await settle(platform);
  const client = connect(platform);
  const first = (await client.ticketexport.exportCursor(1)).result;
  const subjects = ({ tickets }) => tickets.map(({ subject }) => subject);
  assert.deepEqual([subjects(first), first.end_of_stream], [['One'], true]);
  await createTicket(call, 'Two');
  await settle(platform, 300_000);
  const next = await client.ticketexport.exportCursor(1, first.after_cursor);
  assert.deepEqual(subjects(next.result), ['Two']);
  assert.equal((await client.tickets.incremental(1)).length, 2);
  const now = Math.floor(Date.now() / 1000) + 300;
  await assert.rejects(client.ticketexport.exportCursor(now), /400/);
});

test('a 429 is found by its Retry-After, which the client gives back as a value', async (t) => {
  const platform = await startPlatform(t, 'zendesk');
  await platform.fault({ kind: 'throttle', variant: 'json', retry_after: 3 });
  const { result } = await connect(platform).tickets.show(1);
  assert.equal(result.statusCode, 429);
});

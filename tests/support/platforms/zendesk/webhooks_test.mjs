// What is committed is posted, signed, to the webhooks that want it.

import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';
import { createTicket, zendeskSession } from '../lib/zendesk_session.mjs';
import { signature } from './webhooks.mjs';

/** A server that keeps what it is sent, and answers with the statuses given, then with 200. */
async function listen(t, statuses = []) {
  const received = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      received.push({ headers: request.headers, text, body: JSON.parse(text) });
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { received, url: `http://127.0.0.1:${server.address().port}/hook` };
}

const names = (received) => received.map(({ body }) => body.type.split('.').at(-1));

test('the signature is that of the documented scheme', () => {
  const body = '{"id":42,"type":"zen:event-type:ticket.created"}';
  assert.equal(
    signature('zd-secret-1', '2026-01-05T10:11:12Z', body),
    'GLk81NX8kIbVCxG0ulROw/5EUzy9KVtDTSvgOalKoyY=',
  );
});

test('a webhook of the command line is told everything, signed over the bytes sent', async (t) => {
  const { received, url } = await listen(t);
  const args = ['--webhook-url', url, '--webhook-secret', 'geheim'];
  const platform = await startPlatform(t, 'zendesk', { args });
  const call = zendeskSession(platform);
  const { id } = await createTicket(call, 'Ärger', { external_id: 'A-1' });
  const fields = { status: 'pending', tags: ['x'], comment: { body: 'more' } };
  await platform.control('POST', 'edit', { object: 'tickets', id, fields });
  await call('DELETE', `/tickets/${id}`);
  await waitFor(() => received.length >= 6);
  assert.deepEqual(names(received), [
    'created',
    'status_changed',
    'tags_changed',
    'comment_added',
    'soft_deleted',
    'status_changed',
  ]);
  const [{ headers, text, body }, changed] = received;
  const stamp = headers['x-zendesk-webhook-signature-timestamp'];
  assert.match(stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(headers['x-zendesk-webhook-signature'], signature('geheim', stamp, text));
  assert.deepEqual(
    [body.type, body.subject, body.detail.id, body.detail.external_id, body.detail.status],
    ['zen:event-type:ticket.created', `zen:ticket:${id}`, String(id), 'A-1', 'NEW'],
  );
  assert.deepEqual([changed.body.event.current, changed.body.event.previous], ['PENDING', 'NEW']);
  const sequences = received.slice(1, 4).map(({ body: { event } }) => event.meta.sequence);
  assert.equal(new Set(sequences.map(({ id: sequence }) => sequence)).size, 1);
  assert.deepEqual(sequences.map(({ position }) => position), [1, 2, 3]);
});

test('a webhook of the API is told what it subscribes to, until it is deleted', async (t) => {
  const { received, url } = await listen(t, [409]);
  const platform = await startPlatform(t, 'zendesk');
  const call = zendeskSession(platform);
  const subscriptions = ['zen:event-type:user.created', 'zen:event-type:organization.created'];
  const wanted = { name: 'x', endpoint: url, http_method: 'POST', status: 'active', subscriptions };
  const { status, body } = await call('POST', '/webhooks', { webhook: wanted });
  assert.equal(status, 201);
  assert.doesNotMatch(JSON.stringify(body), /secret/);
  const secretPath = `/webhooks/${body.webhook.id}/signing_secret`;
  const { secret } = (await call('GET', secretPath)).body.signing_secret;

  await createTicket(call, 'Not wanted', { requester: { email: 'a@b.de' } });
  await waitFor(() => received.length >= 2);
  assert.deepEqual(names(received), ['created', 'created'], 'a 409 is tried again');
  const [first, second] = received;
  assert.equal(first.body.id, second.body.id);
  const stamp = second.headers['x-zendesk-webhook-signature-timestamp'];
  assert.equal(
    second.headers['x-zendesk-webhook-signature'],
    signature(secret, stamp, second.text),
  );
  assert.equal((await call('DELETE', `/webhooks/${body.webhook.id}`)).status, 204);
  await call('POST', '/organizations', { organization: { name: 'Acme' } });
  const bad = await call('POST', '/webhooks', { webhook: { ...wanted, endpoint: 'nowhere' } });
  assert.deepEqual([bad.status, (await call('GET', '/webhooks')).body.webhooks], [422, []]);
  assert.equal(received.length, 2);
});

test('deliveries can be lost, repeated and overtaken', async (t) => {
  const { received, url } = await listen(t);
  const platform = await startPlatform(t, 'zendesk', { args: ['--webhook-url', url] });
  const call = zendeskSession(platform);
  const organization = (name) => call('POST', '/organizations', { organization: { name } });
  await assert.rejects(platform.fault({ kind: 'webhook_delayed' }), /needs delay_ms/);
  await platform.fault({ kind: 'webhook_lost', path: '/hook$' });
  await organization('Lost');
  await platform.fault({ kind: 'webhook_repeated' });
  await organization('Twice');
  await waitFor(() => received.length === 2);
  await platform.fault({ kind: 'webhook_delayed', delay_ms: 300 });
  await organization('Late');
  await organization('Early');
  await waitFor(() => received.length === 4);
  assert.deepEqual(
    received.map(({ body }) => body.detail.name),
    ['Twice', 'Twice', 'Early', 'Late'],
  );
  assert.equal(received[0].body.id, received[1].body.id);
});

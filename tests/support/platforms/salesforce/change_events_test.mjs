// Change Data Capture of the simulated org: what jsforce, whose streaming is faye's client, makes of
// it, and what a client without a library sees.

import assert from 'node:assert/strict';
import test from 'node:test';
import jsforce from 'jsforce';
import { StreamingExtension } from 'jsforce/lib/api/streaming.js';
import { loginSalesforce, salesforceSession } from '../lib/salesforce_session.mjs';
import { startPlatform, waitFor } from '../lib/spawn_platform.mjs';

const channel = '/data/AccountChangeEvent';

/** Calls `body({connection, events})` while jsforce listens after `replayId`. */
async function streaming(platform, replayId, body) {
  const { client_id: clientId, client_secret: clientSecret } = platform.credentials;
  const oauth2 = { loginUrl: platform.url, clientId, clientSecret };
  const about = { oauth2, instanceUrl: platform.url, version: '62.0' };
  const connection = new jsforce.Connection(about);
  await connection.login(platform.credentials.username, platform.credentials.password);
  const replay = new StreamingExtension.Replay(channel, replayId);
  const client = connection.streaming.createClient([replay]);
  const events = [];
  try {
    await settled(client.subscribe(channel, (data) => events.push(data)));
    await body({ connection, events });
  } finally {
    await settled(client.disconnect()); // Else it comes again for ever.
  }
}

/** What faye promises resolves with itself, so it cannot be awaited. */
function settled(promise) {
  return new Promise((resolve, reject) => {
    promise.then(() => resolve(), reject);
  });
}

/** Sends Bayeux messages as they stand; the first answer to each channel by name. */
async function bayeux(platform) {
  const { body } = await loginSalesforce(platform);
  return async (messages, token = body.access_token) => {
    const response = await fetch(`${platform.url}/cometd/62.0`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(messages),
    });
    return response.json();
  };
}

const handshake = {
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['long-polling'],
};

async function subscribed(send, replayId) {
  const [{ clientId }] = await send([handshake]);
  const ext = { replay: { [channel]: replayId } };
  const [reply] = await send([
    { channel: '/meta/subscribe', clientId, subscription: channel, ext },
  ]);
  const connect = { channel: '/meta/connect', clientId, connectionType: 'long-polling' };
  return { reply, connect: () => send([connect]), clientId };
}

test('jsforce hears creations, updates and deletions with their headers', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  await streaming(platform, -1, async ({ connection, events }) => {
    const accounts = connection.sobject('Account');
    const { id } = await accounts.create({ Name: 'Acme' });
    await waitFor(() => events.length === 1);
    await platform.control('POST', 'edit', { object: 'Account', id, fields: { Phone: '1' } });
    await accounts.destroy(id);
    await waitFor(() => events.length === 3);
    const headers = events.map(({ payload }) => payload.ChangeEventHeader);
    assert.deepEqual(
      headers.map(({ changeType }) => changeType),
      ['CREATE', 'UPDATE', 'DELETE'],
    );
    assert.ok(headers.every(({ recordIds }) => recordIds[0] === id));
    assert.ok(headers[1].changedFields.includes('Phone'));
    assert.match(headers[0].changeOrigin, /^com\/salesforce\/api\/rest\/62\.0/);
    assert.equal(headers[1].changeOrigin, '');
    assert.equal(events[0].payload.Name, 'Acme');
    const ids = events.map(({ event }) => event.replayId);
    assert.ok(ids[0] < ids[1] && ids[1] < ids[2] && ids[1] - ids[0] > 1);
  });
});

test('jsforce goes on at a replay id, also over a restart', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const told = [];
  await streaming(platform, -1, async ({ connection, events }) => {
    for (const Name of ['One', 'Two']) {
      await connection.sobject('Account').create({ Name });
    }
    await waitFor(() => events.length === 2);
    told.push(...events.map(({ event }) => event.replayId));
  });
  await streaming(platform, told[0], async ({ events }) => {
    await waitFor(() => events.length === 1);
    assert.equal(events[0].payload.Name, 'Two');
  });
  await platform.stop();
  const restarted = await startPlatform(t, 'salesforce', { data: platform.directory });
  await streaming(restarted, -2, async ({ events }) => {
    await waitFor(() => events.length === 2);
    assert.deepEqual(
      events.map(({ event }) => event.replayId),
      told,
    );
  });
});

test('what a transaction does to many records alike is one event', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const send = await bayeux(platform);
  const call = await salesforceSession(platform);
  const { connect } = await subscribed(send, -1);
  const records = [{ Name: 'Same' }, { Name: 'Same' }, { Name: 'Other' }].map((fields) => ({
    attributes: { type: 'Account' },
    ...fields,
  }));
  await call('POST', '/composite/sobjects', { allOrNone: true, records });
  const messages = (await connect()).filter((message) => message.channel === channel);
  const sizes = messages.map(({ data }) => data.payload.ChangeEventHeader.recordIds.length);
  assert.deepEqual(sizes, [2, 1]);
});

test('an expired replay id, an unknown channel and an unknown client are refused', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const send = await bayeux(platform);
  await platform.control('POST', 'create', { object: 'Account', fields: { Name: 'Old' } });
  await platform.fault({ kind: 'expire_events' });
  const { reply, clientId } = await subscribed(send, 1_007);
  assert.equal(reply.successful, false);
  assert.match(reply.error, /^400::The replayId \{1007\} you provided was invalid/);
  const other = { channel: '/meta/subscribe', clientId, subscription: '/data/NopeChangeEvent' };
  assert.match((await send([other]))[0].error, /^403::/);
  await platform.fault({ kind: 'forget_clients' });
  const [unknown] = await send([{ channel: '/meta/connect', clientId }]);
  assert.deepEqual([unknown.error, unknown.advice.reconnect], ['403::Unknown client', 'handshake']);
});

test('a session that ends while a poll is held ends the poll', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const send = await bayeux(platform);
  const { connect } = await subscribed(send, -1);
  await connect();
  const held = connect();
  await platform.fault({ kind: 'expire_sessions' });
  const [reply] = await held;
  assert.deepEqual([reply.error, reply.advice.reconnect], ['401::Authentication invalid', 'none']);
  const [denied] = await send([handshake]);
  assert.equal(denied.error, '403::Handshake denied');
  assert.equal(denied.ext.sfdc.failureReason, '401::Authentication invalid');
});

test('faults: gaps, repeated, late and lost events; what was lost is there for who asks', async (t) => {
  const platform = await startPlatform(t, 'salesforce');
  const send = await bayeux(platform);
  const { connect } = await subscribed(send, -1);
  for (const kind of ['event_gap', 'event_repeated', 'event_late', 'event_overflow']) {
    await platform.fault({ kind });
    const account = { object: 'Account', fields: { Name: kind } };
    await platform.control('POST', 'create', account);
  }
  await platform.fault({ kind: 'event_lost' });
  await platform.control('POST', 'create', { object: 'Account', fields: { Name: 'lost' } });
  const events = (await connect()).filter((message) => message.channel === channel);
  const types = events.map(({ data }) => data.payload.ChangeEventHeader.changeType);
  assert.deepEqual(types, ['GAP_CREATE', 'CREATE', 'CREATE', 'GAP_OVERFLOW', 'CREATE']);
  const ids = events.map(({ data }) => data.event.replayId);
  assert.ok(ids[3] > ids[4], 'the late one comes after the one behind it');
  const { connect: again } = await subscribed(send, -2);
  const all = (await again()).filter((message) => message.channel === channel);
  assert.equal(all.length, 5);
});

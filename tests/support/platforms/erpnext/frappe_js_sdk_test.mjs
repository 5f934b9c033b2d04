// The real frappe-js-sdk client against the simulated site: what a customer's own tool does.

import assert from 'node:assert/strict';
import test from 'node:test';
import sdk from 'frappe-js-sdk';
import { startPlatform } from '../lib/spawn_platform.mjs';

function connect(platform, key = platform.credentials.token) {
  const app = new sdk.FrappeApp(platform.url, { useToken: true, type: 'token', token: () => key });
  return { db: app.db(), call: app.call(), auth: app.auth() };
}

test('a key and its secret are taken, a wrong one is not', async (t) => {
  const platform = await startPlatform(t, 'erpnext');
  const user = await connect(platform).auth.getLoggedInUser();
  assert.equal(user, 'syncline@example.com');
  const wrong = connect(platform, 'a:b').db.getDocList('Customer');
  await assert.rejects(wrong, { httpStatus: 401, exc_type: 'AuthenticationError' });
  const zone = await connect(platform).call.get('frappe.client.get_time_zone');
  assert.deepEqual(zone, { message: { time_zone: 'UTC' } });
});

test('create, get, list, update and delete of documents', async (t) => {
  const platform = await startPlatform(t, 'erpnext');
  const { db } = connect(platform);
  for (const [customer_name, credit_limit] of [['Acme', 10.5], ['bolt & co', 20], ['Zeta', 30]]) {
    const made = await db.createDoc('Customer', { customer_name, credit_limit });
    assert.deepEqual([made.name, made.credit_limit], [customer_name, credit_limit]);
  }
  assert.equal((await db.getDoc('Customer', 'bolt & co')).credit_limit, 20);
  const listed = await db.getDocList('Customer', {
    fields: ['name', 'credit_limit'],
    filters: [['credit_limit', '>', 10.5]],
    orderBy: { field: 'name', order: 'desc' },
    limit: 5,
  });
  assert.deepEqual(listed, [
    { name: 'Zeta', credit_limit: 30 },
    { name: 'bolt & co', credit_limit: 20 },
  ]);
  const either = await db.getDocList('Customer', {
    orFilters: [
      ['name', '=', 'acme'],
      ['credit_limit', '>=', 30],
    ],
    orderBy: { field: 'name', order: 'asc' },
    asDict: false,
  });
  assert.deepEqual(either, [['Acme'], ['Zeta']]);
  const changed = await db.updateDoc('Customer', 'Acme', { website: 'acme.example' });
  assert.equal(changed.website, 'acme.example');
  const stale = db.updateDoc('Customer', 'Acme', { modified: '2026-01-05 10:11:12.123456' });
  await assert.rejects(stale, { httpStatus: 417, exc_type: 'TimestampMismatchError' });
  assert.deepEqual(await db.deleteDoc('Customer', 'Acme'), { message: 'ok' });
  const gone = db.getDoc('Customer', 'Acme');
  await assert.rejects(gone, { httpStatus: 404, exc_type: 'DoesNotExistError' });
});

// Every documented behaviour of the JSON-2 API that a connector can trip over.

import assert from 'node:assert/strict';
import test from 'node:test';
import { httpCall } from '../lib/http_call.mjs';
import { odooSession } from '../lib/odoo_session.mjs';
import { startPlatform } from '../lib/spawn_platform.mjs';

async function start(t, options) {
  const platform = await startPlatform(t, 'odoo', options);
  return { platform, call: odooSession(platform) };
}

/** Creates partners by their values; their ids. */
async function partners(call, ...list) {
  const { status, body } = await call('res.partner', 'create', { vals_list: list });
  assert.equal(status, 200);
  return body;
}

test('the documented sample: conditions side by side, fields asked for and the id', async (t) => {
  const { call } = await start(t);
  const [id] = await partners(
    call,
    { name: 'Deco Addict', is_company: true },
    { name: 'Deco Person' },
    { name: 'Other', is_company: true },
  );
  const { status, headers, body } = await call('res.partner', 'search_read', {
    context: { lang: 'en_US' },
    domain: [
      ['name', 'ilike', '%deco%'],
      ['is_company', '=', true],
    ],
    fields: ['name'],
  });
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(body, [{ id, name: 'Deco Addict' }]);
});

test('errors are an object of five members, named by the Python class', async (t) => {
  const { call } = await start(t);
  const cases = [
    ['res.nobody', 'read', {}, 404, 'werkzeug.exceptions.NotFound', /'res.nobody' does not exist/],
    ['res.partner', 'fly', {}, 404, 'werkzeug.exceptions.NotFound', /res.partner.fly/],
    ['res.partner', '_read', {}, 403, 'odoo.exceptions.AccessError', /Private methods/],
    [
      'res.partner',
      'search',
      {},
      422,
      'werkzeug.exceptions.UnprocessableEntity',
      /^missing a required argument: 'domain'$/,
    ],
    [
      'res.partner',
      'search',
      { domain: [], bogus: 1 },
      422,
      'werkzeug.exceptions.UnprocessableEntity',
      /unexpected keyword argument 'bogus'/,
    ],
    [
      'res.users',
      'create',
      { ids: [1], vals_list: [] },
      422,
      'werkzeug.exceptions.UnprocessableEntity',
      /^cannot call res.users.create with ids$/,
    ],
    [
      'ir.cron',
      'search',
      { domain: [] },
      403,
      'odoo.exceptions.AccessError',
      /not allowed to access/,
    ],
    [
      'res.users',
      'write',
      { ids: [2], vals: { name: 'x' } },
      403,
      'odoo.exceptions.AccessError',
      /not allowed to modify/,
    ],
    [
      'res.partner',
      'write',
      { ids: [99], vals: { name: 'x' } },
      404,
      'odoo.exceptions.MissingError',
      /does not exist or has been deleted/,
    ],
    ['res.partner', 'read', { ids: [99] }, 404, 'odoo.exceptions.MissingError', /deleted/],
    [
      'res.partner',
      'search_read',
      { order: 'name; drop' },
      422,
      'odoo.exceptions.UserError',
      /Invalid "order"/,
    ],
  ];
  for (const [model, method, input, status, name, message] of cases) {
    const reply = await call(model, method, input);
    assert.equal(reply.status, status, `${model}.${method}`);
    assert.deepEqual(Object.keys(reply.body), ['name', 'message', 'arguments', 'context', 'debug']);
    assert.equal(reply.body.name, name);
    assert.match(reply.body.message, message);
    assert.equal(reply.body.arguments[0], reply.body.message);
  }
});

test('a name or a choice that the model does not know is a 500 of Python', async (t) => {
  const { platform, call } = await start(t);
  const domain = (condition) => ['search', { domain: [condition] }];
  const cases = [
    [
      ...domain(['bad field', '=', 'foo']),
      "Invalid field res.partner.bad field in condition ('bad field', '=', 'foo')",
    ],
    [...domain(['name', '~', 'foo']), "Invalid operator in condition ('name', '~', 'foo')"],
    [...domain(['name', '=']), "Domain() invalid item in domain: ('name', '=')"],
    [...domain('|'), 'Domain() missing arguments for operators'],
    ['search_read', { fields: ['nane'] }, "Invalid field 'nane' on 'res.partner'"],
    ['create', { vals_list: [{ nane: 'A' }] }, "Invalid field 'nane' on model 'res.partner'"],
    [
      'create',
      { vals_list: [{ name: 'A', type: 'x' }] },
      "Wrong value for res.partner.type: 'x'",
    ],
    [
      'create',
      { vals_list: [{ name: 'A', x_called_at: '2026-01-05T10:11:12Z' }] },
      "time data '2026-01-05T10:11:12' does not match format '%Y-%m-%d %H:%M:%S'",
    ],
  ];
  for (const [method, input, message] of cases) {
    const { status, body } = await call('res.partner', method, input);
    assert.deepEqual([status, body.name, body.message], [500, 'builtins.ValueError', message]);
  }
  assert.deepEqual(await platform.rows('res.partner'), []);
});

test('the key goes with each call; what is no call needs none', async (t) => {
  const { platform, call } = await start(t);
  const { url, credentials } = platform;
  const ask = (headers, method = 'POST') =>
    httpCall(`${url}/json/2/res.users/context_get`, { method, headers });
  const none = await ask({});
  assert.equal(none.status, 401);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer');
  const wanted = 'User not authenticated, use the "Authorization" header';
  assert.deepEqual([none.body.message, none.body.arguments], [wanted, [wanted, 401]]);
  const wrong = await ask({ authorization: 'Bearer x' });
  assert.deepEqual(
    [wrong.status, wrong.body.name, wrong.body.arguments],
    [401, 'werkzeug.exceptions.Unauthorized', ['Invalid apikey', 401]],
  );
  const right = await ask({ authorization: `Bearer ${credentials.api_key}` });
  assert.deepEqual([right.status, right.body.uid], [200, 2]);

  const got = await ask({ authorization: 'Bearer x' }, 'GET');
  assert.equal(got.status, 404);
  assert.match(got.body.message, /Did you mean POST/);
  assert.equal((await httpCall(`${url}/web/version`, {})).body.version, '19.0');

  await platform.fault({ kind: 'expire_sessions' });
  assert.equal((await call('res.users', 'context_get')).status, 401);
  const next = odooSession(platform, credentials.next_api_key);
  assert.equal((await next('res.users', 'context_get')).status, 200);
});

test('what is not JSON of an object is refused, before or after the key', async (t) => {
  const { call } = await start(t);
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const form = await call('res.partner', 'search', 'domain=[]', type);
  const html = 'text/html; charset=utf-8';
  assert.deepEqual([form.status, form.headers.get('content-type')], [415, html]);
  assert.match(form.text, /verify the Content-Type request header/);
  for (const [text, message] of [
    ['not json', /^could not parse the body as json: /],
    ['null', /^could not parse the body, expecting a json object$/],
    ['[]', /expecting a json object/],
  ]) {
    const { status, body } = await call('res.partner', 'search', text);
    assert.deepEqual([status, body.name], [400, 'werkzeug.exceptions.BadRequest']);
    assert.match(body.message, message);
  }
});

test('of several databases the header names one, else there is a page', async (t) => {
  const { call } = await start(t, { args: ['--database', 'acme'] });
  for (const headers of [{}, { 'x-odoo-database': 'other' }]) {
    const { status, headers: told } = await call('res.partner', 'search', { domain: [] }, headers);
    assert.deepEqual([status, told.get('content-type')], [404, 'text/html; charset=utf-8']);
  }
  const named = await call('res.partner', 'search', { domain: [] }, { 'x-odoo-database': 'acme' });
  assert.deepEqual([named.status, named.body], [200, []]);
});

test('moments are UTC without a fraction, which is kept and compared all the same', async (t) => {
  const { platform, call } = await start(t);
  const [id] = await partners(call, { name: 'A' });
  const [row] = await platform.rows('res.partner');
  assert.match(row.write_date, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  const { body } = await call('res.partner', 'read', { ids: [id], fields: ['write_date'] });
  const told = body[0].write_date;
  assert.equal(told, row.write_date.slice(0, 19));
  const next = new Date(Date.parse(`${told.replace(' ', 'T')}Z`) + 1_000);
  const until = next.toISOString().slice(0, 19).replace('T', ' ');
  const within = [
    ['write_date', '>=', told],
    ['write_date', '<', until],
  ];
  assert.deepEqual((await call('res.partner', 'search', { domain: within })).body, [id]);
  const after = [['write_date', '>', told]];
  const again = row.write_date.endsWith('.000') ? [] : [id];
  assert.deepEqual((await call('res.partner', 'search', { domain: after })).body, again);
});

test('a write moves the stamp even if nothing changes; the stamp is its own', async (t) => {
  const { platform, call } = await start(t);
  const [id] = await partners(call, { name: 'A', write_date: '2001-01-01 00:00:00', id: 99 });
  const [before] = await platform.rows('res.partner');
  assert.ok(before.write_date > '2026' && id === 1);
  await platform.control('POST', 'clock', { skew_ms: 5_000 });
  const vals = { name: 'A', write_date: '2001-01-01 00:00:00' };
  const { status, body } = await call('res.partner', 'write', { ids: [id], vals });
  assert.deepEqual([status, body], [200, true]);
  const [after] = await platform.rows('res.partner');
  assert.ok(after.write_date > before.write_date);
  const edit = { object: 'res.partner', id: String(id), fields: { city: 'Ulm' }, stamp: 'none' };
  const silent = await platform.control('POST', 'edit', edit);
  assert.deepEqual([silent.row.city, silent.row.write_date], ['Ulm', after.write_date]);
});

test('values: false for nothing, 0 of numbers, links named, floats with a point', async (t) => {
  const { call } = await start(t);
  const made = await call('res.country', 'create', { vals_list: [{ name: 'Chad', code: 'TDX' }] });
  const country = made.body[0];
  const [id] = await partners(call, {
    name: 'A',
    country_id: country,
    x_credit: '100',
    color: '7',
    vat: 'x'.repeat(40),
    x_called_at: '2026-01-05 10:11:12.9Z',
    email: null,
    street: '',
  });
  const fields = ['country_id', 'x_credit', 'color', 'vat', 'x_called_at', 'email', 'street'];
  fields.push('x_since', 'parent_id', 'partner_latitude', 'active', 'type', 'country_id');
  const { text, body } = await call('res.partner', 'read', { ids: [id], fields });
  assert.deepEqual(body[0], {
    id,
    country_id: [country, 'Chad'],
    x_credit: 100,
    color: 7,
    vat: 'x'.repeat(32),
    x_called_at: '2026-01-05 10:11:12',
    email: false,
    street: '',
    x_since: false,
    parent_id: false,
    partner_latitude: 0,
    active: true,
    type: 'contact',
  });
  assert.match(text, /"x_credit":100\.0,/);
  const bare = { ids: [id], fields: ['country_id'], load: null };
  assert.deepEqual((await call('res.partner', 'read', bare)).body, [{ id, country_id: country }]);
  const linked = { domain: [['country_id.code', '=', 'TD']] };
  assert.deepEqual((await call('res.partner', 'search', linked)).body, [id]);
});

test('constraints refuse with 422, and then nothing of the call is done', async (t) => {
  const { platform, call } = await start(t);
  const refused = async (model, list, message) => {
    const { status, body } = await call(model, 'create', { vals_list: list });
    assert.deepEqual([status, body.name], [422, 'odoo.exceptions.ValidationError']);
    assert.match(body.message, message);
    assert.deepEqual(await platform.rows(model), []);
  };
  const nameless = [{ name: 'A' }, { email: 'b@x.example' }];
  await refused('res.partner', nameless, /Contacts require a name/);
  await refused('res.country', [{ code: 'AA' }], /a mandatory field is not set/);
  const twice = [{ name: 'A', code: 'AA' }, { name: 'B', code: 'AA' }];
  await refused('res.country', twice, /The code of the country must be unique!/);
  await refused('res.partner', [{ name: 'A', parent_id: 7 }], /res.partner 7 is not present/);
  // The field for our key is no constraint: whoever asks twice gets two.
  assert.equal((await partners(call, { name: 'A', x_syncline_id: 'e' })).length, 1);
  assert.equal((await partners(call, { name: 'A', x_syncline_id: 'e' })).length, 1);
});

test('archived records hide unless asked for; computed fields cannot be searched', async (t) => {
  const { call } = await start(t);
  const [kept, archived] = await partners(call, { name: 'A', city: 'Bonn' }, { name: 'B' });
  assert.equal((await call('res.partner', 'action_archive', { ids: [archived] })).body, true);
  const search = async (domain, more = {}) =>
    (await call('res.partner', 'search', { domain, order: 'id', ...more })).body;
  assert.deepEqual(await search([]), [kept]);
  assert.deepEqual(await search([], { context: { active_test: false } }), [kept, archived]);
  assert.deepEqual(await search([['active', 'in', [true, false]]]), [kept, archived]);
  assert.deepEqual(await search([['active', '=', false]]), [archived]);
  const all = { context: { active_test: false } };
  assert.deepEqual(await search([['x_label', '=', 'A, Bonn']], all), [kept, archived]);
  const shown = await call('res.partner', 'read', { ids: [kept], fields: ['x_label'] });
  assert.deepEqual(shown.body, [{ id: kept, x_label: 'A, Bonn' }]);
});

test('domains join what stands behind them; nothing is null but false', async (t) => {
  const { call } = await start(t);
  const [a, b, c] = await partners(
    call,
    { name: 'A', color: 1, ref: '50%_x' },
    { name: 'B', color: 2 },
    { name: 'C', color: 3, ref: '' },
  );
  const cases = [
    [['|', ['name', '=', 'A'], ['color', '>=', 3]], [a, c]],
    [['!', ['name', '=', 'A']], [b, c]],
    [['|', '&', ['name', '=', 'A'], ['color', '=', 1], ['name', '=', 'C']], [a, c]],
    [[['ref', '=', false]], [b]],
    [[['ref', '!=', false]], [a, c]],
    [[['ref', 'in', ['', false]]], [b, c]],
    [[['ref', '=like', '50\\%\\__']], [a]],
    [[['ref', 'not ilike', 'X']], [b, c]],
    [[['id', '>', a], ['id', 'not in', [c]]], [b]],
  ];
  for (const [domain, wanted] of cases) {
    const { body } = await call('res.partner', 'search', { domain, order: 'id' });
    assert.deepEqual(body, wanted, JSON.stringify(domain));
  }
  const page = { domain: [], order: 'color desc, id', limit: 2, offset: 1 };
  assert.deepEqual((await call('res.partner', 'search', page)).body, [b, a]);
  const count = { domain: [['color', '<', 3]] };
  assert.equal((await call('res.partner', 'search_count', count)).body, 2);
});

test('unlink leaves nothing, and of what is gone is no error', async (t) => {
  const { platform, call } = await start(t);
  const [id] = await partners(call, { name: 'A' });
  for (let i = 0; i < 2; i += 1) {
    const { status, body } = await call('res.partner', 'unlink', { ids: [id] });
    assert.deepEqual([status, body], [200, true]);
  }
  assert.deepEqual((await call('res.partner', 'search_read')).body, []);
  assert.deepEqual(await platform.rows('res.partner'), []);
  const [next] = await partners(call, { name: 'B' });
  assert.equal(next, id + 1);
});

test('a restart keeps records, stamps, ids and the key', async (t) => {
  const { platform, call } = await start(t);
  await partners(call, { name: 'A', x_syncline_id: 'e1' });
  const [row] = await platform.rows('res.partner');
  await platform.killHard();
  const again = await startPlatform(t, 'odoo', { data: platform.directory });
  assert.deepEqual(await again.rows('res.partner'), [row]);
  const [next] = await partners(odooSession(again), { name: 'B' });
  assert.equal(next, row.id + 1);
});

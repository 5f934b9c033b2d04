// Everything that a platform, a colleague or a customer can write is shown, and none of it runs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Tab, launch } from './lib/browser.mjs';
import { proxyUnder } from './lib/proxy.mjs';
import { World } from './lib/world.mjs';

/** Each place has a sign of its own, so that a failure says which one it was. */
const hostile = (where) => `<img src=x onerror="window.ran='${where}'"><u>${where}</u>`;
const link = 'javascript:window.ran="link"';

let world;
let browser;
let tab;
let entity;
let instance;

before(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  world.crm.put({ number: hostile('key'), name: hostile('name'), phone: hostile('phone'),
    status: link, credit_limit: 1 }, hostile('record'));
  await world.wait('it is in the ERP', async () => world.erp.size === 1);
  const id = world.erp.find('number', hostile('key')).id;
  world.erp.put({ phone: hostile('proposed') }, id);
  entity = (await world.wait('the exception', async () => (await world.openExceptions())[0])).entity;
  const name = { object: 'customer', entity, kind: 'ownership.review@erp' };
  for (const [action, extra] of [['assign', { to: hostile('assignee').slice(0, 60) }],
    ['tag', { name: '<u>tag</u>' }], ['note', { text: hostile('note') }]]) {
    const answer = await world.api('adam', 'POST', `exceptions/${action}`, { ...name, ...extra });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }
  const begun = await world.api('adam', 'POST', 'process/review_limit',
    { number: hostile('instance'), amount: '1', note: hostile('shown') });
  instance = begun.body.instance;
  tab = await Tab.open(browser, world);
});
after(async () => {
  await browser?.close();
  await world?.stop();
});

/** What must be seen as text, and that nothing of it has become a part of the page. */
async function harmless(hash, texts) {
  await tab.go(hash);
  for (const text of texts) await tab.page.getByText(text, { exact: false }).first().waitFor();
  const state = await tab.page.evaluate(() => ({ ran: window.ran ?? null,
    images: document.querySelectorAll('img, script:not([src]), iframe, object').length,
    underlined: document.querySelectorAll('u').length, // Only what was written has these.
    links: [...document.querySelectorAll('a')].filter((one) =>
      one.getAttribute('href')?.trim().toLowerCase().startsWith('javascript')).length,
    handlers: [...document.querySelectorAll('*')].filter((one) =>
      [...one.attributes].some((any) => any.name.startsWith('on'))).length }));
  assert.deepEqual(state, { ran: null, images: 0, underlined: 0, links: 0, handlers: 0 }, hash);
}

describe('what others write', () => {
  const exception = () => `exceptions?sel=${encodeURIComponent(
    `customer/${entity}/ownership.review@erp`)}`;

  test('is text in exceptions', () => harmless(exception(),
    [hostile('phone'), hostile('proposed'), hostile('note'), '<u>tag</u>', '<img src=x onerror']));
  test('is text in an entity', () => harmless(`entity/customer/${entity}`,
    [hostile('name'), hostile('phone'), hostile('record'), link]));
  for (const tab_ of ['blame', 'timeline', 'log', 'past']) {
    test(`is text in an entity, ${tab_}`, () => harmless(
      `entity/customer/${entity}?tab=${tab_}`, ['onerror']));
  }
  test('is text in the list of entities', () => harmless('entity/customer', [hostile('name')]));
  test('is text in approvals', () => harmless('approvals', [hostile('shown'), hostile('instance')]));
  test('is text in a process', () => harmless(`workflows/${instance}`, [hostile('shown')]));
  test('is text in replay', () => harmless('replay', ['onerror']));
  test('is text in facts', () => harmless('value?show=changes', [hostile('record')]));
  test('is text in an address', () => harmless(
    `entity/${encodeURIComponent('<img src=x onerror=window.ran=1>')}/${
      encodeURIComponent(hostile('typed'))}`, ['There is no such thing']));
  test('is text in filters', () => harmless(
    `exceptions?kind=${encodeURIComponent(hostile('filter'))}`, ['That did not work']));

  test('is text in the reason of a policy', async () => {
    const { files } = (await world.api('adam', 'GET', 'policy/versions/1')).body;
    files['customer.toml'] += `# ${hostile('file')}\n`;
    const plan = await world.api('adam', 'POST', 'policy/plan', { files });
    const applied = await world.api('adam', 'POST', 'policy/apply',
      { files, plan: plan.body.plan, reason: hostile('why') });
    assert.equal(applied.status, 200, JSON.stringify(applied.body));
    await harmless('policy', [hostile('why')]);
    await harmless('policy?tab=files&version=2&file=customer.toml', [hostile('file')]);
    await harmless('policy?tab=diff&version=2&against=1', [hostile('file')]);
  });
});

describe('what the browser is told', () => {
  test('a strict content policy, and no frames of others', async () => {
    const answer = await fetch(world.url);
    const policy = answer.headers.get('content-security-policy');
    assert.match(policy, /default-src '(?:self|none)'/);
    assert.match(policy, /script-src 'self'(?:;|$)/);
    assert.match(policy, /style-src 'self'(?:;|$)/);
    assert.doesNotMatch(policy, /unsafe|\*|data:|https?:/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.doesNotMatch(await answer.text(), /<script>|<style|style=|onload=/);
  });

  test('no page made the browser refuse anything, or asked another origin', () => {
    assert.deepEqual(tab.wrong, []);
    assert.deepEqual(tab.foreign, []);
  });

  test('a request from elsewhere with the cookie changes nothing', async () => {
    const cookies = (await tab.context.cookies()).map((one) => `${one.name}=${one.value}`);
    assert.ok(cookies.length > 0);
    const answer = await fetch(`${world.url}v1/exceptions/accept`, { method: 'POST',
      headers: { cookie: cookies.join('; '), 'content-type': 'application/json' },
      body: JSON.stringify({ object: 'customer', entity, kind: 'ownership.review@erp' }) });
    assert.equal(answer.status, 403);
    assert.equal((await world.openExceptions()).length, 1);
  });
});

describe('behind a proxy, under a path', () => {
  test('it loads, logs in, is live, and acts', async () => {
    const proxy = await proxyUnder('/ops/syncline/', world.url);
    const there = await Tab.open(browser, world, { base: proxy.url, at: '#/exceptions' });
    await there.page.getByRole('row').nth(1).click();
    await there.page.getByText('live', { exact: true }).waitFor();
    await there.button('Reject').click();
    await there.button('Reject', there.dialog).click();
    await there.see('reject done');
    assert.deepEqual(there.wrong, []);
    assert.deepEqual(there.foreign, []);
    assert.equal(there.page.url().startsWith(proxy.url), true);
    await there.close();
    proxy.stop();
  });
});

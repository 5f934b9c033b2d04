// Ten thousand exceptions: the page comes up at once, the list scrolls, nothing is drawn that is not
// seen.
import assert from 'node:assert/strict';
import os from 'node:os';
import { after, before, test } from 'node:test';
import { Tab, launch } from './lib/browser.mjs';
import { World } from './lib/world.mjs';

const many = 10_000;
let world;
let browser;

before(async () => {
  [world, browser] = await Promise.all([World.start({ agents: false }), launch()]);
  // The ERP may not found customers: each of these is a record of nobody, and a person is asked.
  // They are there before the agent is: told later they would be too many changes at once, and held.
  for (let i = 0; i < many; ++i) {
    world.erp.put({ number: `U-${i}`, name: `Nobody ${i}`, phone: '+1', status: 'new',
      credit_limit: 1 });
  }
  await world.startAgent('erp');
  // Looked at seldom: counting all of them is work for the machine, too.
  await world.wait('ten thousand exceptions', async () => {
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
    const { by_severity: all } = (await world.ctl('status')).data.exceptions;
    return Object.values(all).reduce((sum, one) => sum + one, 0) === many;
  }, 200_000);
});
after(async () => {
  await browser?.close();
  await world?.stop();
});

/** A busy machine makes everybody wait; then only what the page itself works is judged. */
const busy = () => os.loadavg()[0] > os.availableParallelism();

/** Best of three loads: until it is there, and what the page worked for it. */
async function loaded(hash, ready) {
  const tab = await Tab.open(browser, world);
  const best = { ms: Infinity, worked: Infinity };
  for (let i = 0; i < 3; ++i) {
    await tab.page.goto('about:blank');
    const [began, before] = [performance.now(), await tab.worked()];
    await tab.page.goto(`${world.url}${hash}`, { waitUntil: 'commit' });
    await ready(tab.page).waitFor();
    best.ms = Math.min(best.ms, performance.now() - began);
    best.worked = Math.min(best.worked, (await tab.worked()) - before);
  }
  await tab.close();
  return best;
}

test('overview and exceptions load soon', async (t) => {
  const pages = { overview: await loaded('', (page) =>
    page.getByText('10\u202f000 exceptions').first()),
  exceptions: await loaded('#/exceptions', (page) => page.getByRole('row').nth(1)) };
  for (const [name, { ms, worked }] of Object.entries(pages)) {
    t.diagnostic(`${name}: ${ms.toFixed(0)} ms, ${worked.toFixed(0)} ms of them its own work`
      + `${busy() ? '; the machine is busy' : ''}`);
    assert.ok(worked < 500, `${name} worked ${worked.toFixed(0)} ms`);
    // A second is wanted; server, hub and browser share the cores here.
    assert.ok(busy() || ms < 2_000, `${name} took ${ms.toFixed(0)} ms`);
  }
});

test('ten thousand scroll smoothly to their end', async (t) => {
  const tab = await Tab.open(browser, world, { at: '#/exceptions' });
  await tab.see('10\u202f000 exceptions');
  const scroll = (by) => tab.page.evaluate((pixels) => new Promise((resolve) => {
    document.querySelector('.vbody').scrollTop += pixels;
    requestAnimationFrame(() => requestAnimationFrame(resolve));
  }), by);
  await scroll(1e9);
  const last = tab.page.locator(`[aria-rowindex="${many + 1}"] code`);
  await last.waitFor({ timeout: 60_000 }); // All of it is loaded now.
  const steps = [];
  for (let place = 0; place < 20; ++place) {
    await scroll(-15_000);
    for (let notch = 0; notch < 8; ++notch) { // As a wheel does it.
      const before = await tab.worked();
      await scroll(-120);
      steps.push((await tab.worked()) - before);
    }
  }
  steps.sort((one, other) => one - other);
  const at = (share) => steps[Math.min(steps.length - 1, Math.floor(steps.length * share))];
  t.diagnostic(`${steps.length} notches of a wheel, the page's work for each: median ${at(0.5).toFixed(1)} ms, `
    + `95 of 100 within ${at(0.95).toFixed(1)} ms, most ${at(1).toFixed(1)} ms`);
  assert.ok(at(0.5) < 16, `half of the steps took ${at(0.5).toFixed(1)} ms of work or more`);
  assert.ok(at(0.95) < 50, `one step of twenty took ${at(0.95).toFixed(1)} ms of work or more`);
  const drawn = await tab.page.locator('.vrow').count();
  assert.ok(drawn < 100, `${drawn} rows are drawn`);
  assert.deepEqual(tab.wrong, []);
  await tab.close();
});

test('a filter narrows ten thousand on the hub', async () => {
  const tab = await Tab.open(browser, world,
    { at: '#/exceptions?kind=identity.unmatched&platform=erp&severity=critical' });
  await tab.see('Nothing is like that');
  await tab.go('exceptions?platform=erp');
  await tab.see('10\u202f000 exceptions like this');
  await tab.close();
});

test('more than a person can have looked at are not settled in one go', async () => {
  const tab = await Tab.open(browser, world, { at: '#/exceptions?platform=erp' });
  await tab.see('10\u202f000 exceptions like this');
  await tab.button('Discard\u2026').click();
  await tab.dialog.getByText('these are 10000, more than 1000').waitFor();
  await tab.close();
});

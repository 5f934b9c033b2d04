// Ten thousand exceptions: the page comes up at once, the list scrolls, nothing is drawn that is not
// seen.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Tab, launch } from './lib/browser.mjs';
import { World } from './lib/world.mjs';

const many = 10_000;
let world;
let browser;

before(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  // The ERP may not found customers: each of these is a record of nobody, and a person is asked.
  for (let i = 0; i < many; ++i) world.erp.put({ number: `U-${i}`, name: `Nobody ${i}` });
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

/** Best of three: what else runs on the machine is not what is measured. */
async function loadMs(hash, ready) {
  const times = [];
  const tab = await Tab.open(browser, world);
  for (let i = 0; i < 3; ++i) {
    await tab.page.goto('about:blank');
    const before = performance.now();
    await tab.page.goto(`${world.url}${hash}`, { waitUntil: 'commit' });
    await ready(tab.page).waitFor();
    times.push(performance.now() - before);
  }
  await tab.close();
  return Math.min(...times);
}

test('overview and exceptions load in a second', async (t) => {
  const overview = await loadMs('', (page) => page.getByText('10\u202f000 exceptions').first());
  const exceptions = await loadMs('#/exceptions', (page) => page.getByRole('row').nth(1));
  t.diagnostic(`overview ${Math.round(overview)} ms, exceptions ${Math.round(exceptions)} ms`);
  assert.ok(overview < 1000, `the overview took ${Math.round(overview)} ms`);
  assert.ok(exceptions < 1000, `exceptions took ${Math.round(exceptions)} ms`);
});

test('ten thousand scroll smoothly to their end', async (t) => {
  const tab = await Tab.open(browser, world, { at: '#/exceptions' });
  await tab.see('10\u202f000 exceptions');
  // Each frame a little further; how long frames take is what a person feels.
  const frames = await tab.page.evaluate(async () => {
    const box = document.querySelector('.vbody');
    const times = [];
    let before = performance.now();
    while (box.scrollTop + box.clientHeight < box.scrollHeight - 1) {
      box.scrollTop += 1200;
      await new Promise((resolve) => { requestAnimationFrame(resolve); });
      const now = performance.now();
      times.push(now - before);
      before = now;
    }
    return times.sort((one, other) => one - other);
  });
  const at = (share) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))];
  t.diagnostic(`${frames.length} frames: median ${at(0.5).toFixed(1)} ms, `
    + `95 of 100 within ${at(0.95).toFixed(1)} ms, worst ${at(1).toFixed(1)} ms`);
  assert.ok(at(0.5) < 20, `half of the frames took ${at(0.5).toFixed(1)} ms or more`);
  assert.ok(at(0.95) < 50, `one of twenty frames took ${at(0.95).toFixed(1)} ms or more`);
  const last = tab.page.locator(`[aria-rowindex="${many + 1}"] code`);
  await last.waitFor();
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

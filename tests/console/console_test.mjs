// What operators do in the console, in a real browser against a real hub: each test is a task.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Tab, launch } from './lib/browser.mjs';
import { World, until } from './lib/world.mjs';

let world;
let browser;
let tab;

/** A customer that both platforms have. */
async function customer(number, fields = {}) {
  world.crm.put({ number, name: `Customer ${number}`, phone: '+43 1', credit_limit: 100,
    status: 'new', ...fields });
  await world.wait(`${number} in the ERP`, async () => world.erp.find('number', number));
}

/** The ERP changes what the CRM owns: a person is asked. */
async function question(number, phone) {
  await customer(number);
  world.erp.put({ phone }, world.erp.find('number', number).id);
  return world.wait(`an exception of ${number}`, async () =>
    (await world.openExceptions()).find((one) => one.proposed.phone === phone));
}

const canonical = async (number, field) =>
  (await world.ctl('entity', 'show', 'customer', number)).data.entity?.canonical[field]?.value;

before(async () => {
  [world, browser] = await Promise.all([World.start(), launch()]);
  tab = await Tab.open(browser, world);
});
after(async () => {
  await browser?.close();
  await world?.stop();
});

describe('coming in', () => {
  test('a wrong token is told to be wrong, and what it shows is nothing', async () => {
    const stranger = await Tab.open(browser, world, { login: false });
    await stranger.page.getByLabel('Token').fill('not-a-token');
    await stranger.button('Log in').click();
    await stranger.see('opens nothing');
    assert.equal(await stranger.page.getByRole('navigation').count(), 0);
    await stranger.close();
  });

  test('logging out ends the session, also for the cookie', async () => {
    const vera = await Tab.open(browser, world, { who: 'vera' });
    const cookies = await vera.context.cookies();
    await vera.button('Log out').click();
    await vera.page.getByLabel('Token').waitFor();
    const answer = await fetch(`${world.url}v1/status`,
      { headers: { cookie: cookies.map((one) => `${one.name}=${one.value}`).join('; ') } });
    assert.equal(answer.status, 401);
    await vera.close();
  });

  test('who may only look is offered nothing to do', async () => {
    await question('V-1', '+1 viewer');
    const vera = await Tab.open(browser, world, { who: 'vera', at: '#/exceptions' });
    await vera.page.getByRole('row').nth(1).click();
    await vera.see('answering needs the role operator');
    assert.equal(await vera.button('Accept').count(), 0);
    assert.equal(await vera.page.getByRole('group', { name: 'Several at once' }).count(), 0);
    await vera.close();
  });

  test('what a role may not see is said to be so', async () => {
    const olga = await Tab.open(browser, world, { who: 'olga', at: '#/approvals' });
    await olga.see('You may not see this');
    await olga.close();
  });
});

describe('overview', () => {
  test('it says that a person is asked, while the page stays open, and leads there', async () => {
    await tab.go('overview');
    await tab.page.getByRole('heading', { level: 1, name: 'A person is asked' }).waitFor();
    await question('O-1', '+1 live');
    const list = tab.page.getByRole('list', { name: 'What to do' });
    await list.getByText('2 exceptions ownership.review').waitFor();
    await list.getByRole('link', { name: 'Decide' }).click();
    assert.match(tab.hash, /^#\/exceptions\?kind=ownership\.review/);
  });

  test('platforms stand around the hub with how they are', async () => {
    await tab.go('overview');
    const picture = tab.page.getByRole('group', { name: '2 platforms around 1 hub' });
    await picture.getByText('crm', { exact: true }).waitFor();
    await picture.getByText('4 of 4 partitions').waitFor();
  });
});

describe('exceptions', () => {
  test('accepting makes the value of the platform canonical', async () => {
    await question('E-1', '+1 accepted');
    await tab.go('exceptions?kind=ownership.review');
    await tab.page.getByRole('row').filter({ hasText: '+1 accepted' }).click();
    const detail = tab.page.getByRole('complementary', { name: 'The exception' });
    const cells = detail.getByRole('region', { name: 'Values side by side' }).getByRole('cell');
    await cells.nth(3).waitFor(); // What the others hold is asked for separately.
    assert.deepEqual(await cells.allInnerTexts(), ['phone', '+1 accepted', '+43 1', '+43 1']);
    await tab.button('Accept', detail).click();
    await tab.dialog.getByText("What it comes to: the platform's value becomes canonical")
      .waitFor();
    await tab.dialog.getByLabel('Reason').fill('agreed by phone');
    await tab.button('Accept', tab.dialog).click();
    await tab.see('ownership.review@erp: accept done');
    assert.equal(await canonical('E-1', 'phone'), '+1 accepted');
    const log = (await world.ctl('log', 'customer', 'E-1')).data.entries;
    assert.match(JSON.stringify(log), /adam/, 'who did it stands in the log');
  });

  test('several by a filter: the dry run is shown first, and does nothing', async () => {
    for (const n of [1, 2, 3]) await question(`B-${n}`, `+1 bulk ${n}`);
    await tab.go('exceptions?kind=ownership.review&platform=erp');
    const all = (await world.openExceptions()).length;
    await tab.button('Reject\u2026').click();
    await tab.dialog.getByText(`nothing was done yet. ${all} exceptions would change`).waitFor();
    assert.equal((await world.openExceptions()).length, all, 'nothing was done');
    await tab.dialog.getByText('the platform is told the canonical value').first().waitFor();
    await tab.dialog.getByLabel('Reason').fill('the CRM is right');
    await tab.button(`Reject ${all}`, tab.dialog).click();
    await tab.see('Nothing is like that');
    await world.wait('the ERP has the old value', async () =>
      world.erp.find('number', 'B-3').phone === '+43 1');
  });

  test('those that are marked alone are discarded, with a reason', async () => {
    for (const n of [1, 2, 3]) await question(`M-${n}`, `+1 mark ${n}`);
    await tab.go('exceptions');
    for (const n of [1, 3]) {
      await tab.page.getByRole('row').filter({ hasText: `+1 mark ${n}` })
        .getByRole('checkbox').check();
    }
    await tab.see('2 marked');
    await tab.button('Discard\u2026').click();
    assert.equal(await tab.button('Discard 2', tab.dialog).isDisabled(), true, 'needs a reason');
    await tab.dialog.getByLabel('Reason').fill('test data');
    await tab.button('Discard 2', tab.dialog).click();
    await tab.see('2 exceptions: discard done');
    const open = (await world.openExceptions()).map((one) => one.proposed.phone);
    assert.deepEqual(open, ['+1 mark 2']);
  });

  test('a value of my own', async () => {
    await tab.go('exceptions');
    await tab.page.getByRole('row').filter({ hasText: '+1 mark 2' }).click();
    await tab.button('Edit').click();
    await tab.dialog.getByLabel('phone').fill('+49 mine');
    await tab.button('Edit', tab.dialog).click();
    await tab.see('edit done');
    await world.wait('both platforms have it', async () =>
      world.erp.find('number', 'M-2').phone === '+49 mine' &&
      world.crm.find('number', 'M-2').phone === '+49 mine');
  });

  test('who sees to it, a tag, a note', async () => {
    await question('C-1', '+1 care');
    await tab.go('exceptions');
    await tab.page.getByRole('row').filter({ hasText: '+1 care' }).click();
    await tab.button('I do').click();
    await tab.see('Seen to by adam');
    await tab.page.getByLabel('Add a tag').fill('vip');
    await tab.page.keyboard.press('Enter');
    await tab.page.getByRole('button', { name: 'Take the tag vip off' }).waitFor();
    await tab.page.getByLabel('Write a note').fill('called them');
    await tab.button('Keep').click();
    await tab.see('called them');
    await tab.go('exceptions?tag=vip&assignee=adam');
    await tab.see('1 exception like this');
    await tab.go('exceptions?tag=nobody-has-this');
    await tab.see('Nothing is like that');
  });

  test('a link leads to one exception, open', async () => {
    const one = (await world.openExceptions())[0];
    const name = `customer/${one.entity}/ownership.review@erp`;
    const other = await Tab.open(browser, world,
      { at: `#/exceptions?sel=${encodeURIComponent(name)}` });
    await other.page.getByRole('heading', { name: 'ownership.review@erp' }).waitFor();
    await other.close();
  });

  test('the keyboard alone', async () => {
    await question('K-1', '+1 keys');
    await tab.go('overview');
    await tab.page.locator('#main').focus();
    await tab.page.keyboard.press('g');
    await tab.page.keyboard.press('x');
    await tab.page.getByRole('row').filter({ hasText: '+1 keys' }).waitFor();
    const rows = await tab.page.getByRole('row').allInnerTexts();
    const at = rows.findIndex((text) => text.includes('+1 keys'));
    for (let i = 0; i < at; ++i) await tab.page.keyboard.press('j');
    await tab.page.keyboard.press('Enter');
    await tab.page.getByRole('heading', { name: 'ownership.review@erp' }).waitFor();
    await tab.page.keyboard.press('r');
    await tab.dialog.waitFor();
    await tab.page.keyboard.press('Escape');
    await tab.gone(tab.page.locator('dialog'));
    await tab.page.keyboard.press('r');
    await tab.button('Reject', tab.dialog).focus();
    await tab.page.keyboard.press('Enter');
    await tab.see('reject done');
    await tab.gone(tab.page.locator('dialog')); // Until then keys are its own.
    await tab.page.keyboard.press('?');
    await tab.dialog.getByText('this list').waitFor();
    await tab.page.keyboard.press('Escape');
  });
});

describe('policy', () => {
  test('from a decision to a rule: drafted, planned, applied', async () => {
    await question('R-1', '+1 rule');
    await tab.go('exceptions');
    await tab.page.getByRole('row').filter({ hasText: '+1 rule' }).click();
    await tab.button('Make it a rule\u2026').click();
    await tab.dialog.getByText('otherwise = "accept"').waitFor();
    await tab.button('Take it to the policy', tab.dialog).click();
    await tab.button('Diff (1)').waitFor();
    await tab.button('Check').click();
    await tab.see('No errors, no warnings.');
    await tab.button('Plan').click();
    await tab.see('Plan: what it would have done');
    await tab.button('Apply\u2026').click();
    assert.equal(await tab.button('Apply', tab.dialog).isDisabled(), true, 'needs a reason');
    await tab.dialog.getByLabel('Reason').fill('sales asked');
    await tab.button('Apply', tab.dialog).click();
    await tab.see('version 2 is in force');
    const { versions } = (await world.ctl('policy', 'history')).data;
    assert.equal(versions[0].standing, 'in force');
    assert.equal(versions[0].reason, 'sales asked');
    await world.wait('the exception is decided by the rule', async () =>
      (await canonical('R-1', 'phone')) === '+1 rule');
  });

  test('a draft with a mistake is told so, with its place', async () => {
    await tab.go('policy?tab=change&file=customer.toml');
    const editor = tab.page.getByLabel('customer.toml', { exact: true });
    const text = await editor.inputValue();
    await editor.fill(text.replace('owner     = "crm"', 'owner     = "crn"'));
    await tab.button('Check').click();
    await tab.page.getByRole('list', { name: 'Findings' }).getByText(/customer\.toml:\d+/).first()
      .waitFor();
    await tab.button('Discard the draft').click();
    assert.equal(await editor.inputValue(), text);
  });

  test('what two versions differ in, and going back', async () => {
    await tab.go('policy');
    await tab.page.getByRole('link', { name: 'diff', exact: true }).first().click();
    await tab.page.getByRole('region', { name: 'Differences in customer.toml' })
      .getByText('otherwise = "accept"').waitFor();
    await tab.go('policy');
    await tab.button('Go back to it').first().click();
    await tab.dialog.getByLabel('Reason').fill('Monday');
    await tab.button('Go back', tab.dialog).click();
    await tab.see('are the next version');
    await tab.page.getByRole('row').filter({ hasText: 'Monday' }).getByText('in force').waitFor();
  });
});

describe('processes', () => {
  let instance;

  test('an approval is answered, and the process goes on', async () => {
    const begun = await world.api('adam', 'POST', 'process/review_limit',
      { number: 'P-1', amount: '5000', note: 'please' });
    instance = begun.body.instance;
    const lea = await Tab.open(browser, world, { who: 'lea', at: '#/approvals' });
    const row = lea.page.getByRole('row').filter({ hasText: 'P-1' });
    await row.getByText('5000').waitFor();
    await lea.button('Approve', row).click();
    await lea.dialog.getByLabel('Comment').fill('as agreed');
    await lea.button('Approve', lea.dialog).click();
    await lea.see('Nothing waits for an approval');
    await lea.close();
    await world.wait('it waits further on', async () => {
      const shown = (await world.ctl('workflows', 'show', instance)).data.instance;
      return shown.steps.some((step) => step.step === 'rest');
    });
  });

  test('the graph shows where it stands and what is behind it', async () => {
    await tab.go(`workflows/${instance}`);
    const graph = tab.page.getByRole('group', { name: 'Steps of review_limit' });
    const step = (name) => graph.getByRole('listitem').filter({ has:
      tab.page.locator('.step-name', { hasText: new RegExp(`^${name}$`) }) }).last();
    await step('rest').getByText('here').waitFor();
    await step('approval').getByText('done').waitFor();
    await tab.go('workflows?workflow=review_limit');
    await tab.page.getByText('1 instance of review_limit running').waitFor();
  });

  test('cancelling says first what it does', async () => {
    await tab.go(`workflows/${instance}`);
    await tab.button('Cancel').click();
    await tab.dialog.getByText('That cannot be taken back').waitFor();
    await tab.dialog.getByLabel('Reason').fill('not needed');
    await tab.dialog.locator('button[type=submit]').click();
    await world.wait('it has ended', async () => (await world.ctl('workflows', 'show', instance))
      .data.instance.status === 'compensated');
    await tab.page.getByText('compensated', { exact: true }).first().waitFor();
  });
});

describe('an entity', () => {
  before(async () => {
    await customer('T-1', { name: 'First' });
    world.crm.put({ name: 'Second' }, world.crm.find('number', 'T-1').id);
    await world.wait('the second name', async () => (await canonical('T-1', 'name')) === 'Second');
  });

  test('is found by its key from everywhere', async () => {
    await tab.go('overview');
    await tab.page.keyboard.press('/');
    await tab.page.keyboard.type('customer T-1');
    await tab.page.keyboard.press('Enter');
    await tab.page.getByRole('region', { name: 'Fields' }).getByText('Second').first().waitFor();
    assert.equal(tab.hash, '#/entity/customer/T-1');
  });

  test('blame tells which rule and what was before', async () => {
    await tab.go('entity/customer/T-1?tab=blame');
    const row = tab.page.getByRole('row').filter({ hasText: 'Second' });
    await row.getByText('First').waitFor();
    await row.getByText(/customer\.toml:\d+/).waitFor();
  });

  test('the timeline has changes, decisions and commands', async () => {
    await tab.go('entity/customer/T-1?tab=timeline');
    for (const kind of ['change', 'decision', 'command', 'outcome']) {
      await tab.page.getByText(kind, { exact: true }).first().waitFor();
    }
  });

  test('time travel by the slider, and its moment stands in the address', async () => {
    await tab.go('entity/customer/T-1?tab=past');
    const row = tab.page.getByRole('row').filter({ hasText: 'name' });
    await row.getByText('Second').first().waitFor();
    await tab.page.getByRole('slider', { name: 'Version' }).focus();
    await tab.page.keyboard.press('Home');
    await row.getByText('First').waitFor();
    await tab.page.waitForURL(/at=20/);
    await tab.page.reload();
    await row.getByText('First').waitFor();
  });

  test('time travel begins at the newest, also where the clock of the browser is late', async () => {
    const late = await Tab.open(browser, world);
    await late.page.clock.setSystemTime(Date.now() - 86_400_000);
    await late.go('entity/customer/T-1?tab=past');
    await late.see(/^version (\d+) of \1$/);
    await late.close();
  });

  test('one that is not known is told to be so', async () => {
    await tab.go('entity/customer/nobody');
    await tab.see('There is no such thing');
    await tab.see('no customer is known by');
  });

  test('all of an object, a page at a time', async () => {
    await tab.go('entity/customer');
    await tab.page.getByRole('row').filter({ hasText: 'T-1' }).click();
    await tab.page.getByRole('heading', { level: 1, name: /^customer/ }).waitFor();
  });
});

describe('running it', () => {
  test('a reconciliation that only reports proves both sides equal', async () => {
    await tab.go('reconciliation');
    await tab.button('Compare now\u2026').click();
    await tab.dialog.getByText('spends its quota').waitFor();
    await tab.dialog.getByText('Report only').click();
    await tab.button('Compare', tab.dialog).click();
    await tab.see(/^asked .* to read everything$/);
    await world.wait('a result', async () =>
      (await world.ctl('reconcile', 'list')).data.reconciliations.length === 2);
    await tab.page.reload();
    await tab.page.getByRole('row').filter({ hasText: 'customer' }).first().click();
    await tab.see('customer on');
  });

  test('a replay shows what would come of it and publishes nothing', async () => {
    const before = (await world.ctl('status')).data.streams
      .find((one) => one.stream === 'SYNC_IN').last_sequence;
    await tab.go('replay?from=1h&platform=crm');
    await tab.page.getByLabel('as if the newest change').check();
    await tab.button('Dry run').click();
    await tab.see('What would come of it');
    await tab.page.getByRole('region', { name: 'By platform and object' }).getByText('customer')
      .waitFor();
    const after = (await world.ctl('status')).data.streams
      .find((one) => one.stream === 'SYNC_IN').last_sequence;
    assert.equal(after, before);
  });

  test('a backfill that only counts', async () => {
    await tab.go('replay');
    const row = tab.page.getByRole('region', { name: 'Loads' }).getByRole('row')
      .filter({ hasText: 'crm' });
    await row.getByRole('button', { name: 'Count' }).click();
    await tab.button('Read', tab.dialog).click();
    await tab.see('the agent of crm is asked');
    await row.getByText('0 never told').waitFor({ timeout: 30_000 });
  });

  test('an agent says how it is', async () => {
    await tab.go('agents');
    await tab.page.getByRole('link', { name: 'erp', exact: true }).click();
    await tab.see('commands applied');
    // A build of the hub alone runs beside agents of before; then that is what must be said.
    const { hubs, agents } = (await world.ctl('status')).data;
    const versions = new Set([...hubs, ...agents].map((one) => one.version));
    await tab.see(versions.size === 1 ? 'No drift' : 'They run different versions');
    await tab.go('agents?tab=hubs');
    await tab.page.getByRole('region', { name: 'Checks' }).getByText('doctor.nats').waitFor();
  });

  test('every number of value lists its entries; costs are kept', async () => {
    await customer('W-1');
    world.erp.put({ name: 'not theirs to say' }, world.erp.find('number', 'W-1').id);
    await world.wait('it is put back', async () =>
      world.erp.find('number', 'W-1').name === 'Customer W-1');
    await tab.go('value');
    const row = tab.page.getByRole('row').filter({ hasText: 'values that were reverted' });
    const total = tab.page.locator('.total');
    const before = await total.innerText();
    await row.getByRole('spinbutton').fill('100');
    await world.wait('another total', async () => (await total.innerText()) !== before);
    const now = await total.innerText();
    await row.getByRole('link', { name: 'blocked' }).click();
    const entries = tab.page.getByRole('region', { name: 'Entries of blocked' });
    await entries.getByText('SYNC_LOG').first().waitFor();
    const counted = (await world.ctl('facts')).data.facts.blocked;
    assert.equal(await entries.getByRole('row').count() - 1, Math.min(50, counted));
    await tab.page.reload();
    await total.getByText(now).waitFor();
  });
});

describe('looks', () => {
  const looks = ['overview', 'exceptions', 'approvals', 'entity', 'entity/customer',
    'entity/customer/T-1', 'entity/customer/T-1?tab=past', 'entity/customer/T-1?tab=timeline',
    'workflows', 'policy', 'policy?tab=files', 'policy?tab=change', 'reconciliation', 'replay',
    'agents', 'agents/erp', 'agents?tab=hubs', 'value', 'nowhere'];
  for (const scheme of ['light', 'dark']) {
    test(`every page holds WCAG AA, ${scheme}`, async () => {
      await question(`L-${scheme}`, `+1 ${scheme}`);
      await world.api('adam', 'POST', 'process/review_limit',
        { number: `L-${scheme}`, amount: '70', note: 'look' });
      const one = (await world.openExceptions()).find((any) =>
        any.proposed.phone === `+1 ${scheme}`);
      const detail = `exceptions?sel=customer/${one.entity}/ownership.review@erp`;
      const look = await Tab.open(browser, world, { scheme });
      const wrong = [];
      // What the themes differ in is colour; names, roles and order are those of the page.
      const rules = scheme === 'dark' ? ['color-contrast'] : undefined;
      for (const hash of [...looks, detail]) {
        await look.go(hash);
        await look.settled();
        wrong.push(...(await look.axe(rules)).map((text) => `${hash}: ${text}`));
        await look.shot(`${scheme}-${hash.split('?sel')[0].replace(/\W+/g, '-')}${
          hash === detail ? '-detail' : ''}`);
      }
      await look.button('Accept').click();
      wrong.push(...(await look.axe(rules)).map((text) => `dialog: ${text}`));
      await look.shot(`${scheme}-dialog`);
      assert.deepEqual([...wrong, ...look.wrong], []);
      await look.close();
    });
  }

  test('a planted fault is found, so that what finds none is believed', async () => {
    const look = await Tab.open(browser, world);
    await look.page.evaluate(() => {
      const text = document.createElement('p');
      text.textContent = 'hardly to be read';
      text.style.color = '#ccc';
      const button = document.createElement('button');
      document.querySelector('main').append(text, button);
    });
    const found = (await look.axe()).join('\n');
    assert.match(found, /color-contrast/);
    assert.match(found, /button-name/);
    await look.page.evaluate(() => fetch('https://elsewhere.example/').catch(() => 0));
    assert.match(look.wrong.join(), /Content Security Policy/);
    await look.page.goto('http://127.0.0.1:1/').catch(() => 0); // Nobody listens there.
    assert.deepEqual(look.foreign, ['http://127.0.0.1:1/']);
    await look.close();
  });

  test('a narrow window keeps everything reachable', async () => {
    const narrow = await Tab.open(browser, world, { width: 420, height: 800 });
    for (const hash of ['overview', 'exceptions', 'agents', 'policy']) {
      await narrow.go(hash);
      await narrow.page.getByRole('heading', { level: 1 }).first().waitFor();
      const beyond = await narrow.page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(beyond <= 0, `${hash} is ${beyond} px wider than the window`);
      await narrow.shot(`narrow-${hash}`);
    }
    await narrow.close();
  });
});

describe('out of touch', () => {
  test('what is seen stays and is said to be old; the page comes back by itself', async () => {
    await tab.go('exceptions');
    await tab.page.getByRole('row').nth(1).waitFor();
    await world.hub.stop();
    await tab.see('Out of touch with the hub');
    assert.ok(await tab.page.getByRole('row').count() > 1, 'the rows are still there');
    await tab.shot('light-out-of-touch');
    await world.startHub();
    // Sessions live in the hub's memory: it asks who is there.
    await tab.page.getByLabel('Token').waitFor({ timeout: 30_000 });
    await tab.logIn('adam');
    await tab.page.getByText('live', { exact: true }).waitFor();
    await until(async () => (await tab.page.getByRole('row').count()) > 1);
  });

  test('nothing went wrong in the browser all the while, and nothing was asked elsewhere', () => {
    assert.deepEqual(tab.wrong, []);
    assert.deepEqual(tab.foreign, []);
  });
});

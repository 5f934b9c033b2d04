// People sign in at an OpenID provider, in a real browser: the hub stands behind a proxy under a
// path, and the provider is another site.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../configs/demo/lib/processes.mjs';
import { Tab, launch } from './lib/browser.mjs';
import { Login } from './lib/provider.mjs';
import { proxyUnder } from './lib/proxy.mjs';
import { World } from './lib/world.mjs';

let login;
let proxy;
let world;
let browser;

before(async () => {
  login = await Login.start();
  const port = await freePort();
  proxy = await proxyUnder('/ops/syncline/', `http://127.0.0.1:${port}/`);
  login.serve(proxy.url);
  [world, browser] = await Promise.all([World.start({ agents: false, port, settings: (one) => {
    const secret = path.join(one.folder, 'oidc-secret');
    writeFileSync(secret, login.secret);
    return `[api.oidc]\nissuer = "${login.issuer}"\nname = "the Example account"\n`
      + `client_id = "syncline"\nclient_secret = { file = "${secret}" }\nbase = "${proxy.url}"\n`
      + '[[api.oidc.grants]]\ngroups = ["syncline-ops"]\nroles = ["operator"]\n'
      + '[[api.oidc.grants]]\ngroups = ["syncline-look"]\nroles = ["viewer"]\n'
      + 'objects = ["invoice"]\n';
  } }), launch()]);
});
after(async () => {
  await browser?.close();
  await world?.stop();
  proxy?.stop();
  await login?.stop();
});

const open = (at = '') => Tab.open(browser, world, { base: proxy.url, login: false, at });

/** Up to where the provider has led the browser back. */
async function signIn(tab, who) {
  await tab.page.getByRole('link', { name: 'Sign in with the Example account' }).click();
  await tab.page.getByPlaceholder('Enter any login').fill(who);
  await tab.page.getByPlaceholder('and password').fill('any');
  await tab.page.getByRole('button', { name: 'Sign-in' }).click();
  await tab.page.getByRole('button', { name: 'Continue' }).click();
  await tab.page.waitForURL((url) => url.href.startsWith(proxy.url));
}

const session = (tab) => tab.page.evaluate(async () => (await fetch('v1/session')).json());
const cookiesOf = async (tab) => (await tab.context.cookies(proxy.url))
  .map((one) => `${one.name}=${one.value}`).join('; ');

describe('signing in', () => {
  test('leads to the provider and back to where one was', async () => {
    const tab = await open('#/exceptions?kind=x.y');
    await tab.page.getByRole('link', { name: /Sign in/ }).waitFor();
    await tab.shot('sign-in');
    assert.deepEqual(await tab.axe(), []);
    await signIn(tab, 'ada');
    await tab.page.getByRole('navigation', { name: 'Pages' }).waitFor();
    assert.equal(tab.page.url(), `${proxy.url}#/exceptions?kind=x.y`);
    const ada = await session(tab);
    assert.equal(ada.name, 'ada');
    assert.deepEqual(ada.roles, ['viewer', 'operator']);
    const cookies = await tab.context.cookies(proxy.url);
    assert.deepEqual(cookies.map((one) => [one.name, one.httpOnly, one.sameSite]),
      [['syncline_session', true, 'Strict']], 'that of the sign-in is gone');
    assert.deepEqual(tab.wrong, []);
    await tab.close();
  });

  test('what one may is said by the groups', async () => {
    const tab = await open();
    await signIn(tab, 'vic');
    const vic = await session(tab);
    assert.deepEqual([vic.roles, vic.objects, vic.masked], [['viewer'], ['invoice'], true]);
    const denied = (at, more) => fetch(`${proxy.url}v1/${at}`,
      { ...more, headers: { cookie: tab.cookies, 'x-csrf-token': vic.csrf,
        'content-type': 'application/json' } });
    tab.cookies = await cookiesOf(tab);
    assert.equal((await denied('entities/customer')).status, 403);
    assert.equal((await denied('entities/invoice')).status, 404, 'there is none, but one may look');
    const act = await denied('exceptions/retry', { method: 'POST', body: '{"kind":"x.y"}' });
    assert.match((await act.json()).detail, /vic has not the role operator/);
    await tab.close();
  });

  test('who is in no group that counts is told so, and is nobody', async () => {
    const tab = await open();
    await signIn(tab, 'eve');
    await tab.see('eve is in no group that may do anything here');
    await tab.shot('sign-in-refused');
    assert.equal(await cookiesOf(tab), '');
    await tab.page.getByRole('link', { name: 'Back to the console' }).click();
    await tab.page.getByLabel('Token').waitFor();
    assert.deepEqual(tab.wrong, []);
    await tab.close();
  });

  test('who declines at the provider is told so', async () => {
    const tab = await open();
    await tab.page.getByRole('link', { name: /Sign in/ }).click();
    await tab.page.getByRole('link', { name: 'Cancel' }).click();
    await tab.see('the provider says access_denied');
    await tab.close();
  });

  test('an answer counts once, and in the browser that has asked', async () => {
    const tab = await open();
    let callback = '';
    let cookie = '';
    tab.page.on('request', async (request) => {
      if (!request.url().includes('/v1/oidc/callback')) return;
      callback = request.url();
      cookie = (await request.allHeaders()).cookie ?? '';
    });
    await signIn(tab, 'ada');
    await tab.page.getByRole('navigation', { name: 'Pages' }).waitFor();
    assert.match(cookie, /syncline_sign_in=/);
    const again = async (headers) => {
      const answer = await fetch(callback, { redirect: 'manual', headers });
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      return [answer.status, (await answer.json()).detail];
    };
    assert.deepEqual(await again({ cookie }), [403, 'this answer was used before; begin again']);
    assert.deepEqual(await again({}),
      [403, 'this browser has begun no sign-in here; begin again']);
    await tab.close();
  });

  test('the token still opens, and the API is nobody\'s without either', async () => {
    const tab = await open();
    await tab.logIn('vera');
    assert.equal((await session(tab)).name, 'vera');
    await tab.close();
    assert.equal((await fetch(`${proxy.url}v1/status`)).status, 401);
  });
});

describe('the provider', () => {
  test('signs with another key, and nobody notices', async () => {
    login.rotate();
    const before_ = login.asked.filter((one) => one === '/jwks').length;
    const tab = await open();
    await signIn(tab, 'ada');
    await tab.page.getByRole('navigation', { name: 'Pages' }).waitFor();
    assert.equal((await session(tab)).name, 'ada');
    assert.equal(login.asked.filter((one) => one === '/jwks').length, before_ + 1);
    await tab.close();
  });

  test('is left by the logout, too', async () => {
    const tab = await open();
    await signIn(tab, 'ada');
    await tab.page.getByRole('navigation', { name: 'Pages' }).waitFor();
    const cookie = await cookiesOf(tab);
    await tab.button('Log out').click();
    await tab.page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await tab.page.getByLabel('Token').waitFor();
    assert.equal(tab.page.url(), proxy.url);
    assert.equal((await fetch(`${proxy.url}v1/session`, { headers: { cookie } })).status, 401);
    await signIn(tab, 'vic'); // It asks again who it is.
    assert.equal((await session(tab)).name, 'vic');
    await tab.close();
  });

  test('that says nothing keeps nobody else waiting', async () => {
    const tab = await open();
    tab.page.setDefaultTimeout(30_000); // A click waits for the page that it leads to.
    login.silentAt = '/token';
    const from = Date.now();
    let over = false;
    const slow = signIn(tab, 'ada').then(() => tab.see('the provider does not answer'))
      .finally(() => {
        over = true;
        delete login.silentAt;
      });
    let looks = 0;
    let longest = 0;
    while (!over) {
      const at = Date.now();
      for (const path_ of ['session', 'exceptions?limit=1']) {
        assert.equal((await world.api('adam', 'GET', path_)).status, 200);
      }
      longest = Math.max(longest, Date.now() - at);
      ++looks;
      await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
    await slow;
    const took = Date.now() - from;
    assert.ok(took > 9_000 && took < 25_000, `it is given ten seconds, not ${took} ms`);
    assert.ok(looks > 10 && longest < 2_000, `${looks} looks meanwhile, the longest ${longest} ms`);
    await tab.close();
  });

  test('that says nonsense is told to, and is taken again once it is well', async () => {
    login.garbage = '<html>under maintenance</html>';
    await world.hub.stop();
    await world.startHub(); // It knows nothing of the provider yet.
    const tab = await open('#/entity');
    await tab.page.getByRole('link', { name: /Sign in/ }).click();
    await tab.see('answers no JSON object');
    await tab.page.getByRole('link', { name: 'Back to the console' }).click();
    await tab.page.getByLabel('Token').waitFor();
    const problem = await fetch(`${proxy.url}v1/oidc/login`, { redirect: 'manual' });
    assert.equal(problem.status, 502);
    assert.equal((await problem.json()).kind, 'corrupt');
    assert.equal((await world.api('adam', 'GET', 'session')).status, 200);
    delete login.garbage;
    await signIn(tab, 'ada');
    await tab.page.getByRole('navigation', { name: 'Pages' }).waitFor();
    await tab.close();
  });
});

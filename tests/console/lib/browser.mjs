// A real Chromium. What it must never see is watched on every page: errors of the page, anything
// that the content policy refused, a request to another origin.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { shotFolder } from './world.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

export async function launch() {
  const program = candidates.find((one) => one && existsSync(one));
  if (!program) throw new Error('there is no chromium; tests/support/install brings it');
  // As root there is no sandbox of its own; the pages are ours, and nothing else is opened.
  return chromium.launch({ executablePath: program, args: process.getuid() === 0
    ? ['--no-sandbox'] : [] });
}

/** One person's browser, with what went wrong in it. */
export class Tab {
  static async open(browser, world, { who = 'adam', scheme = 'light', width = 1440, height = 900,
    base = world.url, at = '', login = true } = {}) {
    const tab = new Tab();
    tab.world = world;
    tab.base = base;
    tab.wrong = [];
    tab.foreign = [];
    tab.context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme,
      timezoneId: 'Europe/Vienna', reducedMotion: 'reduce' });
    const page = await tab.context.newPage();
    tab.page = page;
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => tab.wrong.push(`error: ${error.message}`));
    page.on('console', (message) => {
      const text = message.text();
      // A refused request is told by the browser, too; tests that cause one look at the page.
      if (message.type() === 'error' && !/Failed to load resource/.test(text)) tab.wrong.push(text);
    });
    page.on('dialog', (dialog) => {
      tab.wrong.push(`a script opened a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(new URL('/', base).href) && !url.startsWith('data:')) tab.foreign.push(url);
    });
    await page.goto(base + at);
    if (login) await tab.logIn(who);
    return tab;
  }

  async logIn(who) {
    await this.page.getByLabel('Token').fill(this.world.tokens[who]);
    await this.page.getByRole('button', { name: 'Log in' }).click();
    await this.page.getByRole('navigation', { name: 'Pages' }).waitFor();
  }

  async go(hash) {
    await this.page.evaluate((to) => { location.hash = to; }, `#/${hash}`);
  }

  /** Nothing is being loaded, and was not a moment ago either. */
  async settled() {
    await this.page.waitForFunction(() => {
      const loading = document.querySelector('main .loading') !== null
        || document.querySelector('main')?.childElementCount === 0;
      window.settledFor = loading ? 0 : (window.settledFor ?? 0) + 1;
      if (window.settledFor < 4) return false;
      window.settledFor = 0;
      return true;
    }, null, { polling: 50 });
  }

  get hash() { return new URL(this.page.url()).hash; }
  see(text) { return this.page.getByText(text).first().waitFor(); }
  async gone(locator) { await locator.waitFor({ state: 'detached' }); }
  button(name, within = this.page) { return within.getByRole('button', { name, exact: true }); }
  get dialog() { return this.page.getByRole('dialog'); }

  /** What axe finds against WCAG 2.1 A and AA, as one line each. */
  async axe(rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']) {
    // By the debugger, not as a script of the page, which the content policy would refuse.
    const session = await this.context.newCDPSession(this.page);
    const run = async (expression) => {
      const { result, exceptionDetails } = await session.send('Runtime.evaluate',
        { expression, awaitPromise: true, returnByValue: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? 'axe failed');
      return result.value;
    };
    if (!await run('typeof axe === "object"')) await run(`${axeSource};0`);
    const found = await run(`axe.run(document, { resultTypes: ['violations'],
      runOnly: ${JSON.stringify(rules)} }).then((r) => r.violations.map((v) => v.id + ': '
      + v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' (' + (n.any[0]?.message
        ?? n.all[0]?.message ?? n.none[0]?.message ?? '') + ')').join('; ')))`);
    await session.detach();
    return found;
  }

  /** Milliseconds that the page's own thread has worked so far; what else runs does not count. */
  async worked() {
    if (!this.meter) {
      this.meter = await this.context.newCDPSession(this.page);
      await this.meter.send('Performance.enable', { timeDomain: 'threadTicks' });
    }
    const { metrics } = await this.meter.send('Performance.getMetrics');
    return metrics.find((one) => one.name === 'TaskDuration').value * 1000;
  }

  shot(name) {
    return this.page.screenshot({ path: path.join(shotFolder(), `${name}.png`) });
  }

  close() { return this.context.close(); }
}

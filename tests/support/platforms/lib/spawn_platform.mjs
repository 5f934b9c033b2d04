// For tests: starts a platform server as a child process and talks to its control plane.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { waitMs } from './clock.mjs';

const startLimitMs = 20_000;
const platforms = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

export function makeDirectory() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'syncline-platform-'));
}

/**
 * Starts `name` ("salesforce", "zendesk", "rt" ...) and waits for READY. `test` is a
 * node:test context: the server is stopped and its directory removed after it. `data` reuses a
 * directory instead. `limitMs`: a real platform's first start on a machine prepares it.
 */
export async function startPlatform(test, name, { data, args = [], limitMs = startLimitMs } = {}) {
  const directory = data ?? makeDirectory();
  const server = path.join(platforms, name, 'server.mjs');
  const child = spawn(process.execPath, [server, '--data', directory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const platform = new RunningPlatform(child, directory);
  test.after(async () => {
    await platform.stop();
    if (!data) {
      fs.rmSync(directory, { recursive: true, force: true });
    }
  });
  await platform.ready(limitMs);
  return platform;
}

class RunningPlatform {
  #child;
  #exited;
  #problems = '';

  constructor(child, directory) {
    this.#child = child;
    this.directory = directory;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    child.stderr.on('data', (text) => {
      this.#problems += text;
    });
  }

  /** Everything the server has written to stderr: empty when nothing went wrong. */
  get problems() {
    return this.#problems;
  }

  async ready(limitMs) {
    let timer;
    const line = await Promise.race([
      new Promise((resolve) => {
        readline.createInterface({ input: this.#child.stdout }).on('line', resolve);
      }),
      this.#exited.then(() => null),
      new Promise((resolve) => {
        timer = setTimeout(resolve, limitMs, null);
      }),
    ]);
    clearTimeout(timer);
    if (!line?.startsWith('READY ')) {
      throw new Error(`the server did not start: ${this.#problems}`);
    }
    const { url, pid, ...credentials } = JSON.parse(line.slice('READY '.length));
    Object.assign(this, { url, pid, credentials });
  }

  /** SIGTERM; resolves with {code, signal}. */
  async stop() {
    this.#child.kill('SIGTERM');
    return this.#exited;
  }

  /** SIGKILL: the process gets no chance to write anything more. */
  async killHard() {
    this.#child.kill('SIGKILL');
    return this.#exited;
  }

  async control(method, name, body) {
    const response = await fetch(`${this.url}/__control/${name}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) {
      throw new Error(`control ${name}: ${response.status} ${JSON.stringify(answer)}`);
    }
    return answer;
  }

  fault(fault) {
    return this.control('POST', 'fault', fault);
  }

  async log() {
    return (await this.control('GET', 'log')).log;
  }

  async rows(object) {
    return (await this.control('GET', `rows?object=${object}`)).rows;
  }
}

/** Polls until `condition()` gives something truthy and returns it; throws at the deadline. */
export async function waitFor(condition, limitMs = 10_000) {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) {
      return value;
    }
    if (Date.now() > deadline) {
      throw new Error(`not true within ${limitMs} ms: ${condition}`);
    }
    await waitMs(10);
  }
}

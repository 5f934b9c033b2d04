// A whole installation for the browser: NATS, a hub with its API, agents of two platforms that live
// in this process. Every program is stopped by its pid, whatever happens.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, start, stopAll, until } from '../../../configs/demo/lib/processes.mjs';
import { Platform } from './platform.mjs';

export { until };
const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../../..');
const build = process.env.SYNCLINE_BUILD ?? path.join(root, 'build/release');
const bin = path.join(build, 'bin');

/** People, by what they may do. */
const people = {
  vera: { roles: ['viewer'] },
  otto: { roles: ['operator'] },
  lea: { roles: ['viewer', 'approver'] },
  adam: { roles: ['admin'] },
  olga: { roles: ['operator'], objects: ['invoice'] },
};

export class World {
  /** `settings(world)` gives more of the hub's file. */
  static async start({ policy = path.join(here, '../policy'), agents = true, settings, port } = {}) {
    const world = new World();
    Object.assign(world, { settings, port });
    world.folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-console-'));
    world.tokens = Object.fromEntries(Object.keys(people).map((name) =>
      [name, randomBytes(24).toString('hex')]));
    try {
      await world.#startNats();
      cpSync(policy, path.join(world.folder, 'policy'), { recursive: true });
      world.crm = await new Platform().start();
      world.erp = await new Platform().start();
      await world.startHub();
      if (agents) for (const name of ['crm', 'erp']) await world.startAgent(name);
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  async #startNats() {
    const port = await freePort();
    const file = path.join(this.folder, 'nats.conf');
    writeFileSync(file, `listen: "127.0.0.1:${port}"\n`
      + `jetstream { store_dir: "${path.join(this.folder, 'nats')}" }\n`);
    await start('nats-server', path.join(root, 'build/deps/nats-server-newest'), ['-c', file],
      { folder: this.folder, ready: /Server is ready/ });
    this.nats = `nats://127.0.0.1:${port}`;
  }

  async startHub() {
    this.port ??= await freePort();
    const file = path.join(this.folder, 'hub.toml');
    writeFileSync(file, `id = "hub-1"\npolicy = "${path.join(this.folder, 'policy')}"\n`
      + `[nats]\nurls = ["${this.nats}"]\n[streams]\npartitions = 4\n[api]\nport = ${this.port}\n`
      + Object.entries(people).map(([name, { roles, objects }]) =>
        `[[api.tokens]]\nname = "${name}"\nroles = ${JSON.stringify(roles)}\n`
        + (objects ? `objects = ${JSON.stringify(objects)}\n` : '')
        + `sha256 = "${createHash('sha256').update(this.tokens[name]).digest('hex')}"\n`).join('')
      + (await this.settings?.(this) ?? ''));
    this.hub = await start('hub-1', path.join(bin, 'syncline-hub'), ['--config', file],
      { folder: this.folder, ready: /hub is ready/ });
    this.url = `http://127.0.0.1:${this.port}/`;
  }

  async startAgent(platform) {
    const file = path.join(this.folder, `${platform}.toml`);
    writeFileSync(file, `platform = "${platform}"
store = "${path.join(this.folder, `${platform}.db`)}"
poll_ms = 100
[nats]
urls = ["${this.nats}"]
[connector]
kind = "exec"
command = ["${process.execPath}", "${path.join(here, 'bridge.mjs')}"]
capabilities = ["can_fetch", "has_marker", "create_is_idempotent"]
[connector.environment]
PLATFORM_URL = "${this[platform].url}"
[objects.customer]
native = "customers"
key = "id"
marker = "entity"
[objects.customer.fields]
number = "number"
name = "name"
phone = "phone"
status = "status"
credit_limit = { path = "credit_limit", type = "decimal", decimals = 2 }
`);
    await start(`agent-${platform}`, path.join(bin, 'syncline-agent'), ['--config', file],
      { folder: this.folder });
  }

  /** The data of a command, however it ends. */
  ctl(...words) {
    return new Promise((resolve, reject) => {
      execFile(path.join(bin, 'synclinectl'), ['--server', this.nats, '--json', ...words],
        { maxBuffer: 256 << 20 }, (error, out) => {
          try {
            resolve(JSON.parse(out));
          } catch {
            reject(error ?? new Error(`synclinectl ${words.join(' ')}: ${out}`));
          }
        });
    });
  }

  /** The API as `who`. */
  async api(who, method, at, body) {
    const response = await fetch(`${this.url}v1/${at}`, { method,
      headers: { authorization: `Bearer ${this.tokens[who]}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text),
      headers: response.headers };
  }

  async openExceptions(filter = []) {
    return (await this.ctl('exceptions', 'list', ...filter)).data.exceptions ?? [];
  }

  /** Waits for what must come to be; says what it waited for. */
  async wait(what, condition, limitMs = 30_000) {
    const value = await until(condition, limitMs, 50);
    if (!value) throw new Error(`it did not come to be: ${what}; logs: ${this.folder}`);
    return value;
  }

  async stop(keep = false) {
    await stopAll();
    this.crm?.stop();
    this.erp?.stop();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Where screenshots go: they are looked at by people. */
export function shotFolder() {
  const folder = path.join(build, 'console-shots');
  mkdirSync(folder, { recursive: true });
  return folder;
}

// What the servers of real programs share: the command line, children that end with us, a
// PostgreSQL of their own, and a template of the prepared database, so that only the first start
// of a machine has to prepare it.
//
// Run as root the children are the user `postgres`, or `nobody`; else they are who we are. They
// are bound to us by the kernel (setpriv --pdeathsig), so they end however we end.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const startLimitMs = 60_000;
const pollMs = 20;
const outdatedMs = 24 * 3_600_000;
const postgresFolder = '/usr/lib/postgresql';
const repository = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../..');

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Why the platform cannot run here, or undefined: a Debian package's file that is missing. */
export function missingFile(files) {
  const missing = [...files, postgresFolder].find((file) => !fs.existsSync(file));
  return missing && `${missing} is missing; tests/support/install brings it`;
}

function serviceUser() {
  if (process.getuid() !== 0) return { uid: process.getuid(), gid: process.getgid(), root: false };
  const users = fs.readFileSync('/etc/passwd', 'utf8').split('\n').map((one) => one.split(':'));
  const found = ['postgres', 'nobody'].map((name) => users.find((user) => user[0] === name));
  const [, , uid, gid] = found.find((user) => user !== undefined);
  return { uid: Number(uid), gid: Number(gid), root: true };
}

/** A port of the loopback that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The children of one server and the folder that they work in. */
export class Children {
  #running = new Set();
  #user = serviceUser();

  constructor(folder) {
    this.folder = folder;
    fs.mkdirSync(folder, { recursive: true });
    this.own(folder);
  }

  get uid() {
    return this.#user.uid;
  }

  own(file) {
    if (this.#user.root) fs.chownSync(file, this.#user.uid, this.#user.gid);
  }

  write(name, text) {
    const file = path.join(this.folder, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    this.own(file);
    return file;
  }

  /** Starts `words`; what it says goes to `<log>.log`. `signal` is what ends it. */
  start(words, { env = {}, log, signal = 'SIGTERM' }) {
    const binding = ['--pdeathsig', signal.slice('SIG'.length)];
    if (this.#user.root) {
      binding.push('--reuid', this.#user.uid, '--regid', this.#user.gid, '--clear-groups');
    }
    const file = path.join(this.folder, `${log}.log`);
    const out = fs.openSync(file, 'a', 0o600);
    const child = spawn('setpriv', [...binding, '--', ...words].map(String), {
      cwd: this.folder,
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', HOME: this.folder, ...env },
      stdio: ['ignore', out, out],
    });
    fs.closeSync(out);
    const one = { child, signal, file };
    one.exited = new Promise((resolve) => {
      child.once('error', resolve);
      child.once('exit', resolve);
    }).finally(() => this.#running.delete(one));
    this.#running.add(one);
    return one;
  }

  /** Runs `words` to the end, which has to be a good one. */
  async run(words, options) {
    const one = this.start(words, options);
    const code = await one.exited;
    if (code !== 0) throw new Error(`${words.join(' ')}: ${code}\n${tail(one.file)}`);
  }

  async stop(one) {
    one.child.kill(one.signal);
    await one.exited;
  }

  /** The youngest first, since a server needs its database to end in peace. */
  async stopAll() {
    for (const one of [...this.#running].reverse()) await this.stop(one);
  }

  /** Waits until `condition()` holds; an end of `one` before that is an error. */
  async until(one, condition) {
    const deadline = Date.now() + startLimitMs;
    let ended = false;
    one.exited.then(() => {
      ended = true;
    });
    while (!(await condition())) {
      if (ended || Date.now() > deadline) throw new Error(`it does not start\n${tail(one.file)}`);
      await wait(pollMs);
    }
  }
}

function tail(file) {
  return fs.readFileSync(file, 'utf8').slice(-4_000);
}

/** True when `url` answers anything at all. */
export function answers(url) {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    request.on('error', () => resolve(false));
  });
}

/** A cluster in `<folder>/pg`, reached by a Unix socket in `<folder>` alone; fsync is off. */
export class PrivatePostgres {
  #children;
  #binaries;
  #server;

  constructor(children) {
    this.#children = children;
    const versions = fs.readdirSync(postgresFolder).map(Number).sort((a, b) => a - b);
    this.version = versions.at(-1);
    this.#binaries = path.join(postgresFolder, String(this.version), 'bin');
  }

  get data() {
    return path.join(this.#children.folder, 'pg');
  }

  async make() {
    const words = ['initdb', '-D', this.data, '-U', 'postgres', '-E', 'UTF8'];
    words.push('--locale=C.UTF-8', '--auth=trust', '--no-sync');
    words[0] = path.join(this.#binaries, words[0]);
    await this.#children.run(words, { log: 'postgres' });
    fs.appendFileSync(
      path.join(this.data, 'postgresql.conf'),
      "listen_addresses = ''\nfsync = off\nshared_buffers = 32MB\njit = off\n",
    );
  }

  /**
   * `analyze`: statistics follow at once what is made, catalogs too. What makes a large schema
   * asks about it again and again: Tryton's takes ten times as long without.
   */
  async start({ analyze = false } = {}) {
    fs.rmSync(path.join(this.data, 'postmaster.pid'), { force: true });
    const words = [path.join(this.#binaries, 'postgres'), '-D', this.data];
    words.push('-k', this.#children.folder);
    words.push('-c', analyze ? 'autovacuum_naptime=1' : 'autovacuum=off');
    this.#server = this.#children.start(words, { log: 'postgres', signal: 'SIGINT' });
    const lock = path.join(this.data, 'postmaster.pid');
    const isReady = () => fs.existsSync(lock) && /\bready\s*$/.test(fs.readFileSync(lock, 'utf8'));
    await this.#children.until(this.#server, isReady);
  }

  async sql(database, text) {
    const words = [path.join(this.#binaries, 'psql'), '-X', '-q', '-h', this.#children.folder];
    words.push('-U', 'postgres', '-d', database, '-v', 'ON_ERROR_STOP=1', '-c', text);
    await this.#children.run(words, { log: 'psql' });
  }

  stop() {
    return this.#children.stop(this.#server);
  }
}

/** Where templates are kept: in what the install step fills, so every build shares them. */
function templateFolder(name, { uid, packages, sources, version }) {
  const hash = createHash('sha256').update(JSON.stringify([uid, version]));
  hash.update(execFileSync('dpkg-query', ['-W', ...packages]));
  const files = [...sources, fileURLToPath(import.meta.url)];
  for (const file of files) hash.update(fs.readFileSync(file));
  return path.join(repository, 'build/deps', `${name}-template-${hash.digest('hex').slice(0, 12)}`);
}

/** Removes the templates beside `kept` that are older than a day: nobody copies one any more. */
function removeOutdated(kept) {
  const family = kept.slice(0, kept.lastIndexOf('-') + 1);
  for (const name of fs.readdirSync(path.dirname(kept))) {
    const folder = path.join(path.dirname(kept), name);
    if (!folder.startsWith(family) || folder === kept) continue;
    if (Date.now() - fs.statSync(folder).mtimeMs > outdatedMs) {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
}

/**
 * Brings `<folder>/pg` and `<folder>/made.json`: a copy of the template, or else made by
 * `make(database)`, which gives what made.json holds. Two that make one at once do no harm: a
 * rename onto a folder with files fails.
 */
async function prepare(platform, children, database) {
  const made = path.join(children.folder, 'made.json');
  if (fs.existsSync(made)) return JSON.parse(fs.readFileSync(made, 'utf8'));
  const kept = templateFolder(platform.name, {
    uid: children.uid,
    packages: platform.packages,
    sources: platform.sources,
    version: database.version,
  });
  if (!fs.existsSync(kept)) {
    await database.make();
    await database.start({ analyze: true });
    const facts = await platform.make({ children, database });
    await database.stop();
    children.write('made.json', JSON.stringify(facts));
    const draft = `${kept}.${process.pid}`;
    fs.mkdirSync(draft, { recursive: true });
    copy(children.folder, draft);
    try {
      fs.renameSync(draft, kept);
    } catch {
      fs.rmSync(draft, { recursive: true, force: true });
    }
    removeOutdated(kept);
    return facts;
  }
  copy(kept, children.folder);
  return JSON.parse(fs.readFileSync(made, 'utf8'));
}

function copy(from, to) {
  for (const name of ['pg', 'made.json']) {
    execFileSync('cp', ['-a', '--reflink=auto', path.join(from, name), to]);
  }
}

function commandLine(platform) {
  const options = { help: { type: 'boolean' }, data: { type: 'string' } };
  options.port = { type: 'string', default: '0' };
  for (const [name, { default: value }] of Object.entries(platform.flags)) {
    options[name] = { type: 'string', default: value };
  }
  const refuse = (problem) => {
    process.stderr.write(`${platform.name}: ${problem}; try --help\n`);
    process.exit(2);
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    refuse(error.message);
  }
  if (!values.help && !values.data) refuse('--data DIR is required');
  if (values.help) {
    const flags = Object.entries(platform.flags)
      .map(([name, flag]) => `  --${name} N  ${flag.about} [${flag.default}]\n`).join('');
    process.stdout.write(
      `${platform.about} on loopback, for tests.\n\nnode server.mjs --data DIR [flags]\n\n` +
        `  --data DIR  where it is kept (created)\n  --port N  0 picks a free one\n${flags}` +
        'Prints one line READY {"url", "pid", credentials}. SIGTERM stops it.\n');
    process.exit(0);
  }
  return values;
}

/**
 * Runs a platform until SIGTERM, or until the process that started us is gone. `platform`: `name`,
 * `about`, `flags`, `needs` (files), `packages` and `sources` (which the template depends on),
 * `make({children, database})`, `serve({children, port, made, flags})`, which gives the child and
 * a URL that answers when it is ready, and what READY tells beside `url`.
 */
export async function runReal(platform) {
  const parent = process.ppid;
  const flags = commandLine(platform);
  const missing = missingFile(platform.needs);
  if (missing) {
    process.stderr.write(`${platform.name}: ${missing}\n`);
    process.exit(1);
  }
  const children = new Children(path.resolve(flags.data));
  let stopping = false;
  const stop = (code) => {
    stopping = true;
    return children.stopAll().finally(() => process.exit(code));
  };
  process.once('SIGTERM', () => stop(0));
  process.once('SIGINT', () => stop(0));
  setInterval(() => process.ppid === parent || stop(0), 200).unref();
  try {
    const database = new PrivatePostgres(children);
    const made = await prepare(platform, children, database);
    await database.start();
    const port = Number(flags.port) || (await freePort());
    const url = `http://127.0.0.1:${port}`;
    const { child, probe, ready } = platform.serve({ children, port, url, made, flags });
    await children.until(child, () => answers(url + probe));
    process.stdout.write(`READY ${JSON.stringify({ url, pid: process.pid, ...ready })}\n`);
    await child.exited;
    throw new Error(`it has ended\n${tail(child.file)}`);
  } catch (error) {
    if (stopping) return;
    process.stderr.write(`${platform.name}: ${error.message}\n`);
    await stop(1);
  }
}

// A shop and its books, each a SQLite database that writes down what is done to it; a nats-server;
// hubs and agents, each of the build that it is started with.
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Nats } from '../../configs/demo/lib/nats.mjs';
import { freePort, start } from '../../configs/demo/lib/processes.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const nameOfServer = path.join(root, 'build/deps/nats-server-newest');

export const partitions = 8;
export const platforms = ['shop', 'books'];

function run(program, words, input) {
  return new Promise((resolve) => {
    const child = execFile(program, words, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? 1 : 0, out: stdout, text: `${stdout}${stderr}` });
    });
    if (input !== undefined) child.stdin.end(input);
  });
}

/** A person or program at a database file, beside our agent. */
export class Database {
  constructor(file) { this.file = file; }

  /** The rows, as objects. */
  async sql(text) {
    const answer = await run('sqlite3', ['-json', '-bail', this.file],
      `.timeout 10000\n${text};\n`);
    if (answer.code !== 0) throw new Error(`${this.file}: ${text}: ${answer.text}`);
    return answer.out.trim() ? JSON.parse(answer.out) : [];
  }
}

const now = "strftime('%Y-%m-%d %H:%M:%f', 'now')";
const same = ['name', 'email', 'credit', 'sync_id'].map((one) => `NEW.${one} IS OLD.${one}`);
const schema = `PRAGMA journal_mode = WAL;
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, credit TEXT,
  sync_id TEXT UNIQUE, updated_at TEXT DEFAULT (${now}));
CREATE TRIGGER stamp AFTER UPDATE OF name, email, credit ON customers BEGIN
  UPDATE customers SET updated_at = ${now} WHERE id = NEW.id; END;
CREATE TABLE repeated (id INTEGER, name TEXT, credit TEXT);
CREATE TRIGGER again AFTER UPDATE OF name, email, credit, sync_id ON customers
  WHEN ${same.join(' AND ')} BEGIN
  INSERT INTO repeated VALUES (NEW.id, NEW.name, NEW.credit); END`;

const policy = (version) => `[policy]
name = "side-by-side"
[platforms.shop]
[platforms.books]
[objects.customer.fields]
name = { type = "string", required = true, length_max = ${100 + version} }
email = { type = "string", required = true, classification = "pii" }
credit = "string"
[[objects.customer.match]]
name = "email"
on = ["email:lower"]
[[objects.customer.own]]
fields = ["name", "email"]
owner = "shop"
otherwise = "revert"
[[objects.customer.own]]
fields = ["credit"]
owner = "books"
otherwise = "revert"
[objects.customer.on.shop]
fields = ["*"]
founds = true
on_delete = "review"
[objects.customer.on.books]
fields = ["*"]
receives = true
on_delete = "review"
`;

export class TwoSystems {
  constructor(folder) {
    this.folder = folder;
    this.hubs = {};
    this.agents = {};
  }

  file(name) { return path.join(this.folder, name); }

  async start() {
    const port = await freePort();
    this.url = `nats://127.0.0.1:${port}`;
    writeFileSync(this.file('nats.conf'), `listen: "127.0.0.1:${port}"\n`
      + `jetstream { store_dir: "${this.file('nats')}" }\n`);
    this.server = await start('nats-server', nameOfServer, ['-c', this.file('nats.conf')],
      { folder: this.folder, ready: /Server is ready/ });
    this.nats = await Nats.open(port);
    this.writePolicy(1);
    for (const platform of platforms) {
      this[platform] = new Database(this.file(`${platform}-platform.db`));
      await this[platform].sql(schema);
    }
  }

  writePolicy(version) {
    mkdirSync(this.file('policy'), { recursive: true });
    writeFileSync(this.file('policy/customer.toml'), policy(version));
  }

  async startHub(id, build) {
    writeFileSync(this.file(`${id}.toml`), `id = "${id}"\npolicy = "${this.file('policy')}"\n`
      + `[nats]\nurls = ["${this.url}"]\n[streams]\npartitions = ${partitions}\n[limits]\n`
      + 'presence_interval_ms = 100\npresence_timeout_ms = 1000\nwatch_interval_ms = 200\n');
    this.hubs[id] = await start(id, path.join(build.bin, 'syncline-hub'),
      ['--config', this.file(`${id}.toml`)], { folder: this.folder, ready: /hub is ready/ });
    this.hubs[id].build = build;
  }

  writeAgent(platform) {
    writeFileSync(this.file(`${platform}.toml`), `platform = "${platform}"
store = "${this.file(`${platform}.db`)}"
poll_ms = 100
[nats]
urls = ["${this.url}"]
[connector]
kind = "sqlite"
file = "${this.file(`${platform}-platform.db`)}"
[objects.customer]
native = "customers"
key = "id"
marker = "sync_id"
changed = "updated_at"
changed_format = "%Y-%m-%d %H:%M:%S.%L"
[objects.customer.fields]
name = "name"
email = "email"
credit = "credit"
`);
  }

  async startAgent(platform, build) {
    this.writeAgent(platform);
    this.agents[platform] = await start(`agent-${platform}`,
      path.join(build.bin, 'syncline-agent'), ['--config', this.file(`${platform}.toml`)],
      { folder: this.folder });
    this.agents[platform].build = build;
  }

  /** Runs an agent that is to end by itself; what it says. */
  async refusedAgent(platform, build) {
    this.writeAgent(platform);
    return run('timeout', ['20', path.join(build.bin, 'syncline-agent'), '--config',
      this.file(`${platform}.toml`)]);
  }

  /** What a person does who is told to put a copy in the store's place. */
  putInPlace(platform, copy) {
    for (const end of ['', '-wal']) {
      rmSync(`${this.file(`${platform}.db`)}${end}`, { force: true });
    }
    renameSync(copy, this.file(`${platform}.db`));
  }

  /** The agent's own file, while the agent may hold it: read by a copy. */
  async store(platform, text) {
    const agent = this.agents[platform];
    if (!agent.ended) {
      const copy = this.file('copied.db');
      for (const end of ['', '-wal']) {
        rmSync(`${copy}${end}`, { force: true });
        if (existsSync(`${this.file(`${platform}.db`)}${end}`)) {
          copyFileSync(`${this.file(`${platform}.db`)}${end}`, `${copy}${end}`);
        }
      }
      return new Database(copy).sql(text);
    }
    return new Database(this.file(`${platform}.db`)).sql(text);
  }

  /** What an agent says of itself, or null. */
  async agentStatus(platform) {
    const entry = await this.nats.last('KV_sync_agent', `$KV.sync_agent.${platform}`);
    return entry && entry.body.length > 0 ? JSON.parse(entry.body.toString()) : null;
  }

  async version(build) {
    return (await run(path.join(build.bin, 'syncline-hub'), ['--version'])).text;
  }

  async hubStatus(id) {
    const entry = await this.nats.last('KV_sync_lease', `$KV.sync_lease.hub.${id}`);
    return entry && entry.body.length > 0 ? JSON.parse(entry.body.toString()) : null;
  }

  /** Which hub says that it holds how many partitions. */
  async held() {
    const held = {};
    for (const [id, hub] of Object.entries(this.hubs)) {
      if (!hub.ended) held[id] = (await this.hubStatus(id))?.partitions.length ?? 0;
    }
    return held;
  }

  ctl(build, ...words) {
    return run(path.join(build.bin, 'synclinectl'), ['--server', this.url, ...words]);
  }

  async data(build, ...words) {
    const answer = await this.ctl(build, ...words, '--json');
    try {
      return JSON.parse(answer.out).data;
    } catch {
      throw new Error(`synclinectl ${words.join(' ')} of ${build.name}: ${answer.text}`);
    }
  }
}

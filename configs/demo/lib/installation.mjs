// Everything that runs: NATS, the three platforms, a warehouse that is told of events, two hubs and
// three agents, each on a free port of the loopback, with its files in one temporary folder.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Desk } from './desk.mjs';
import { Nats } from './nats.mjs';
import { Postgres, quote } from './postgres.mjs';
import { freePort, start, until } from './processes.mjs';
import { Receiver } from './receiver.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const bin = path.resolve(process.env.SYNCLINE_BIN_DIR ?? path.join(root, 'build/release/bin'));
const demo = path.join(root, 'configs/demo');

/** How long an approval waits before it goes to somebody else; in the shipped policy a day. */
export const approvalSeconds = 8;

export class Installation {
  profiles = ['salesforce', 'servicenow'];

  constructor(folder) {
    this.folder = folder;
    this.configs = demo; // Has `agents`.
    this.shippedPolicy = path.join(root, 'configs/policy');
    this.values = { folder };
    this.hubs = {};
    this.apis = {}; // URL of each hub's API.
    this.agents = {};
  }

  secret(name, value) {
    writeFileSync(path.join(this.folder, name), `${value}\n`, { mode: 0o600 });
  }

  async startNats() {
    const port = this.natsPort ?? await freePort(); // Started again, it is where it was.
    const file = path.join(this.folder, 'nats.conf');
    writeFileSync(file, `listen: "127.0.0.1:${port}"\n`
      + `jetstream { store_dir: "${path.join(this.folder, 'nats')}" }\n`);
    this.natsProgram = await start('nats-server',
      path.join(root, 'build/deps/nats-server-newest'), ['-c', file],
      { folder: this.folder, ready: /Server is ready/ });
    this.natsPort = port;
    this.values.nats = `nats://127.0.0.1:${port}`;
    this.nats = await Nats.open(port);
  }

  /** Starts a platform's server, and gives what it tells of itself, with its program. */
  async startServer(name, kind, args = [], limitMs = 60_000) {
    const program = await start(name, process.execPath,
      [path.join(root, `tests/support/platforms/${kind}/server.mjs`), '--data',
        path.join(this.folder, name), ...args],
      { folder: this.folder, ready: /READY (\{.*\})/, limitMs });
    return { ...JSON.parse(program.readyMatch[1]), program };
  }

  async startCrm() {
    const crm = await this.startServer('crm', 'salesforce');
    this.crm = new Desk(crm.url);
    Object.assign(this.values, { crm_url: crm.url, crm_client_id: crm.client_id });
    this.secret('crm-secret', crm.client_secret);
  }

  async startPlatforms() {
    await this.startCrm();
    const support = await this.startServer('support', 'servicenow');
    this.support = new Desk(support.url);
    Object.assign(this.values, { support_url: support.url, support_user: support.username });
    this.secret('support-secret', support.password);
    this.erp = new Postgres(this.folder);
    await this.erp.create(randomBytes(12).toString('hex'));
    const password = randomBytes(12).toString('hex');
    await this.erp.sql('CREATE DATABASE erp', 'postgres');
    await this.erp.sql(`CREATE ROLE syncline LOGIN REPLICATION PASSWORD ${quote(password)}`);
    await this.erp.file(path.join(demo, 'erp.sql'));
    this.secret('erp-agent-secret', password);
    this.values.erp_port = String(this.erp.port);
    await this.startWarehouse();
  }

  async startWarehouse() {
    const warehouse = await this.startServer('warehouse', 'webhook');
    this.warehouse = new Receiver(warehouse.url);
    this.secret('warehouse-secret', warehouse.key);
    this.secret('link-key', randomBytes(36).toString('base64'));
  }

  /** The profiles as they are shipped, but looking every moment: a demo does not wait ten minutes
   * for a late commit that it does not make. */
  #writeProfiles() {
    for (const name of this.profiles) {
      const text = readFileSync(path.join(root, `configs/profiles/${name}.toml`), 'utf8')
        .replace(/^overlap_s = .*/gm, 'overlap_s = 10').replace(/^safety_s = .*/gm, 'safety_s = 1')
        .replace(/^read_back_lag_ms = .*/m, 'read_back_lag_ms = 100');
      writeFileSync(path.join(this.folder, `${name}.toml`), this.ownProfile(name, text));
    }
  }

  /** What an installation changes in a profile besides. */
  ownProfile(name, text) { return text; }

  /** The policy as it is shipped, but approvals expire in seconds, and any order is paid late; and
   * a warehouse is told of events, with the links by which approvals are answered. */
  #writePolicy() {
    const folder = path.join(this.folder, 'policy');
    mkdirSync(folder);
    const shipped = this.shippedPolicy;
    for (const name of readdirSync(shipped).filter((one) => one.endsWith('.toml'))) {
      const text = readFileSync(path.join(shipped, name), 'utf8')
        .replace(/^deadline_s( *)= 86400$/m, `deadline_s$1= ${approvalSeconds}`)
        .replace(/^above( *)= 432000 /m, 'above$1= 0 ');
      writeFileSync(path.join(folder, name), text);
    }
    writeFileSync(path.join(folder, 'webhooks.toml'), `[webhooks.warehouse]
url    = "${this.warehouse.url}/events"
events = ["*"]
links  = true
secret = { file = "${path.join(this.folder, 'warehouse-secret')}" }
`);
  }

  async startHub(id) {
    this.apis[id] ??= `http://127.0.0.1:${await freePort()}`;
    const file = path.join(this.folder, `${id}.toml`);
    writeFileSync(file, `id = "${id}"\npolicy = "${path.join(this.folder, 'policy')}"\n`
      + `[nats]\nurls = ["${this.values.nats}"]\n[api]\nport = ${new URL(this.apis[id]).port}\n`
      + '[webhooks]\nallow = ["127.0.0.1"]\n' // The warehouse is on this machine.
      + `[links]\nbase = "${this.apis['hub-1']}"\n`
      + `key = { file = "${path.join(this.folder, 'link-key')}" }\n`);
    this.hubs[id] = await start(id, path.join(bin, 'syncline-hub'), ['--config', file],
      { folder: this.folder, ready: /hub is ready/ });
  }

  async startAgent(platform) {
    const file = path.join(this.folder, `${platform}.toml`);
    const text = readFileSync(path.join(this.configs, `agents/${platform}.toml`), 'utf8');
    writeFileSync(file,
      text.replace(/\{([a-z_]+)\}/g, (whole, name) => this.values[name] ?? whole));
    this.agents[platform] = await start(`agent-${platform}`, path.join(bin, 'syncline-agent'),
      ['--config', file], { folder: this.folder });
  }

  async startAll() {
    mkdirSync(this.folder, { recursive: true, mode: 0o711 });
    await this.startNats();
    await this.startPlatforms();
    this.#writeProfiles();
    this.#writePolicy();
    await this.startHub('hub-1');
    await this.startHub('hub-2');
    const settled = await until(async () => {
      const held = await this.partitions();
      return held['hub-1'] > 0 && held['hub-2'] > 0 && held['hub-1'] + held['hub-2'] === 64;
    }, 30_000);
    if (!settled) throw new Error('the hubs did not share the partitions; see their logs');
    for (const platform of ['crm', 'erp', 'support']) await this.startAgent(platform);
  }

  /** What a hub says of itself, or null. */
  async hubStatus(id) {
    const entry = await this.nats.last('KV_sync_lease', `$KV.sync_lease.hub.${id}`);
    return entry && entry.body.length > 0 ? JSON.parse(entry.body.toString()) : null;
  }

  /** What an agent says of itself, or null. */
  async agentStatus(platform) {
    const entry = await this.nats.last('KV_sync_agent', `$KV.sync_agent.${platform}`);
    return entry && entry.body.length > 0 ? JSON.parse(entry.body.toString()) : null;
  }

  async partitions() {
    const held = {};
    for (const id of Object.keys(this.hubs)) {
      held[id] = (await this.hubStatus(id))?.partitions.length ?? 0;
    }
    return held;
  }

  /** The sum of a counter over the hubs. */
  async count(name) {
    let sum = 0;
    for (const id of Object.keys(this.hubs)) {
      sum += (await this.hubStatus(id))?.counts[name] ?? 0;
    }
    return sum;
  }

  ctl(...args) {
    return [path.join(bin, 'synclinectl'), ['--server', this.values.nats, ...args]];
  }

  /** Runs synclinectl: what it says, and its exit code. */
  run(...args) {
    const [program, words] = this.ctl(...args);
    return new Promise((resolve) => {
      execFile(program, words, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        resolve({ code: error ? error.code : 0, text: `${stdout}${stderr}` });
      });
    });
  }

  /** Runs synclinectl: the data of its JSON. */
  async data(...args) { return JSON.parse((await this.run(...args, '--json')).text).data; }

  /** Where the platforms are, for a person: lines. */
  where() {
    return [
      `CRM (Salesforce REST)        ${this.values.crm_url}`,
      `support desk (ServiceNow)    ${this.values.support_url}`,
      `ERP (PostgreSQL)             psql -h 127.0.0.1 -p ${this.erp.port} -U erp_admin erp`,
      `                             password: ${path.join(this.folder, 'erp-password')}`,
    ];
  }

  logs() { return readdirSync(this.folder).filter((name) => name.endsWith('.log')); }
}

// What an agent costs: size, start, memory idle and under load, wake-ups, CPU for each change; and,
// once, what a million records of a REST platform cost in memory and in its store. A real
// nats-server and hub; the sources are a folder of JSONL files and rest_source.mjs. Prints one JSON
// line: medians.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync,
  rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Nats } from '../../configs/demo/lib/nats.mjs';
import { freePort, sleep, start, stopAll, until } from '../../configs/demo/lib/processes.mjs';
import { RestSource } from './rest_source.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin = path.resolve(process.argv[2]);
const quick = process.argv.includes('--quick');
const runsAt = process.argv.indexOf('--runs');
const runs = runsAt > 0 ? Math.max(1, Number(process.argv[runsAt + 1]) || 1) : quick ? 1 : 5;
const changes = quick ? 2_000 : 50_000;
const records = quick ? 20_000 : 1_000_000;
const settleMs = quick ? 3_000 : 6_000;
const idleSeconds = 10; // Each timer of an idle agent fires once in it, or more often.

// What wakes an idle agent's main thread in ten seconds, all of it by a timer of its own or by the
// answer to one: the heartbeats of its command consumer (1 s); the look at two streams (5 s: the
// timer, two answers); the read (5 s: the timer, its completion); presence and the ping (10 s: the
// timer, an answer). One more for each where a window holds one more of its periods.
const wakeupsMost = (11 + 3 * 3 + 3 * 2 + 2 * 2 + 2 * 3) / idleSeconds;

const status = (file, name) => Number(readFileSync(file, 'utf8')
  .match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
const rss = (pid) => status(`/proc/${pid}/status`, 'VmRSS');
/** Of it what no file is behind: heap, stacks, relocations. The rest is code, mostly libraries. */
const anonymous = (pid) => status(`/proc/${pid}/status`, 'RssAnon');
const switches = (pid, task) => status(`/proc/${pid}/task/${task}/status`, 'voluntary_ctxt_switches');
const allSwitches = (pid) => readdirSync(`/proc/${pid}/task`)
  .reduce((sum, task) => sum + switches(pid, task), 0);

/** Seconds of CPU that a process has used. */
function cpu(pid) {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
  return (Number(words[11]) + Number(words[12])) / 100;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function startWorld(folder) {
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const config = path.join(folder, 'nats.conf');
  writeFileSync(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}/js" }\n`);
  await start('nats', path.join(root, 'build/deps/nats-server-newest'), ['-c', config],
    { folder, ready: /Server is ready/ });
  await start('hub', path.join(bin, 'syncline-hub'), ['--server', url, '--id', 'bench', '--policy',
    path.join(root, 'tests/bench/policy')], { folder, ready: /hub is ready/ });
  return { port, url };
}

/** A file of records, put in place when the agent shall see it. */
function stageLoad(folder) {
  const lines = [];
  for (let i = 0; i < changes; i += 1) {
    lines.push(JSON.stringify({ id: `r${i}`, a: `${i}${'x'.repeat(40)}`, b: 'y'.repeat(40),
      c: 'z'.repeat(40), d: 'w'.repeat(28), n: i, stage: 'open', amount: '1250.75' }));
  }
  writeFileSync(path.join(folder, 'load.jsonl'), `${lines.join('\n')}\n`);
}

async function measureLoad(agent, folder, port) {
  stageLoad(folder);
  const drops = path.join(folder, 'drops', 'in');
  const before = cpu(agent.pid);
  copyFileSync(path.join(folder, 'load.jsonl'), path.join(drops, 'load.part'));
  renameSync(path.join(drops, 'load.part'), path.join(drops, 'load.jsonl'));
  const nats = await Nats.open(port);
  let most = 0;
  const done = await until(async () => {
    most = Math.max(most, rss(agent.pid));
    return (await nats.messages('SYNC_IN')) >= changes;
  }, 300_000, 20);
  if (!done) throw new Error(`only ${await nats.messages('SYNC_IN')} of ${changes} arrived`);
  const used = cpu(agent.pid) - before;
  nats.close();
  return { file_load_rss_kib: most, cpu_us_per_change: (used / changes) * 1e6 };
}

async function oneRun() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-bench-'));
  try {
    const { port, url } = await startWorld(folder);
    mkdirSync(path.join(folder, 'drops', 'in'), { recursive: true });
    const file = path.join(folder, 'agent.toml');
    writeFileSync(file, readFileSync(path.join(root, 'tests/bench/agent.toml'), 'utf8')
      .replaceAll('{folder}', folder).replaceAll('{nats}', url));
    const before = process.hrtime.bigint();
    const agent = await start('agent', path.join(bin, 'syncline-agent'), ['--config', file],
      { folder, ready: /agent is ready/ });
    const startMs = Number(process.hrtime.bigint() - before) / 1e6;
    await sleep(settleMs);
    const idle = { idle_rss_kib: rss(agent.pid), idle_anonymous_kib: anonymous(agent.pid) };
    const wakeups = switches(agent.pid, agent.pid);
    const all = allSwitches(agent.pid);
    await sleep(idleSeconds * 1_000);
    idle.idle_wakeups_per_s = (switches(agent.pid, agent.pid) - wakeups) / idleSeconds;
    idle.idle_switches_per_s = (allSwitches(agent.pid) - all) / idleSeconds;
    return { start_ms: startMs, ...idle, ...await measureLoad(agent, folder, port) };
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

const restAgentFile = (folder, nats, port) => `
platform = "source"
store = "${folder}/rest.db"
[nats]
urls = ["${nats}"]
[spool]
receipted_bytes = 1048576  # What the hub has decided leaves the spool soon.
[connector]
kind = "rest"
profile = "${folder}/profile.toml"
base_url = "http://127.0.0.1:${port}"
[connector.auth]
token = { env = "BENCH_TOKEN" }
[objects.item]
native = "items"
[objects.item.fields]
a = "a"
b = "b"
c = "c"
d = "d"
n = { path = "n", type = "integer" }
stage = "stage"
amount = { path = "amount", type = "decimal" }
`;

/** Bytes of a SQLite file that hold something. */
function liveBytes(file) {
  const ask = (what) => Number(execFileSync('sqlite3', [`file:${file}?mode=ro`, `PRAGMA ${what}`],
    { encoding: 'utf8' }));
  return (ask('page_count') - ask('freelist_count')) * ask('page_size');
}

/** Reads them all for the first time, with a hub that decides them. */
async function measureMillion() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-bench-'));
  const source = await RestSource.open(records);
  try {
    const { port, url } = await startWorld(folder);
    const profile = readFileSync(path.join(root, 'configs/profiles/generic.toml'), 'utf8');
    writeFileSync(path.join(folder, 'profile.toml'), profile);
    const file = path.join(folder, 'rest.toml');
    writeFileSync(file, restAgentFile(folder, url, source.port));
    const agent = await start('agent', path.join(bin, 'syncline-agent'), ['--config', file],
      { folder, ready: /agent is ready/, env: { ...process.env, BENCH_TOKEN: 'benchmark' } });
    const nats = await Nats.open(port);
    const began = Date.now();
    let most = 0;
    let said = began;
    const done = await until(async () => {
      most = Math.max(most, rss(agent.pid));
      const have = await nats.messages('SYNC_IN');
      if (Date.now() - said > 30_000) {
        said = Date.now();
        console.error(`${have} of ${records} records`);
      }
      return have >= records;
    }, 3_000_000, 50);
    const seconds = (Date.now() - began) / 1_000;
    if (!done) throw new Error('the records did not arrive');
    const million = rss(agent.pid);
    const decided = quick || await until(async () => {
      const said = await nats.last('KV_sync_agent', '$KV.sync_agent.source');
      return JSON.parse(said.body.toString()).waiting_entries === 0;
    }, 1_800_000, 1_000);
    nats.close();
    if (!decided) throw new Error('the hub did not decide them all');
    // What it has decided leaves the spool once a minute; the smoke form counts the spool as well.
    await sleep(quick ? 0 : 70_000);
    process.kill(agent.pid, 'SIGTERM');
    await until(async () => !existsSync(`/proc/${agent.pid}`), 30_000, 100);
    const bytes = liveBytes(path.join(folder, 'rest.db'));
    return {
      load_rss_kib: most,
      million_rss_kib: million,
      store_bytes_per_record: Math.round(bytes / records),
      rest_records_per_s: Math.round(records / seconds),
    };
  } finally {
    await stopAll();
    source.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function strippedKib() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-bench-'));
  try {
    const stripped = path.join(folder, 'stripped');
    execFileSync('strip', ['-o', stripped, path.join(bin, 'syncline-agent')]);
    return Math.round(statSync(stripped).size / 1024);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const figures = [];
for (let i = 0; i < runs; i += 1) {
  figures.push(await oneRun());
  const { idle_rss_kib: idle, file_load_rss_kib: load } = figures.at(-1);
  console.error(`run ${i + 1} of ${runs}: ${idle} KiB idle, ${load} KiB under load`);
}
const result = { bench: 'agent', runs, changes, binary_kib: strippedKib() };
for (const name of Object.keys(figures[0])) {
  result[name] = Math.round(median(figures.map((run) => run[name])) * 10) / 10;
}
result.records = records;
Object.assign(result, await measureMillion());
result.idle_wakeups_explained_per_s = wakeupsMost;
result.load_1min = os.loadavg()[0];
console.log(JSON.stringify(result));

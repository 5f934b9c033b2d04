// Change data capture from a real PostgreSQL through the agent's spool into the stream, while the hub
// stands: the first read of a large table; what four clients of pgbench change, one row a transaction,
// while it is followed, from the first to the arrival of the last (steady state); and what was changed
// while nobody read (a backlog). Both against pg_recvlogical alone, which throws away what it
// receives. One JSON line: medians.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Nats } from '../../configs/demo/lib/nats.mjs';
import { Postgres } from '../../configs/demo/lib/postgres.mjs';
import { freePort, start, stopAll, until } from '../../configs/demo/lib/processes.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin = path.resolve(process.argv[2]);
const quick = process.argv.includes('--quick');
const runsAt = process.argv.indexOf('--runs');
const runs = runsAt > 0 ? Math.max(1, Number(process.argv[runsAt + 1]) || 1) : quick ? 1 : 5;
const rows = quick ? 20_000 : 1_000_000;
const changes = quick ? 5_000 : 200_000;  // Of the backlog.
const clients = 4;
const steady = quick ? 2_000 : 60_000;
const password = 'benchmark';

const agentFile = (folder, nats, port) => `
platform = "source"
store = "${folder}/agent.db"
[nats]
urls = ["${nats}"]
[spool]
bytes = 4294967296
entries_max = 10000000
[connector]
kind = "postgres"
host = "127.0.0.1"
port = ${port}
database = "erp"
user = "erp_admin"
password = { env = "BENCH_PASSWORD" }
tls = "disable"
create_publication = true
[objects.item]
native = "public.items"
key = "id"
[objects.item.fields]
a = "a"
b = "b"
c = "c"
d = "d"
n = { path = "n", type = "integer" }
stage = "stage"
amount = { path = "amount", type = "decimal" }
`;

/** Seconds until so many changes stand in the stream: each was in the spool before. */
async function arrived(port, wanted) {
  const began = Date.now();
  const nats = await Nats.open(port);
  const there = async () => (await nats.messages('SYNC_IN')) >= wanted;
  const done = await until(there, 900_000, 20);
  const have = await nats.messages('SYNC_IN');
  nats.close();
  if (!done) throw new Error(`only ${have} of ${wanted} arrived`);
  return (Date.now() - began) / 1_000;
}

async function startSource(folder) {
  const postgres = new Postgres(folder);
  await postgres.create(password);
  await postgres.sql('CREATE DATABASE erp', 'postgres');
  await postgres.sql(`CREATE TABLE items(id bigint PRIMARY KEY, a text, b text, c text, d text,
    n bigint, stage text, amount numeric(12,2))`);
  await postgres.sql(`INSERT INTO items SELECT i, i || repeat('x', 40), repeat('y', 40),
    repeat('z', 40), repeat('w', 28), i, 'open', 1250.75 FROM generate_series(1, ${rows}) i`);
  await postgres.sql('CHECKPOINT');
  return postgres;
}

async function startNats(folder) {
  const port = await freePort();
  const config = path.join(folder, 'nats.conf');
  writeFileSync(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}/js" }\n`);
  await start('nats', path.join(root, 'build/deps/nats-server-newest'), ['-c', config],
    { folder, ready: /Server is ready/ });
  return port;
}

/** A client of the slot that does nothing with what it receives; up to `end`, if there is one. */
const startAlone = (postgres, folder, end = '') => start('pg_recvlogical',
  path.join(postgres.bin, 'pg_recvlogical'), ['-h', '127.0.0.1', '-p', String(postgres.port), '-U',
    'erp_admin', '-d', 'erp', '--slot', 'alone', '--start', ...(end ? ['--endpos', end] : []),
    '--no-loop', '-F', '0', '-f', '/dev/null', '-o', 'proto_version=1', '-o',
    'publication_names=syncline'], { folder, env: { PGPASSWORD: password } });

const walEnd = async (postgres) => (await postgres.sql('SELECT pg_current_wal_lsn()'))[0][0];

/** Until all that was changed so far was sent to it. */
async function sentAlone(postgres) {
  const sent = `SELECT 1 FROM pg_stat_replication WHERE application_name = 'pg_recvlogical'
    AND sent_lsn >= '${await walEnd(postgres)}'`;
  const done = await until(async () => (await postgres.sql(sent)).length > 0, 600_000, 20);
  if (!done) throw new Error('pg_recvlogical did not follow');
}

async function secondsOf(work) {
  const began = Date.now();
  await work();
  return (Date.now() - began) / 1_000;
}

/** Changes rows one by one, as applications do. */
async function changeSteadily(postgres, folder) {
  const script = path.join(folder, 'change.sql');
  writeFileSync(script, `\\set id random(1, ${rows})\nUPDATE items SET n = n + 1 WHERE id = :id;\n`);
  const child = await start('pgbench', path.join(postgres.bin, 'pgbench'), ['-h', '127.0.0.1', '-p',
    String(postgres.port), '-U', 'erp_admin', '-n', '-M', 'prepared', '-c', String(clients), '-t',
    String(steady / clients), '-f', script, 'erp'], { folder, env: { PGPASSWORD: password } });
  const { code } = await child.end;
  if (code !== 0) throw new Error(`pgbench failed; see ${child.logFile}`);
}

async function oneRun() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-bench-'));
  if (process.getuid() === 0) execFileSync('chmod', ['711', folder]);
  try {
    const postgres = await startSource(folder);
    const port = await startNats(folder);
    const nats = `nats://127.0.0.1:${port}`;
    const hub = await start('hub', path.join(bin, 'syncline-hub'), ['--server', nats, '--id',
      'bench', '--policy', path.join(root, 'tests/bench/policy')],
    { folder, ready: /hub is ready/ });
    process.kill(hub.pid, 'SIGSTOP');
    const file = path.join(folder, 'agent.toml');
    writeFileSync(file, agentFile(folder, nats, postgres.port));
    const startAgent = (ready) => start('agent', path.join(bin, 'syncline-agent'),
      ['--config', file], { folder, env: { BENCH_PASSWORD: password }, ready, limitMs: 900_000 });
    const began = Date.now();
    const read = arrived(port, rows);
    const agent = await startAgent(/was read whole/);
    const initial = rows / ((Date.now() - began) / 1_000);
    const initialStream = rows / await read;
    // The slot is followed from here on.
    const slot = "SELECT slot_name FROM pg_replication_slots WHERE active";
    await until(async () => (await postgres.sql(slot)).length > 0, 60_000);
    const followed = arrived(port, rows + steady);
    const making = await secondsOf(() => changeSteadily(postgres, folder));
    const taking = await followed;
    const stream = steady / taking;
    await agent.stop();  // Nothing reads its slot while the rows are changed.
    await postgres.sql("SELECT pg_create_logical_replication_slot('alone', 'pgoutput')");
    let client = await startAlone(postgres, folder);
    const steadyAlone = steady / await secondsOf(async () => {
      await changeSteadily(postgres, folder);
      await sentAlone(postgres);
    });
    await client.stop('SIGINT');
    await postgres.sql("SELECT pg_replication_slot_advance('alone', pg_current_wal_lsn())");
    for (let at = 0; at < changes; at += 1_000) {
      await postgres.sql(`UPDATE items SET n = n + 1 WHERE id > ${at} AND id <= ${at + 1_000}`);
    }
    const end = await walEnd(postgres);
    const backlogAlone = changes / await secondsOf(async () => {
      client = await startAlone(postgres, folder, end);
      await client.end;
    });
    const streamed = arrived(port, rows + 2 * steady + changes);
    await startAgent();
    const backlog = (steady + changes) / await streamed;
    process.kill(hub.pid, 'SIGCONT');
    return { initial_rows_per_s: initial, initial_stream_per_s: initialStream,
      stream_per_s: stream, alone_per_s: steadyAlone, stream_ratio: stream / steadyAlone,
      stream_late_s: taking - making, backlog_per_s: backlog, backlog_alone_per_s: backlogAlone,
      backlog_ratio: backlog / backlogAlone };
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

const figures = [];
for (let i = 0; i < runs; i += 1) {
  figures.push(await oneRun());
  const { initial_rows_per_s: initial, stream_ratio: ratio } = figures.at(-1);
  console.error(`run ${i + 1} of ${runs}: ${Math.round(initial)} rows/s, stream ${ratio.toFixed(3)}`);
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const result = { bench: 'cdc', runs, rows, changes };
for (const name of Object.keys(figures[0])) {
  result[name] = Math.round(median(figures.map((run) => run[name])) * 1_000) / 1_000;
}
result.load_1min = os.loadavg()[0];
console.log(JSON.stringify(result));

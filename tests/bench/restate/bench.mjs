// What Restate pays for a durable step: many instances of service.mjs in a Restate server of its
// own, to be held beside `tests/bench/run workflow`. One JSON line: medians. See tests/README.md
// for what is equal between the two and what is not.
//
// Restate runs as it comes: a single node with all roles, 24 partitions, a log of one replica in
// RocksDB whose write-ahead log is flushed to disk (fsync) before a step counts as kept. JetStream
// as it comes flushes every two minutes; `--no-fsync` takes that difference away.
import { fork } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, Program, sleep, start, stopAll, until }
  from '../../../configs/demo/lib/processes.mjs';

const quick = process.argv.includes('--quick');
const fsync = !process.argv.includes('--no-fsync');
const runsAt = process.argv.indexOf('--runs');
const runs = runsAt > 0 ? Math.max(1, Number(process.argv[runsAt + 1]) || 1) : quick ? 1 : 5;
const instances = quick ? 500 : 20_000;
const warmUp = instances / 20;
const stepsEach = 3;
const sendsAtOnce = 64;
const finishMostMs = quick ? 60_000 : 300_000;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Seconds of CPU that a process has used: user and system, all its threads. */
function cpu(pid) {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
  return (Number(words[11]) + Number(words[12])) / 100;
}

const tail = (file) => readFileSync(file, 'utf8').slice(-2_000);

function serverProgram() {
  const name = `@restatedev/restate-server-linux-${os.arch()}`;
  return createRequire(import.meta.url).resolve(`${name}/bin/restate-server`);
}

async function call(url, body) {
  const answer = await fetch(url, body && {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 500)}`);
  return text;
}

async function startServer(folder) {
  const [fabric, ingress, admin] = [await freePort(), await freePort(), await freePort()];
  const config = path.join(folder, 'restate.toml');
  writeFileSync(config, `node-name = "bench"
base-dir = "${folder}/restate"
disable-telemetry = true
listen-mode = "tcp"
bind-address = "127.0.0.1:${fabric}"
[ingress]
bind-address = "127.0.0.1:${ingress}"
[admin]
bind-address = "127.0.0.1:${admin}"
[log-server]
rocksdb-disable-wal-fsync = ${!fsync}
`);
  const { pid } = await start('restate', serverProgram(), ['--no-logo', '--config-file', config],
    { folder });
  const [starts, control] = [`http://127.0.0.1:${ingress}`, `http://127.0.0.1:${admin}`];
  const ready = await until(async () => (await fetch(`${starts}/restate/health`)).ok
    && (await fetch(`${control}/health`)).ok);
  if (!ready) throw new Error(`restate-server is not ready:\n${tail(`${folder}/restate.log`)}`);
  return { pid, starts, control };
}

async function startService(folder) {
  const log = openSync(path.join(folder, 'service.log'), 'a');
  const child = fork(fileURLToPath(new URL('service.mjs', import.meta.url)),
    { env: { ...process.env, RESTATE_LOGGING: 'ERROR' }, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  const service = new Program('service', child, path.join(folder, 'service.log'));
  child.on('message', (told) => Object.assign(service, told));
  if (!await until(async () => service.port)) throw new Error('the service is not ready');
  return service;
}

/** One way and with a bound on what is unanswered; resolves when all are stored. */
async function send(server, first, count) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: sendsAtOnce });
  const headers = { 'content-type': 'application/json' };
  const one = (number) => new Promise((resolve, reject) => {
    const request = http.request(`${server.starts}/process/run/send`,
      { agent, headers, method: 'POST' }, (answer) => {
        answer.resume().once('end', () => (answer.statusCode === 202
          ? resolve() : reject(new Error(`a send was answered ${answer.statusCode}`))));
      });
    request.once('error', reject);
    request.end(JSON.stringify({ number: String(number) }));
  });
  let next = first;
  const sender = async () => {
    while (next < first + count) {
      next += 1;
      await one(next - 1);
    }
  };
  await Promise.all(Array.from({ length: sendsAtOnce }, sender));
  agent.destroy();
}

async function finish(service, count) {
  if (await until(async () => service.finished === count, finishMostMs, 10)) return;
  const seconds = finishMostMs / 1_000;
  throw new Error(`${count} instances took over ${seconds} s:\n${tail(service.logFile)}`);
}

/** That the server itself holds every instance as succeeded. */
async function check(server, count) {
  const query = "SELECT count(*) AS n FROM sys_invocation WHERE completion_result = 'success'";
  const { rows } = JSON.parse(await call(`${server.control}/query`, { query }));
  if (rows[0].n !== count) throw new Error(`only ${rows[0].n} of ${count} instances succeeded`);
}

async function oneRun(folder) {
  const server = await startServer(folder);
  const service = await startService(folder);
  try {
    await call(`${server.control}/deployments`, { uri: `http://127.0.0.1:${service.port}` });
    service.child.send({ expect: warmUp });
    await send(server, 0, warmUp);
    await finish(service, warmUp);
    await sleep(1_000);

    const before = { server: cpu(server.pid), service: cpu(service.pid) };
    service.child.send({ hold: true, expect: warmUp + instances });
    await send(server, warmUp, instances);
    const intake = cpu(server.pid) - before.server;
    const begin = performance.now();
    service.child.send({});
    await finish(service, warmUp + instances);
    const seconds = (performance.now() - begin) / 1e3;
    await sleep(1_000); // As workflow_bench.cc: until nothing follows any more.
    const serverS = cpu(server.pid) - before.server;
    const serviceS = cpu(service.pid) - before.service;
    await check(server, warmUp + instances);
    const steps = instances * stepsEach;
    return {
      server_cpu_s: serverS,
      intake_cpu_s: intake,
      service_cpu_s: serviceS,
      steps_per_s: steps / seconds,
      steps_per_cpu_s: steps / serverS,
      steps_per_cpu_s_after_intake: steps / (serverS - intake),
      steps_per_cpu_s_with_service: steps / (serverS + serviceS),
    };
  } finally {
    await service.stop();
  }
}

async function inFolder(work) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const end = () => stopAll().then(remove).then(() => process.exit(1));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    return await work(folder);
  } finally {
    await stopAll();
    remove();
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

const figures = [];
for (let i = 0; i < runs; i += 1) {
  figures.push(await inFolder(oneRun));
  console.error(`run ${i + 1} of ${runs}: ${JSON.stringify(figures.at(-1))}`);
}
const result = { bench: 'restate', runs, instances, steps: instances * stepsEach, fsync };
for (const name of Object.keys(figures[0])) {
  result[name] = Math.round(median(figures.map((run) => run[name])) * 100) / 100;
}
console.log(JSON.stringify(result));

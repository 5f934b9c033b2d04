// What an agent costs: memory idle and under load, size, start, CPU for each change. A real
// nats-server and hub; the source is a folder of JSONL files. Prints one JSON line.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync }
  from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Nats } from '../../configs/demo/lib/nats.mjs';
import { freePort, sleep, start, stopAll, until } from '../../configs/demo/lib/processes.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin = path.resolve(process.argv[2]);
const quick = process.argv.includes('--quick');
const changes = quick ? 2_000 : 50_000;

const rss = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);

/** Seconds of CPU that a process has used. */
function cpu(pid) {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
  return (Number(words[11]) + Number(words[12])) / 100;
}

function switches(pid) {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8')
    .match(/\nvoluntary_ctxt_switches:\s+(\d+)/)[1]);
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-bench-'));
try {
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const config = path.join(folder, 'nats.conf');
  writeFileSync(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}/js" }\n`);
  await start('nats', path.join(root, 'build/deps/nats-server-newest'), ['-c', config],
    { folder, ready: /Server is ready/ });
  await start('hub', path.join(bin, 'syncline-hub'), ['--server', url, '--id', 'bench', '--policy',
    path.join(root, 'tests/bench/policy')], { folder, ready: /hub is ready/ });
  const drops = path.join(folder, 'drops');
  mkdirSync(path.join(drops, 'in'), { recursive: true });
  const file = path.join(folder, 'agent.toml');
  writeFileSync(file, readFileSync(path.join(root, 'tests/bench/agent.toml'), 'utf8')
    .replaceAll('{folder}', folder).replaceAll('{nats}', url));
  const before = process.hrtime.bigint();
  const agent = await start('agent', path.join(bin, 'syncline-agent'), ['--config', file],
    { folder, ready: /agent is ready/ });
  const startMs = Number(process.hrtime.bigint() - before) / 1e6;

  await sleep(6_000);
  const idle = rss(agent.pid);
  const switchesBefore = switches(agent.pid);
  await sleep(10_000);
  const wakes = (switches(agent.pid) - switchesBefore) / 10;

  const lines = [];
  for (let i = 0; i < changes; i += 1) {
    lines.push(JSON.stringify({ id: `r${i}`, a: `${i}${'x'.repeat(40)}`, b: 'y'.repeat(40),
      c: 'z'.repeat(40), d: 'w'.repeat(28), n: i, stage: 'open', amount: '1250.75' }));
  }
  const staged = path.join(folder, 'load.jsonl');
  writeFileSync(staged, `${lines.join('\n')}\n`);
  const cpuBefore = cpu(agent.pid);
  copyFileSync(staged, path.join(drops, 'in', 'load.part'));
  renameSync(path.join(drops, 'in', 'load.part'), path.join(drops, 'in', 'load.jsonl'));
  const nats = await Nats.open(port);
  let load = 0;
  const done = await until(async () => {
    load = Math.max(load, rss(agent.pid));
    return (await nats.messages('SYNC_IN')) >= changes;
  }, 300_000, 50);
  if (!done) throw new Error(`only ${await nats.messages('SYNC_IN')} of ${changes} arrived`);
  const used = cpu(agent.pid) - cpuBefore;
  nats.close();
  const stripped = path.join(folder, 'stripped');
  execFileSync('strip', ['-o', stripped, path.join(bin, 'syncline-agent')]);
  console.log(JSON.stringify({ bench: 'agent', idle_rss_kib: idle, load_rss_kib: load,
    binary_kib: Math.round(statSync(stripped).size / 1024), start_ms: Math.round(startMs),
    cpu_us_per_change: Math.round((used / changes) * 1e7) / 10, idle_wakeups_per_s: wakes,
    changes }));
} finally {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
}

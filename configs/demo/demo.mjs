// The demo: three platforms kept in agreement. See `configs/demo/run --help`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Installation } from './lib/installation.mjs';
import { RealInstallation } from './lib/real/installation.mjs';
import { scenes as realScenes } from './lib/real/scenes.mjs';
import { stopAll } from './lib/processes.mjs';
import { bold, claim, dim, note, step, summary } from './lib/report.mjs';
import { scenes as standInScenes } from './lib/scenes.mjs';

const check = process.argv.includes('--check');
const real = process.argv.includes('--real');
const scenes = real ? realScenes : standInScenes;

function showStatus(all) {
  const [program, args] = all.ctl('status');
  const status = spawnSync(program, args, { encoding: 'utf8' });
  console.log((status.stdout || status.stderr).split('\n').map((line) => `  ${line}`).join('\n'));
}

function showWhere(all) {
  step('It goes on running. Try it by hand:');
  for (const line of all.where()) note(line);
  note(`NATS                         ${all.values.nats}`);
  note(`API of a hub                 ${all.apis['hub-1']}`);
  note(`logs and files               ${all.folder}`);
  const ctl = `build/release/bin/synclinectl --server ${all.values.nats}`;
  note('');
  note(`${ctl} status`);
  note(`${ctl} entity show customer <email or number>`);
  note(`${ctl} log customer <email or number>`);
  note(`${ctl} tap`);
  note(`${ctl} ask order_check customer=<number> amount=100`);
  if (!real) note(`${ctl} ask case_context customer=<number>`);
  note(`${ctl} workflows list; workflows show <instance>; approvals list`);
  note(`${ctl} events show; webhooks show warehouse`);
  note(dim('Edit a customer in the CRM and watch the ERP:'));
  note(`curl -s -X POST ${all.values.crm_url}/__control/create -d '{"object":"Account",`
    + '"fields":{"Name":"Me","Email__c":"me@here.example","Stage__c":"Prospect"}}\'');
}

async function main() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-demo-'));
  chmodSync(folder, 0o711); // PostgreSQL runs as another user and must reach its data.
  const all = real ? new RealInstallation(folder) : new Installation(folder);
  let keep = !check;
  const end = async (code) => {
    await stopAll();
    if (!keep) rmSync(folder, { recursive: true, force: true });
    process.exit(code);
  };
  process.on('SIGINT', () => end(130));
  process.on('SIGTERM', () => end(143));
  try {
    console.log(bold(`Syncline: a CRM, an ERP and a support desk, kept in agreement${real
      ? '; the ERP is Tryton, the desk is Request Tracker' : ''}`));
    console.log(dim(`  files and logs: ${folder}`));
    step('Starting NATS, three platforms, two hubs, three agents');
    await all.startAll();
    const memory = {};
    for (const scene of scenes) await scene(all, memory);
    step('What the hubs and agents say');
    showStatus(all);
    if (check) {
      const code = summary();
      keep = code !== 0;
      if (keep) console.log(dim(`logs are kept: ${folder}`));
      return await end(code);
    }
    showWhere(all);
    const ask = createInterface({ input: process.stdin, output: process.stdout });
    await ask.question('\nEnter ends everything. ');
    ask.close();
    keep = false;
    return await end(summary());
  } catch (error) {
    claim(false, error.message);
    console.log(dim(`logs are kept: ${folder}`));
    keep = true;
    summary();
    return end(1);
  }
}

await main();

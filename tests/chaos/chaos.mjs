// Real programs under kill -9: see `tests/chaos/run --help`.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Installation } from '../../configs/demo/lib/installation.mjs';
import { sleep, stopAll, until } from '../../configs/demo/lib/processes.mjs';
import { claim, dim, note, step, summary } from '../../configs/demo/lib/report.mjs';
import { Random } from '../support/random.mjs';

const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const kills = option('--kills', 60);
const seed = option('--seed', Date.now() % 1_000_000);

const killed9 = (program) => program.stop('SIGKILL');
const victimsOf = (all) => [
  ...Object.keys(all.hubs).map((id) => ({ name: id, kill: () => killed9(all.hubs[id]),
    start: () => all.startHub(id) })),
  ...Object.keys(all.agents).map((id) => ({ name: `agent of ${id}`,
    kill: () => killed9(all.agents[id]), start: () => all.startAgent(id) })),
  { name: 'nats-server', kill: () => killed9(all.natsProgram), start: () => all.startNats() },
  // All its processes at once: after a kill -9 of one it waits for the others to notice.
  { name: 'PostgreSQL of the ERP', kill: () => all.erp.kill(), start: () => all.erp.start() },
];

/** What people do meanwhile; `customers` keeps what must be true in the end. */
async function work(all, random, customers) {
  const known = [...customers.values()];
  if (known.length === 0 || random.below(3) === 0) {
    const email = `c${customers.size}@chaos.example`;
    const customer = { email, name: `Customer ${customers.size}` };
    customer.id = await all.crm.create('Account', { Name: customer.name, Email__c: email,
      BillingCountry: 'GB', Stage__c: 'Prospect' });
    customers.set(email, customer);
    return;
  }
  const customer = random.pick(known);
  customer.name = `${customer.name.split(' v')[0]} v${random.below(1_000_000)}`;
  await all.crm.edit('Account', customer.id, { Name: customer.name });
}

async function oneKill(all, random) {
  const victim = random.pick(victimsOf(all));
  await sleep(random.below(1_500));
  await victim.kill();
  await sleep(random.below(1_500));
  await victim.start();
  return victim.name;
}

/** Is the customer on both other platforms once, with its last name, and numbered in the CRM? */
async function faultsOf(all, customer) {
  const faults = [];
  const erp = await all.erp.sql(
    `SELECT name, number FROM erp.customers WHERE email = '${customer.email}'`);
  if (erp.length !== 1) faults.push(`${erp.length} rows in the ERP`);
  else if (erp[0][0] !== customer.name) faults.push(`"${erp[0][0]}" in the ERP`);
  const support = (await all.support.rows('core_company'))
    .filter((row) => row.u_email === customer.email);
  if (support.length !== 1) faults.push(`${support.length} at the support desk`);
  else if (support[0].name !== customer.name) faults.push(`"${support[0].name}" at support`);
  const crm = await all.crm.find('Account', 'Id', customer.id);
  if (crm?.Name !== customer.name) faults.push(`"${crm?.Name}" in the CRM`);
  if (erp.length === 1 && crm?.AccountNumber !== erp[0][1]) faults.push('its number is not back');
  return faults;
}

async function main() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'syncline-chaos-'));
  chmodSync(folder, 0o711); // PostgreSQL runs as another user and must reach its data.
  const all = new Installation(folder);
  const random = new Random(seed);
  const customers = new Map();
  const killed = {};
  let code = 1;
  try {
    step(`kill -9 of any process, ${kills} times`, `seed ${seed}; files and logs: ${folder}`);
    await all.startAll();
    for (let i = 0; i < kills; i += 1) {
      let working = true;
      const people = (async () => {
        while (working) {
          await work(all, random, customers);
          await sleep(100 + random.below(400));
        }
      })();
      const name = await oneKill(all, random);
      killed[name] = (killed[name] ?? 0) + 1;
      working = false;
      await people;
      if ((i + 1) % 10 === 0) note(dim(`${i + 1} killed, ${customers.size} customers`));
    }
    note(Object.entries(killed).map(([name, count]) => `${name} ${count}`).join(', '));
    let wrong = [];
    await until(async () => {
      wrong = [];
      for (const customer of customers.values()) {
        const faults = await faultsOf(all, customer);
        if (faults.length > 0) wrong.push(`${customer.email}: ${faults.join(', ')}`);
      }
      return wrong.length === 0;
    }, 180_000, 2_000);
    for (const line of wrong.slice(0, 20)) note(line);
    claim(wrong.length === 0,
      `${customers.size} customers are on all platforms once, as they were edited last`);
    code = summary();
  } catch (error) {
    claim(false, error.stack);
    summary();
  }
  await stopAll();
  if (code === 0) rmSync(folder, { recursive: true, force: true });
  else console.log(dim(`logs are kept: ${folder}`));
  process.exit(code);
}

main();

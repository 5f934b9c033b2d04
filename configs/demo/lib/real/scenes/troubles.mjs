// What breaks, and what nobody tells of.
import { sleep, until } from '../../processes.mjs';
import { claim, note, step } from '../../report.mjs';
import { account, exceptionOf, onlyParty, prospect, quiet } from './look.mjs';

export async function outage(all, memory) {
  step('14. Tryton is down for a while',
    'A prospect is edited again and again meanwhile; Tryton gets what holds in the end.');
  memory.loom = await prospect(all, 'Loom Works', 'office@loom.example');
  await quiet(all, 3_000);
  await all.erpProgram.stop();
  note('Tryton and its PostgreSQL are stopped');
  for (let round = 1; round <= 5; round += 1) {
    await all.crm.edit('Account', memory.loom.crm, { Name: `Loom Works, edit ${round}` });
    await sleep(1_000);
  }
  const made = await all.crm.create('Account', { Name: 'Mill', Email__c: 'm@mill.example',
    BillingCountry: 'GB', Stage__c: 'Prospect' });
  await all.startErp();
  note('they are back');
  const caught = await until(async () => (await all.erp.party(memory.loom.erp))?.name
    === 'Loom Works, edit 5', 90_000);
  claim(caught, 'it caught up to the newest name');
  const mill = await until(() => onlyParty(all, 'Mill'), 60_000);
  const numbered = await until(async () => (await account(all, made))?.AccountNumber
    === String(mill?.id), 60_000);
  claim(numbered, 'who was made meanwhile is there, too', `party ${mill?.id}`);
}

export async function killed(all) {
  step('15. Everything is killed', 'kill -9 of all agents and hubs while a customer is on its way.');
  await all.crm.create('Account', { Name: 'Jacquard & Sons', Email__c: 'jj@jacquard.example',
    BillingCountry: 'FR', Stage__c: 'Prospect' });
  await sleep(1_200);
  await Promise.all([...Object.values(all.agents), ...Object.values(all.hubs)]
    .map((program) => program.stop('SIGKILL')));
  for (const hub of Object.keys(all.hubs)) await all.startHub(hub);
  for (const platform of Object.keys(all.agents)) await all.startAgent(platform);
  const there = await until(() => onlyParty(all, 'Jacquard & Sons'), 90_000);
  claim(there, 'the party is made', `party ${there?.id}`);
  await quiet(all, 4_000);
  const count = (await all.erp.parties('Jacquard & Sons')).length;
  claim(count === 1, 'once', `${count} party`);
}

/** A full read of everything, once it is through. */
const reconcile = async (all) => (await all.data('reconcile', 'run', '--wait', '90s'))
  .reconciliations ?? [];

export async function untold(all, memory) {
  step('16. What nobody told of is found',
    'Somebody works on Tryton\'s table past Tryton, so that no stamp tells; then all is read.');
  all.erpSql(`UPDATE party_party SET name = 'Nobody' WHERE id = ${memory.loom.erp}`);
  await sleep(3_000);
  claim((await all.erp.party(memory.loom.erp)).name === 'Nobody', 'no stamp has told of it');
  const first = await reconcile(all);
  const erp = first.find((row) => row.object === 'customer' && row.platform === 'erp');
  claim(erp?.different === 1, 'the full read finds the one record that differs',
    JSON.stringify(erp));
  const back = await until(async () => (await all.erp.party(memory.loom.erp))?.name
    === 'Loom Works, edit 5', 30_000);
  claim(back, "its owner's value is back");
  await quiet(all, 3_000);
  const asked = Date.now();
  const second = await reconcile(all);
  const proven = (object, platform) => second.some((row) => row.object === object
    && row.platform === platform && row.different === 0
    && Date.parse(row.verified_through ?? 0) >= asked);
  claim(proven('customer', 'erp') && proven('order', 'erp') && proven('case', 'support'),
    'another full read proves that Tryton, desk and Syncline agree');
  for (const line of (await all.run('reconcile', 'list')).text.trim().split('\n')) note(line);
}

export async function deleted(all, memory) {
  step('17. An exception: somebody deletes a party',
    'In Tryton a deleted record leaves nothing behind; a full read misses it, a person decides.');
  await all.erp.deleteParty(memory.loom.erp);
  await reconcile(all);
  const open = await exceptionOf(all, 'delete.review', 'customer', 'office@loom.example');
  claim(open?.platform === 'erp', 'it waits for a person', open && `${open.kind}@${open.platform}`);
  claim((await account(all, memory.loom.crm)) !== null, 'the CRM still has the customer');
  const said = await all.run('exceptions', 'reject', 'customer', 'office@loom.example',
    'delete.review', '--reason', 'a slip of the hand');
  claim(said.code === 0, 'somebody says that it was not meant', said.text.trim());
  const again = await until(() => onlyParty(all, 'Loom Works, edit 5'), 60_000);
  claim(again && again.id !== memory.loom.erp, 'Tryton has the party again',
    `party ${memory.loom.erp} was deleted, ${again?.id} is made`);
}

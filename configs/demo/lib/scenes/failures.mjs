// What breaks: a platform, a connection, hubs, agents.
import { sleep, until } from '../processes.mjs';
import { claim, note, step } from '../report.mjs';
import { customerRow, quiet, writes } from './look.mjs';

export async function outage(all) {
  step('10. The ERP is down for a while',
    'Prospects are edited again and again meanwhile; the ERP is told once each when it is back.');
  const ids = [];
  for (let i = 1; i <= 3; i += 1) {
    ids.push(await all.crm.create('Account', { Name: `Loom ${i}`, Email__c: `loom${i}@mill.example`,
      BillingCountry: 'GB', Stage__c: 'Prospect' }));
  }
  const there = await until(async () => Number((await all.erp.sql(
    "SELECT count(*) FROM erp.customers WHERE name LIKE 'Loom %'"))[0][0]) === 3);
  claim(there, 'three prospects are in the ERP');
  await quiet(all, 3_000);
  const before = await writes(all.erp);
  await all.erp.kill();
  note('PostgreSQL is stopped');
  for (let round = 1; round <= 5; round += 1) {
    for (const [i, id] of ids.entries()) {
      await all.crm.edit('Account', id, { Name: `Loom ${i + 1}, edit ${round}` });
    }
    await sleep(1_500);
  }
  await all.erp.start();
  note('PostgreSQL is back');
  const caught = await until(async () => Number((await all.erp.sql(
    "SELECT count(*) FROM erp.customers WHERE name LIKE 'Loom %, edit 5'"))[0][0]) === 3, 60_000);
  claim(caught, 'all three caught up to the newest name');
  const told = (await writes(all.erp)) - before;
  claim(told === 3, '15 edits cost 3 writes', `${told} writes`);
}

export async function lostReply(all) {
  step('11. A lost reply makes no second record',
    'The support desk makes the company, then the connection dies before it says so.');
  await all.support.fault({ kind: 'drop_reply_after_commit', method: 'POST',
    path: '/table/core_company', count: 1 });
  await all.crm.create('Account', { Name: 'Difference Works', Email__c: 'cb@difference.example',
    BillingCountry: 'GB', Stage__c: 'Prospect' });
  const made = await until(() => all.support.find('core_company', 'u_email',
    'cb@difference.example'));
  claim(made !== null, 'the company is there, though nobody heard so');
  await quiet(all, 4_000);
  const rows = (await all.support.rows('core_company'))
    .filter((row) => row.u_email === 'cb@difference.example');
  claim(rows.length === 1, 'and there is exactly one', `${rows.length} row`);
  await all.support.clear();
}

export async function takeover(all) {
  step('12. A hub is killed',
    'kill -9; the other takes its partitions over and nothing is missed.');
  const victim = 'hub-1';
  await all.hubs[victim].stop('SIGKILL');
  delete all.hubs[victim];
  const name = 'Jacquard & Sons';
  await all.crm.create('Account', { Name: name, Email__c: 'jj@jacquard.example',
    BillingCountry: 'FR', Stage__c: 'Prospect' });
  const all64 = await until(async () => (await all.partitions())['hub-2'] === 64, 40_000);
  claim(all64, 'the other hub holds all 64 partitions');
  const there = await until(async () => (await customerRow(all.erp, 'jj@jacquard.example'))[0]);
  claim(there?.name === name, 'a customer made meanwhile is in the ERP');
  await all.startHub(victim);
  const shared = await until(async () => {
    const held = await all.partitions();
    return held['hub-1'] > 0 && held['hub-1'] + held['hub-2'] === 64;
  }, 40_000);
  claim(shared, 'started again, it gets its share back', JSON.stringify(await all.partitions()));
}

export async function killedAgent(all) {
  step('13. Everything is killed', 'kill -9 of all agents and hubs while an edit is on its way.');
  const id = (await all.crm.find('Account', 'Email__c', 'jj@jacquard.example'))?.Id;
  await all.crm.edit('Account', id, { Name: 'Jacquard & Daughters' });
  await sleep(1_200);
  await Promise.all([...Object.values(all.agents), ...Object.values(all.hubs)]
    .map((program) => program.stop('SIGKILL')));
  for (const hub of Object.keys(all.hubs)) await all.startHub(hub);
  for (const platform of Object.keys(all.agents)) await all.startAgent(platform);
  const there = await until(async () => (await customerRow(all.erp, 'jj@jacquard.example'))[0]
    ?.name === 'Jacquard & Daughters', 60_000);
  claim(there, 'the edit arrives');
  await quiet(all);
  const [[count]] = await all.erp.sql(
    "SELECT count(*) FROM erp.customers WHERE email = 'jj@jacquard.example'");
  claim(count === '1', 'once', `${count} row`);
}

// The scenes of the demo, in order. Each does what people do at the platforms and then looks at
// the platforms themselves: a claim holds only if they say so.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { quote } from './postgres.mjs';
import { claim, note, step } from './report.mjs';
import { sleep, until } from './processes.mjs';

const customerRow = async (erp, email) => (await erp.sql(
  `SELECT id, number, name, country, stage, credit_limit, phone FROM erp.customers
   WHERE email = ${quote(email)}`)).map(([id, number, name, country, stage, limit, phone]) => (
  { id, number, name, country, stage, limit, phone }));
const orderRows = (erp, number) => erp.sql(
  `SELECT id, erp_number, amount, status FROM erp.orders WHERE number = ${quote(number)}`);
const writes = async (erp) => Number((await erp.sql('SELECT count(*) FROM erp.writes'))[0][0]);

/** Nobody writes anything anywhere for a while: what circulates has died. */
async function quiet(all, forMs = 4_000) {
  const look = async () => [await all.crm.mutations(), await all.support.mutations(),
    await writes(all.erp)].join();
  for (let i = 0; i < 10; i += 1) {
    const before = await look();
    await sleep(forMs);
    if (before === await look()) return true;
  }
  return false;
}

async function founding(all, memory) {
  step('1. A customer is made in the CRM',
    'Sales owns a prospect. ERP and support desk are told; the ERP gives the customer number.');
  memory.email = 'ada@analytical.example';
  memory.crm = await all.crm.create('Account', { Name: 'Analytical Engines', Email__c: memory.email,
    Phone: '+44 20 7946 0001', BillingCountry: 'GB', Stage__c: 'Prospect' });
  const inErp = await until(async () => (await customerRow(all.erp, memory.email))[0]);
  claim(inErp?.name === 'Analytical Engines', 'the ERP has it, once',
    inErp && `row ${inErp.id}, number ${inErp.number}`);
  memory.erp = inErp?.id;
  memory.number = inErp?.number;
  const inSupport = await until(() => all.support.find('core_company', 'u_email', memory.email));
  claim(inSupport?.name === 'Analytical Engines', 'the support desk has it');
  memory.support = inSupport?.sys_id;
  const numbered = await until(async () => (await all.crm.find('Account', 'Id', memory.crm))
    ?.AccountNumber === memory.number);
  claim(numbered, 'the number that the ERP gave came back to the CRM', memory.number);
}

async function edits(all, memory) {
  step('2. Edits on each side', 'The owner of a field is followed by the others.');
  await all.crm.edit('Account', memory.crm, { Name: 'Analytical Engines Ltd' });
  const named = await until(async () => (await customerRow(all.erp, memory.email))[0]?.name
    === 'Analytical Engines Ltd');
  claim(named, 'a new name in the CRM reaches the ERP');
  await all.erp.sql(`UPDATE erp.customers SET credit_limit = 25000.50 WHERE id = ${memory.erp}`);
  const limit = await until(async () => Number((await all.crm.find('Account', 'Id', memory.crm))
    ?.CreditLimit__c) === 25000.5);
  claim(limit, 'a credit limit in the ERP reaches the CRM', '25000.50, exact');
  await all.support.edit('core_company', memory.support, { u_tier: 'gold' });
  const tier = await until(async () => (await all.crm.find('Account', 'Id', memory.crm))
    ?.Support_Tier__c === 'Gold');
  claim(tier, 'a support tier of the support desk reaches the CRM', 'gold is "Gold" there');
}

async function ownership(all, memory) {
  step('3. Who owns what depends on the stage',
    'The prospect becomes a customer; from then on its country is the ERP\'s.');
  await all.crm.edit('Account', memory.crm, { Stage__c: 'Customer' });
  const active = await until(async () => (await customerRow(all.erp, memory.email))[0]?.stage
    === 'active');
  claim(active, 'the CRM may still say that the prospect became a customer');
  await all.crm.edit('Account', memory.crm, { BillingCountry: 'FR' });
  const reverted = await until(async () => (await all.crm.find('Account', 'Id', memory.crm))
    ?.BillingCountry === 'GB');
  claim(reverted, 'its next edit of the country is reverted', 'FR is GB again in the CRM');
  const untouched = (await customerRow(all.erp, memory.email))[0]?.country === 'GB';
  claim(untouched, 'and never reached the ERP');
  await all.erp.sql(`UPDATE erp.customers SET country = 'IE' WHERE id = ${memory.erp}`);
  const moved = await until(async () => (await all.crm.find('Account', 'Id', memory.crm))
    ?.BillingCountry === 'IE');
  claim(moved, 'the ERP\'s own edit is followed', 'IE');
}

async function echoes(all) {
  step('4. An echo dies', 'Every write comes back as a change; none may be answered by a write.');
  claim(await quiet(all), 'all three platforms come to rest',
    `${await all.crm.mutations()} CRM, ${await all.support.mutations()} support, `
    + `${await writes(all.erp)} ERP writes in all`);
}

async function duplicates(all, memory) {
  step('5. A duplicate is dropped', 'The newest change of the CRM is stored in the stream again.');
  const before = [await all.crm.mutations(), await all.support.mutations(), await writes(all.erp)];
  const dropped = await all.count('duplicates');
  const change = await all.nats.last('SYNC_IN', 'sync.in.crm.*.chg.customer.*');
  const answer = JSON.parse((await all.nats.request(change.subject, change.body)).toString());
  note(`sequence ${change.seq} stored once more as ${answer.seq}`);
  const seen = await until(async () => (await all.count('duplicates')) > dropped);
  claim(seen, 'the hub knew it by its number');
  await sleep(1_500);
  const after = [await all.crm.mutations(), await all.support.mutations(), await writes(all.erp)];
  claim(before.join() === after.join(), 'no platform was written to', memory.email);
}

async function asking(all, memory) {
  step('6. Before an order is taken, the ERP is asked',
    'Somebody waits for the answer, so it does not go through the streams: any hub answers at once.');
  const yes = await all.ask('order_check', { customer: memory.number, amount: 1200.5 }, 'hub-1');
  claim(yes.verdict === 'yes' && yes.values.left === 23800, 'the order may be taken',
    `${yes.values?.left} would be left, from the ERP (${yes.parts?.credit.source}) in ${yes.ms} ms`);
  const no = await all.ask('order_check', { customer: memory.number, amount: 30000 }, 'hub-2');
  claim(no.verdict === 'no', 'a larger one may not', no.reasons?.join('; '));
  const unknown = await all.ask('order_check', { customer: 'C-9', amount: 1 });
  claim(unknown.verdict === 'unknown', 'of nobody nothing is known', unknown.reasons?.join('; '));
  const system = await all.ask('erp.credit_status', { customr: memory.number });
  claim(system.status === 400, 'a question that is misspelled is refused', system.error?.text);
}

async function ordering(all, memory) {
  step('7. An order goes to the ERP when it is confirmed',
    'A draft stays with sales. The CRM confirms; the ERP makes the order, and owns it from then on.');
  memory.order = await all.crm.create('Order__c', { Name: 'Q-7001',
    Customer_Number__c: memory.number, Amount__c: 1200.5, Currency__c: 'EUR', Status__c: 'Draft' });
  await sleep(4_000);
  claim((await orderRows(all.erp, 'Q-7001')).length === 0, 'the draft is not in the ERP');
  await all.crm.edit('Order__c', memory.order, { Status__c: 'Confirmed' });
  const made = await until(async () => (await orderRows(all.erp, 'Q-7001'))[0]);
  claim(made?.[2] === '1200.50' && made?.[3] === 'confirmed', 'the confirmed order is in the ERP',
    made && `${made[1]}, ${made[2]} EUR`);
  const known = await until(async () => (await all.crm.find('Order__c', 'Id', memory.order))
    ?.ERP_Number__c === made?.[1]);
  claim(known, 'its ERP number is in the CRM');
  await all.erp.sql("UPDATE erp.orders SET status = 'shipped' WHERE number = 'Q-7001'");
  const shipped = await until(async () => (await all.crm.find('Order__c', 'Id', memory.order))
    ?.Status__c === 'Shipped');
  claim(shipped, 'the shipment shows in the CRM');
  const events = JSON.parse(all.run('events', 'show', '--event', 'order', '--json').text).data.events;
  const types = events.map((event) => event.type).join();
  claim(types === 'order.confirmed.v1,order.shipped.v1', 'both were told as business events, once each',
    types);
}

async function cases(all, memory) {
  step('8. A case of the support desk', 'The CRM sees it; the desk\'s automation sets the priority.');
  const incident = await all.support.create('incident', { short_description: 'Cog is stuck',
    description: 'It grinds.', u_customer: memory.number, impact: '1', urgency: '2' });
  const seen = await until(async () => all.crm.find('Case', 'Subject', 'Cog is stuck'));
  claim(seen?.Priority === 'High', 'the case is in the CRM with the priority computed there',
    seen && `${seen.Support_Number__c}, ${seen.Priority}`);
  await all.support.edit('incident', incident, { state: '2' });
  const working = await until(async () => (await all.crm.find('Case', 'Subject', 'Cog is stuck'))
    ?.Status === 'Working');
  claim(working, 'its progress follows');
}

/** The policy in force with one rule more, as a directory of its own. */
function withRule(all, rule) {
  const folder = path.join(all.folder, 'proposed');
  all.run('policy', 'export', folder);
  const file = path.join(folder, 'customer.toml');
  const text = readFileSync(file, 'utf8');
  const place = text.indexOf('# ... which finance owns from then on.');
  writeFileSync(file, `${text.slice(0, place)}${rule}\n${text.slice(place)}`);
  return folder;
}

async function newPolicy(all, memory) {
  step('9. The rules are changed while everything runs',
    'From now on the country of a customer is to be the CRM\'s. What would that have done?');
  const folder = withRule(all, `[[objects.customer.own]]
fields    = ["country"]
owner     = "crm"
otherwise = "revert"
`);
  const plan = all.run('policy', 'plan', folder);
  for (const line of plan.text.split('\n').filter((one) => /^recorded|^customer +country/.test(one))) note(line);
  claim(/country +crm +reverted +accepted/.test(plan.text),
    'the plan shows the edit of scene 3, which would have been accepted');
  const name = plan.text.match(/^plan (\S+):/m)?.[1];
  const applied = all.run('policy', 'apply', folder, '--plan', name ?? '', '--reason', 'sales asked');
  for (const line of applied.text.trim().split('\n')) note(line);
  claim(/2 of 2 hubs decide by it/.test(applied.text), 'both hubs changed over at one input');
  await all.crm.edit('Account', memory.crm, { BillingCountry: 'FR' });
  const moved = await until(async () => (await customerRow(all.erp, memory.email))[0]?.country
    === 'FR');
  claim(moved, 'the same edit now reaches the ERP', 'FR');
  const blame = all.run('blame', 'customer', memory.email, 'country').text;
  claim(/policy +2 \(/.test(blame) && /customer\.toml:\d+/.test(blame),
    'and it can be explained', blame.match(/rule +(\S+)/)?.[1]);
  const again = all.run('policy', 'apply', folder, '--plan', name ?? '', '--reason', 'twice');
  claim(again.code === 5, 'the plan cannot be applied twice', again.text.trim());
}

async function outage(all) {
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

async function lostReply(all) {
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

async function takeover(all) {
  step('12. A hub is killed', 'kill -9; the other takes its partitions over and nothing is missed.');
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

async function killedAgent(all) {
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

async function reconciled(all) {
  step('14. What nobody told of is found',
    'Somebody works on the ERP\'s table past its log; then everything is read and compared.');
  await all.erp.sql('ALTER PUBLICATION syncline DROP TABLE erp.customers');
  await all.erp.sql("UPDATE erp.customers SET name = 'Nobody' WHERE email = 'jj@jacquard.example'");
  await all.erp.sql('ALTER PUBLICATION syncline ADD TABLE erp.customers');
  const run = () => {
    const { text } = all.run('reconcile', 'run', '--wait', '90s', '--json');
    const { data } = JSON.parse(text);
    return { rows: data.reconciliations ?? [], pairs: data.pairs ?? [] };
  };
  const of = (result, object, platform) => result.rows
    .find((row) => row.object === object && row.platform === platform) ?? {};
  const first = run();
  claim(of(first, 'customer', 'erp').different === 1, 'the run finds the one record that differs',
    JSON.stringify(of(first, 'customer', 'erp')));
  const back = await until(async () => (await customerRow(all.erp, 'jj@jacquard.example'))[0]
    ?.name === 'Jacquard & Daughters', 30_000);
  claim(back, "its owner's value is back");
  await quiet(all);
  const asked = Date.now();
  const second = run();
  const proven = second.rows.filter((row) => Date.parse(row.verified_through ?? 0) >= asked);
  claim(of(second, 'customer', 'erp').different === 0, 'another run finds nothing');
  claim(proven.length > 0, 'what is equal is proven so from then on',
    `${proven.length} of ${second.rows.length}`);
  for (const line of all.run('reconcile', 'list').text.trim().split('\n')) note(line);
}

export const scenes = [founding, edits, ownership, echoes, duplicates, asking, ordering, cases, newPolicy, outage,
  lostReply, takeover, killedAgent, reconciled];

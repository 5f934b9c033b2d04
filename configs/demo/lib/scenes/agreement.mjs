// Three platforms that agree: who owns what, echoes, duplicates, questions, orders, cases.
import { ask } from '../hub_api.mjs';
import { sleep, until } from '../processes.mjs';
import { claim, note, step } from '../report.mjs';
import { customerRow, orderRows, quiet, writes } from './look.mjs';

export async function founding(all, memory) {
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

export async function edits(all, memory) {
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

export async function ownership(all, memory) {
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

export async function echoes(all) {
  step('4. An echo dies', 'Every write comes back as a change; none may be answered by a write.');
  claim(await quiet(all), 'all three platforms come to rest',
    `${await all.crm.mutations()} CRM, ${await all.support.mutations()} support, `
    + `${await writes(all.erp)} ERP writes in all`);
}

export async function duplicates(all, memory) {
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

export async function asking(all, memory) {
  step('6. Before an order is taken, the ERP is asked',
    'Somebody waits for it, so it does not go through the streams: any hub answers at once.');
  const yes = await ask(all, 'order_check', { customer: memory.number, amount: 1200.5 }, 'hub-1');
  claim(yes.verdict === 'yes' && yes.values.left === 23800, 'the order may be taken',
    `${yes.values?.left} would be left, from the ERP (${yes.parts?.credit.source}), ${yes.ms} ms`);
  const no = await ask(all, 'order_check', { customer: memory.number, amount: 30000 }, 'hub-2');
  claim(no.verdict === 'no', 'a larger one may not', no.reasons?.join('; '));
  const unknown = await ask(all, 'order_check', { customer: 'C-9', amount: 1 });
  claim(unknown.verdict === 'unknown', 'of nobody nothing is known', unknown.reasons?.join('; '));
  const system = await ask(all, 'erp.credit_status', { customr: memory.number });
  claim(system.http === 400, 'a question that is misspelled is refused', system.error?.text);
}

export async function ordering(all, memory) {
  step('7. An order goes to the ERP when it is confirmed',
    'A draft stays with sales. The CRM confirms; the ERP makes the order, and owns it then.');
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
  const events = (await all.data('events', 'show', '--event', 'order')).events;
  const types = events.map((event) => event.type).join();
  claim(types === 'order.confirmed.v1,order.shipped.v1',
    'both were told as business events, once each', types);
}

export async function cases(all, memory) {
  step('8. A case of the support desk',
    'The CRM sees it; the desk\'s automation sets the priority.');
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

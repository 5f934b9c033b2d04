// A customer in the CRM and in Tryton: who owns what, conflicts, echoes.
import { until } from '../../processes.mjs';
import { claim, step } from '../../report.mjs';
import { number } from '../tryton.mjs';
import { account, onlyParty, prospect, quiet } from './look.mjs';

export async function founding(all, memory) {
  step('1. A customer is made in the CRM',
    'Sales owns a prospect. Tryton gets a party, and its number comes back.');
  Object.assign(memory, await prospect(all, 'Analytical Engines', 'ada@analytical.example'));
  const parties = await all.erp.parties('Analytical Engines');
  claim(parties.length === 1, 'Tryton has the party, once',
    parties.map((one) => `party ${one.id}, code ${one.code}`).join());
  claim(memory.number !== undefined, 'the number that Tryton gave came back to the CRM',
    memory.number);
}

export async function edits(all, memory) {
  step('2. Edits on each side', 'The owner of a field is followed by the others.');
  await all.crm.edit('Account', memory.crm, { Name: 'Analytical Engines Ltd' });
  const named = await until(async () => (await all.erp.party(memory.erp))?.name
    === 'Analytical Engines Ltd');
  claim(named, 'a new name in the CRM reaches Tryton');
  await all.erp.limit(memory.erp, '25000.50');
  const limit = await until(async () => Number((await account(all, memory.crm))?.CreditLimit__c)
    === 25000.5);
  claim(limit, 'a credit limit in Tryton reaches the CRM', '25000.50, exact');
}

export async function ownership(all, memory) {
  step('3. Who owns what depends on the stage',
    'The prospect becomes a customer; from then on its name is finance\'s.');
  await all.erp.rename(memory.erp, 'Engines, Analytical');
  const reverted = await until(async () => (await all.erp.party(memory.erp))?.name
    === 'Analytical Engines Ltd', 60_000);
  claim(reverted, 'finance may not name a prospect: its edit is reverted in Tryton');
  await all.crm.edit('Account', memory.crm, { Stage__c: 'Customer' });
  await quiet(all, 3_000);
  await all.erp.rename(memory.erp, 'Analytical Engines plc');
  const followed = await until(async () => (await account(all, memory.crm))?.Name
    === 'Analytical Engines plc');
  claim(followed, 'of a customer it may: the CRM follows', 'Analytical Engines plc');
  // An edit between our write and our look at it would count as what the CRM made of the write.
  await quiet(all, 3_000);
  await all.crm.edit('Account', memory.crm, { Name: 'Analytical Engines Group' });
  const proposed = await until(async () => (await all.erp.party(memory.erp))?.name
    === 'Analytical Engines Group');
  claim(proposed, 'sales can still propose a name: Tryton takes it');
}

export async function conflict(all, memory) {
  step('4. Both sides write the same field at once', 'The credit limit is the ERP\'s.');
  await Promise.all([all.erp.limit(memory.erp, '9000.25'),
    all.crm.edit('Account', memory.crm, { CreditLimit__c: 1000000 })]);
  const same = await until(async () => Number((await account(all, memory.crm))?.CreditLimit__c)
    === 9000.25 && number((await all.erp.party(memory.erp)).credit_limit_amount) === 9000.25);
  claim(same, 'its owner\'s value stands on both', '9000.25');
  await all.crm.edit('Account', memory.crm, { CreditLimit__c: 77 });
  const back = await until(async () => Number((await account(all, memory.crm))?.CreditLimit__c)
    === 9000.25);
  claim(back && number((await all.erp.party(memory.erp)).credit_limit_amount) === 9000.25,
    'an edit of sales alone is reverted, and never reaches Tryton');
}

export async function echoes(all, memory) {
  step('5. An echo dies', 'Every write comes back as a change; none may be answered by a write.');
  claim(await quiet(all), 'all three platforms come to rest',
    `${await all.crm.mutations()} CRM writes in all`);
  const party = await onlyParty(all, 'Analytical Engines Group');
  claim(party?.id === memory.erp, 'there is still one party of it', `party ${party?.id}`);
}

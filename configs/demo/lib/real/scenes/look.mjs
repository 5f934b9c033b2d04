// How the scenes with real products look at the platforms.
import { sleep, until } from '../../processes.mjs';

/** An account of the CRM's. */
export const account = (all, id) => all.crm.find('Account', 'Id', id);
export const order = (all, name) => all.crm.find('Order__c', 'Name', name);

/** The only party of that name in Tryton; null if there is none, or more than one. */
export async function onlyParty(all, name) {
  const found = await all.erp.parties(name);
  return found.length === 1 ? found[0] : null;
}

/** Nobody writes anything anywhere for a while: what circulates has died. */
export async function quiet(all, forMs = 4_000) {
  const look = async () => [await all.crm.mutations(), await all.erp.stamps(),
    (await all.support.transactions()).length].join();
  for (let i = 0; i < 10; i += 1) {
    const before = await look();
    await sleep(forMs);
    if (before === await look()) return true;
  }
  return false;
}

/** An open exception of that kind about something, by the business key of its entity. */
export const exceptionOf = (all, kind, object, key) => until(async () => {
  const { data } = JSON.parse((await all.run('exceptions', 'show', object, key, '--json')).text);
  return data.exceptions?.find((one) => one.kind === kind && one.status === 'open');
}, 60_000);

/** A prospect of sales, once Tryton has its party: {crm, erp, number}. */
export async function prospect(all, name, email, more = {}) {
  const crm = await all.crm.create('Account', { Name: name, Email__c: email,
    BillingCountry: 'GB', Stage__c: 'Prospect', ...more });
  const party = await until(() => onlyParty(all, name));
  const numbered = await until(async () => (await account(all, crm))?.AccountNumber
    === String(party?.id));
  return { crm, erp: party?.id, number: numbered ? String(party.id) : undefined };
}

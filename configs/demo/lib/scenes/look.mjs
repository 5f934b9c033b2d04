// How scenes look at the platforms.
import { instance } from '../hub_api.mjs';
import { quote } from '../postgres.mjs';
import { sleep, until } from '../processes.mjs';

export const customerRow = async (erp, email) => (await erp.sql(
  `SELECT id, number, name, country, stage, credit_limit, phone FROM erp.customers
   WHERE email = ${quote(email)}`)).map(([id, number, name, country, stage, limit, phone]) => (
  { id, number, name, country, stage, limit, phone }));
export const orderRows = (erp, number) => erp.sql(
  `SELECT id, erp_number, amount, status FROM erp.orders WHERE number = ${quote(number)}`);
export const writes = async (erp) => Number(
  (await erp.sql('SELECT count(*) FROM erp.writes'))[0][0]);

/** Nobody writes anything anywhere for a while: what circulates has died. */
export async function quiet(all, forMs = 4_000) {
  const look = async () => [await all.crm.mutations(), await all.support.mutations(),
    await writes(all.erp)].join();
  for (let i = 0; i < 10; i += 1) {
    const before = await look();
    await sleep(forMs);
    if (before === await look()) return true;
  }
  return false;
}

export const stockOf = async (erp, product) => Number((await erp.sql(
  `SELECT available FROM erp.products WHERE product = ${quote(product)}`))[0][0]);

/** A process once it has ended, well or not; null if it does not. */
export const ended = (all, id) => until(async () => {
  const view = await instance(all, id);
  return ['done', 'compensated'].includes(view.status) ? view : null;
}, 30_000, 20);

/** What was decided about a process, a line each. */
export async function historyOf(all, id) {
  const { history } = await all.data('workflows', 'show', id);
  return history.flatMap((entry) => entry.decided);
}

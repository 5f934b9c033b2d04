// A deal becomes a sale in Tryton, by Tryton's own steps, and what Tryton refuses is undone.
import { ask, begin, instance } from '../../hub_api.mjs';
import { until } from '../../processes.mjs';
import { claim, note, step } from '../../report.mjs';
import { number } from '../tryton.mjs';
import { exceptionOf, order } from './look.mjs';

const product = 'LOOM-3';

/** A process once it has ended, well or not. */
const ended = (all, id) => until(async () => {
  const view = await instance(all, id);
  return ['done', 'compensated'].includes(view.status) ? view : null;
}, 60_000, 50);

/** A quote in the CRM that the hubs know of. */
async function quote(all, memory, deal, quantity, price) {
  const record = await all.crm.create('Order__c', { Name: deal, Status__c: 'Draft',
    Customer_Number__c: memory.number, Amount__c: quantity * price, Currency__c: 'EUR' });
  const known = await until(async () => (await all.run('entity', 'show', 'order', deal)).code
    === 0);
  if (!known) throw new Error(`${deal} is not known to the hubs`);
  return { deal, record, customer: memory.number, product, quantity, price };
}

export async function asking(all, memory) {
  step('6. Before an order is taken, Tryton is asked',
    'Somebody waits for it, so it does not go through the streams: any hub answers at once.');
  const yes = await ask(all, 'order_check', { customer: memory.number, amount: 1200.5 }, 'hub-1');
  claim(yes.verdict === 'yes' && Number(yes.values.left) === 7799.75, 'the order may be taken',
    `${yes.values?.left} would be left, from Tryton (${yes.parts?.credit.source}), ${yes.ms} ms`);
  const no = await ask(all, 'order_check', { customer: memory.number, amount: 30000 }, 'hub-2');
  claim(no.verdict === 'no', 'a larger one may not', no.reasons?.join('; '));
  const unknown = await ask(all, 'order_check', { customer: '999999', amount: 1 });
  claim(unknown.verdict === 'unknown', 'of nobody nothing is known', unknown.reasons?.join('; '));
}

export async function closing(all, memory) {
  step('7. A deal closes in the CRM',
    'Tryton is asked for price, stock and address, writes the sale, numbers and confirms it.');
  const deal = await quote(all, memory, 'Q-8001', 2, 1400);
  const early = await ended(all, (await begin(all, 'close_deal', deal)).instance);
  claim(early?.status === 'compensated' && (await all.erp.sales('Q-8001')).length === 0,
    'without an address Tryton could not quote it: nothing is made', early?.reason);
  await all.erp.address(memory.erp, '12 Saville Row', 'London');
  note('a clerk writes the address into Tryton; sales makes a new quote');
  memory.deal = await quote(all, memory, 'Q-8002', 2, 1400);
  const before = (await all.erp.product(product)).forecast_quantity;
  const started = performance.now();
  memory.first = await begin(all, 'close_deal', memory.deal);
  const done = await ended(all, memory.first.instance);
  const ms = Math.round(performance.now() - started);
  const [sale] = memory.sales = await all.erp.sales('Q-8002');
  claim(done?.status === 'done' && memory.sales.length === 1 && sale.state === 'processing'
    && number(sale.untaxed_amount) === 2800, 'Tryton has the sale, confirmed',
  `number ${sale?.number}, ${sale?.untaxed_amount?.decimal} EUR, ${sale?.state}, ${ms} ms`);
  claim(sale?.party === memory.erp && sale.shipments.length === 1 && sale.invoices.length === 1,
    'and plans its shipment and its invoice by itself');
  const after = (await all.erp.product(product)).forecast_quantity;
  claim(after === before - 2, 'the goods are kept for it', `${before} before, ${after} left`);
  const seen = await until(async () => {
    const row = await order(all, 'Q-8002');
    return row?.ERP_Number__c === sale?.number && row.ERP_Status__c === 'processing' && row;
  });
  claim(seen?.Status__c === 'Confirmed', 'the CRM has its number, and how far it is',
    seen && `${seen.ERP_Number__c}, ${seen.ERP_Status__c}`);
  const again = await begin(all, 'close_deal', { ...memory.deal, price: 1450 }, 'hub-2');
  claim(again.instance === memory.first.instance
    && (await all.erp.sales('Q-8002')).length === 1, 'submitted again it gets the first answer',
  `${again.instance} ${again.status}`);
}

export async function shipping(all, memory) {
  step('8. The warehouse ships it', 'In Tryton; the CRM and a receiver of events hear of it.');
  await all.erp.ship(memory.sales[0]);
  const sent = await until(async () => (await order(all, 'Q-8002'))?.Delivery__c === 'sent');
  claim(sent, 'the CRM shows the shipment as sent');
  const told = await until(() => all.warehouse.find('order.shipped.v1', 'Q-8002'));
  claim(told, 'it was told as an event', told?.type);
  const times = (await all.warehouse.received()).filter((one) => one.key === 'Q-8002')
    .map((one) => one.type).join();
  claim(times === 'order.confirmed.v1,order.shipped.v1', 'each once', times);
}

export async function amount(all, memory) {
  step('9. An exception: sales changes what is sold already',
    'The amount of a confirmed order is for a person to decide.');
  await all.crm.edit('Order__c', memory.deal.record, { Amount__c: 2500 });
  const open = await exceptionOf(all, 'ownership.review', 'order', 'Q-8002');
  claim(open, 'it waits for a person', open && `${open.kind}@${open.platform}: ${open.reason}`);
  for (const line of (await all.run('exceptions', 'list')).text.trim().split('\n')) note(line);
  const [sale] = await all.erp.sales('Q-8002');
  claim(number(sale.untaxed_amount) === 2800, 'Tryton was told nothing');
  const said = await all.run('exceptions', 'reject', 'order', 'Q-8002', 'ownership.review',
    '--reason', 'it is invoiced');
  claim(said.code === 0, 'somebody rejects it', said.text.trim());
  const back = await until(async () => Number((await order(all, 'Q-8002'))?.Amount__c) === 2800);
  claim(back, 'the CRM has Tryton\'s amount again', '2800');
}

export async function refused(all, memory) {
  step('10. Tryton refuses, and what was done is undone',
    'The sale goes over the credit limit, which Tryton itself watches when it confirms.');
  await all.erp.limit(memory.erp, '3000');
  const deal = await quote(all, memory, 'Q-8003', 3, 1450);
  const before = (await all.erp.product(product)).forecast_quantity;
  const { instance: id } = await begin(all, 'close_deal', deal);
  const end = await ended(all, id);
  claim(end?.status === 'compensated', 'the process ends as undone', end?.reason);
  const sales = await all.erp.sales('Q-8003');
  claim(sales.length === 1 && sales[0].state === 'cancelled', 'the sale in Tryton is cancelled',
    sales.map((one) => `number ${one.number} ${one.state}`).join());
  const after = (await all.erp.product(product)).forecast_quantity;
  claim(after === before, 'and its goods are free', `${before} before, ${after} after`);
  const seen = await until(async () => (await order(all, 'Q-8003'))?.ERP_Status__c
    === 'cancelled');
  claim(seen, 'the CRM sees that it is cancelled');
  const held = (await all.data('workflows', 'list', '--held')).count;
  claim(held === 0, 'nobody has to clean up', `${held} processes need a person`);
}

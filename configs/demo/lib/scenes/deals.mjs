// A deal becomes an order, in one process over CRM and ERP; what follows is told as events.
import { ask, begin } from '../hub_api.mjs';
import { quote } from '../postgres.mjs';
import { until } from '../processes.mjs';
import { claim, note, step } from '../report.mjs';
import { ended, historyOf, orderRows, stockOf } from './look.mjs';

const product = 'LOOM-3';

/** A quote in the CRM that the hubs know of, and what the CRM says of it when it closes. */
async function quoteOf(all, memory, deal, quantity, amount) {
  const record = await all.crm.create('Order__c', { Name: deal, Status__c: 'Draft',
    Customer_Number__c: memory.number, Amount__c: amount, Currency__c: 'EUR' });
  const known = await until(async () => (await all.run('entity', 'show', 'order', deal)).code
    === 0);
  if (!known) throw new Error(`${deal} is not known to the hubs`);
  return { deal, record, customer: memory.number, product, quantity, amount, currency: 'EUR' };
}

export async function closing(all, memory) {
  step('15. A deal closes in the CRM',
    'The CRM calls a hub. Status, credit, price, tax and stock are asked at once; the ERP makes '
    + 'the order; the CRM gets its reference.');
  memory.deal = await quoteOf(all, memory, 'Q-8001', 2, 2800);
  const { deal, record, customer, quantity, amount } = memory.deal;
  const may = await ask(all, 'deal_check', { customer, product, quantity, amount });
  const live = Object.values(may.parts ?? {}).filter((part) => part.source === 'live').length;
  claim(may.verdict === 'yes' && live === 5, 'CRM and ERP say yes to five questions',
    `${may.ms} ms; ${Object.keys(may.parts ?? {}).join(', ')}`);
  const [[jurisdiction]] = await all.erp.sql(`SELECT jurisdiction FROM erp.tax_jurisdictions
    JOIN erp.customers USING (country) WHERE number = ${quote(customer)}`);
  claim(may.values?.jurisdiction === jurisdiction, 'the tax is that of where the customer is',
    `${jurisdiction}, ${may.values?.tax_rate} %`);
  const before = await stockOf(all.erp, product);
  const started = performance.now();
  memory.first = await begin(all, 'close_deal', memory.deal);
  const done = await ended(all, memory.first.instance);
  const ms = Math.round(performance.now() - started);
  const reference = (await all.crm.find('Order__c', 'Id', record))?.ERP_Number__c;
  const rows = await orderRows(all.erp, deal);
  claim(done?.status === 'done' && rows.length === 1 && rows[0][2] === '2800.00',
    'the ERP has the order', rows[0]?.join(' '));
  claim(reference !== undefined && reference === rows[0]?.[1], 'and the CRM its reference',
    `${reference}, ${ms} ms after the call`);
  claim(await stockOf(all.erp, product) === before - quantity, 'the goods are kept for it',
    `${before} before, ${await stockOf(all.erp, product)} left`);
  const confirmed = await until(async () => (await all.crm.find('Order__c', 'Id', record))
    ?.Status__c === 'Confirmed');
  claim(confirmed, 'it is confirmed in the CRM, too');
  await refused(all, memory);
}

async function refused(all, memory) {
  const cheap = await quoteOf(all, memory, 'Q-8002', 2, 1000);
  const end = await ended(all, (await begin(all, 'close_deal', cheap)).instance);
  const rows = await orderRows(all.erp, cheap.deal);
  claim(end?.status === 'compensated' && /below what sales may give/.test(end.reason)
    && rows.length === 0, 'a deal that is too cheap makes no order', end?.reason);
}

/** After a crash one may come twice, but then with the id that it had. */
async function eachCame(all) {
  let told = [];
  let stored = 0;
  const same = await until(async () => {
    told = await all.warehouse.received();
    stored = await all.nats.messages('SYNC_EVT');
    return new Set(told.map((one) => one.id)).size === stored;
  }, 10_000);
  claim(same && told.every((one) => !one.fault),
    'each event that there is has come, with a signature that is right',
    `${told.length} told, ${stored} stored`);
}

export async function delivering(all, memory) {
  step('16. Shipment, invoice and payment are told as events',
    'People work in the ERP; a warehouse that knows nothing of it is told by signed requests.');
  const { deal, customer, amount } = memory.deal;
  const told = (type, key) => until(() => all.warehouse.find(`${type}.v1`, key));
  const values = `${quote(deal)}, ${quote(customer)}`;
  const made = async (sql) => (await all.erp.sql(sql))[0][0];
  claim(await told('order.confirmed', deal), 'order confirmed', deal);
  const shipment = await made(`INSERT INTO erp.shipments (reference, customer, product)
    VALUES (${values}, ${quote(product)}) RETURNING number`);
  await all.erp.sql(`UPDATE erp.shipments SET status = 'released' WHERE number = '${shipment}'`);
  claim((await told('shipment.released', shipment))?.data.reference === deal,
    'shipment released', shipment);
  await all.erp.sql(`UPDATE erp.orders SET status = 'shipped' WHERE number = ${quote(deal)}`);
  const invoice = await made(`INSERT INTO erp.invoices (order_number, customer, amount)
    VALUES (${values}, ${amount}) RETURNING number`);
  await all.erp.sql(`UPDATE erp.invoices SET status = 'posted' WHERE number = '${invoice}'`);
  claim(Number((await told('invoice.posted', invoice))?.data.amount) === amount,
    'invoice posted', invoice);
  await all.erp.sql(`UPDATE erp.orders SET status = 'invoiced' WHERE number = ${quote(deal)}`);
  const payment = await made(`INSERT INTO erp.payments (invoice, order_number, amount)
    VALUES ('${invoice}', ${quote(deal)}, ${amount}) RETURNING number`);
  claim((await told('payment.received', payment))?.data.invoice === invoice,
    'payment received', payment);
  const invoiced = await until(async () => (await all.crm.find('Order__c', 'Name', deal))
    ?.Status__c === 'Invoiced');
  claim(invoiced, 'the CRM shows how far it is');
  await eachCame(all);
}

export async function measured(all, memory) {
  step('23. How the business does', 'From a firm order to its money, by the events alone.');
  const { deal } = memory.deal;
  const at = (one) => Date.parse(one?.timestamp);
  const events = await all.warehouse.received();
  const confirmed = events.find((one) => one.type === 'order.confirmed.v1' && one.key === deal);
  const paid = events.find((one) => (
    one.type === 'payment.received.v1' && one.data.order_number === deal));
  const took = (at(paid) - at(confirmed)) / 1000;
  const shown = await until(async () => {
    const { indicator } = await all.data('indicators', 'show', 'order_to_cash');
    return indicator?.count > 0 ? indicator : null;
  }, 15_000);
  claim(shown?.count === 1 && Math.abs(Number(shown.longest_s) - took) < 0.01,
    'order to cash is what lies between the two events', `${shown?.longest_s} s, ${took} s`);
  note(`${shown?.open} more orders are not paid yet, the oldest for ${shown?.oldest_s} s`);
  const alert = await until(async () => (await all.warehouse.received())
    .find((one) => one.type === 'alert.raised.v1' && one.key === 'slow_cash'));
  claim(alert && Number(alert.data.value) > 0, 'an alert is told once it is too long',
    `${alert?.data.alert}: ${alert?.data.measure} ${alert?.data.value} s`);
  const { alerts } = await all.data('alerts', 'list');
  claim(alerts.find((one) => one.alert === 'slow_cash')?.raised
    && !alerts.find((one) => one.alert === 'unpaid')?.raised, 'and only that one');
}

export async function submittedTwice(all, memory) {
  step('17. A deal is submitted twice',
    'The CRM calls again, as it never heard the answer; then four times at once.');
  const again = await begin(all, 'close_deal', { ...memory.deal, amount: 2900 }, 'hub-2');
  claim(again.instance === memory.first.instance && again.status === 'done',
    'it gets the first answer', `${again.instance} ${again.status}`);
  const typed = Object.entries(memory.deal).map(([name, value]) => `${name}=${value}`);
  const ctl = await all.data('workflows', 'start', 'close_deal', ...typed);
  claim(ctl.instance === again.instance, 'so does somebody with synclinectl',
    `${ctl.instance} ${ctl.status}`);
  const rows = await orderRows(all.erp, memory.deal.deal);
  claim(rows.length === 1 && rows[0][2] === '2800.00', 'the ERP still has one order', rows[0]?.[1]);
  const twice = await quoteOf(all, memory, 'Q-8003', 1, 1500);
  const before = await stockOf(all.erp, product);
  const answers = await Promise.all(['hub-1', 'hub-2', 'hub-1', 'hub-2']
    .map((hub) => begin(all, 'close_deal', twice, hub)));
  const instances = new Set(answers.map((one) => one.instance));
  await ended(all, answers[0].instance);
  const made = await orderRows(all.erp, twice.deal);
  claim(instances.size === 1 && made.length === 1
    && await stockOf(all.erp, product) === before - 1, 'four calls at once make one order',
  `${instances.size} instance, ${made.length} order`);
}

export async function undone(all, memory) {
  step('18. A step fails for good, and what was done is undone',
    'The ERP has made the order when the CRM says that it has no such record.');
  const deal = await quoteOf(all, memory, 'Q-8004', 3, 4500);
  const before = await stockOf(all.erp, product);
  const { instance: id } = await begin(all, 'close_deal',
    { ...deal, record: `${deal.record.slice(0, -5)}ZZZZZ` });
  const end = await ended(all, id);
  claim(end?.status === 'compensated', 'the process ends as undone', end?.reason);
  for (const line of await historyOf(all, id)) note(line);
  const rows = await orderRows(all.erp, deal.deal);
  claim(rows.length === 1 && rows[0][3] === 'cancelled', 'the order in the ERP is cancelled',
    rows[0]?.join(' '));
  const after = await stockOf(all.erp, product);
  claim(after === before, 'and its goods are free again', `${before} before, ${after} after`);
  const shown = await until(async () => (await all.crm.find('Order__c', 'Id', deal.record))
    ?.Status__c === 'Cancelled');
  claim(shown, 'the CRM shows it as cancelled');
  const held = (await all.data('workflows', 'list', '--held')).count;
  claim(held === 0, 'and nobody has to clean up', `${held} processes need a person`);
}

// The support desk: what it sees before a case, a replacement part, a credit.
import { approvalSeconds } from '../installation.mjs';
import { answerLink, approvalOf, ask, decide, openLink } from '../hub_api.mjs';
import { quote } from '../postgres.mjs';
import { until } from '../processes.mjs';
import { claim, note, step } from '../report.mjs';
import { ended, historyOf, quiet, stockOf } from './look.mjs';

const part = 'CYLINDER-2';

/** A case that somebody at the desk works at; `fields` say what it asks for. */
async function openCase(all, memory, subject, fields) {
  const id = await all.support.create('incident', { short_description: subject, state: '2',
    impact: '2', urgency: '2', u_customer: memory.number, ...fields });
  const { number } = await all.support.find('incident', 'sys_id', id);
  return { id, number };
}

const shipmentsOf = (erp, reference) => erp.sql(
  `SELECT number, status FROM erp.shipments WHERE reference = ${quote(reference)}`);
const creditsOf = (erp, number) => erp.sql(
  `SELECT number, amount, status FROM erp.credit_notes WHERE case_number = ${quote(number)}`);

/** The process that a case has begun. */
async function processOf(all, workflow, number) {
  const { instances } = await all.data('workflows', 'list', '--workflow', workflow);
  return instances.find((one) => one.context.case_number === number) ?? null;
}

const reaches = (all, workflow, number, at) => until(async () => {
  const found = await processOf(all, workflow, number);
  return found?.steps.some((one) => one.step === at) ? found : null;
});

export async function context(all, memory) {
  step('19. Before a case is opened',
    'The support desk asks what the customer is entitled to, has installed, and is being sent.');
  const input = { customer: memory.number };
  const nothing = await ask(all, 'case_context', input);
  claim(nothing.verdict === 'unknown', 'nobody knows of a contract', nothing.reasons?.join('; '));
  const number = quote(memory.number);
  await all.erp.sql(`INSERT INTO erp.contracts VALUES (${number}, 'premium', current_date + 365);
    INSERT INTO erp.installed VALUES ('L3-0815', ${number}, 'LOOM-3', current_date - 30)`);
  const [[level, serial, shipment, status]] = await all.erp.sql(`SELECT level, serial, number,
    status FROM erp.contracts JOIN erp.installed USING (customer)
    JOIN erp.shipments USING (customer) WHERE customer = ${number} ORDER BY id DESC LIMIT 1`);
  const { u_tier: tier } = await all.support.find('core_company', 'u_number', memory.number);
  const seen = await ask(all, 'case_context', input);
  const told = seen.values ?? {};
  claim(seen.verdict === 'yes' && told.level === level && told.tier === tier,
    'it sees the entitlement', `${told.level} until ${told.covered_until}, ${told.tier}`);
  claim(told.serial === serial, 'the installed product', `${told.product} ${told.serial}`);
  claim(told.shipment === shipment && told.shipment_status === status, 'and the shipment',
    `${told.shipment} ${told.shipment_status}; all in ${seen.ms} ms`);
  const coverUntil = (days) => all.erp.sql(`UPDATE erp.contracts
    SET covered_until = current_date + ${days} WHERE customer = ${number}`);
  await coverUntil(-1);
  const over = await ask(all, 'case_context', input, 'hub-2');
  claim(over.verdict === 'no', 'a contract that is over shows at once', over.reasons?.join('; '));
  await coverUntil(365);
}

async function nothingInStock(all, memory) {
  await all.erp.sql("UPDATE erp.products SET available = 0 WHERE product = 'COG-7'");
  const wanted = await openCase(all, memory, 'Cog is broken', { u_part: 'COG-7' });
  const end = await until(async () => {
    const found = await processOf(all, 'replacement_part', wanted.number);
    return found?.status === 'compensated' ? found : null;
  });
  const none = (await shipmentsOf(all.erp, wanted.number)).length === 0;
  claim(end && /none in stock/.test(end.reason) && none, 'a part that is not there is not sent',
    end?.reason);
}

export async function replacement(all, memory) {
  step('20. A case asks for a part, and the ERP is down',
    'Entitlement and stock are checked, a lead approves; the ERP gets the order once it is back.');
  await nothingInStock(all, memory);
  const stock = await stockOf(all.erp, part);
  const wanted = await openCase(all, memory, 'Cylinder is bent', { u_part: part });
  const approval = await until(() => approvalOf(all, 'case_number', wanted.number));
  claim(Number(approval?.shown.price) === 480, 'a lead is asked, with the price of the ERP',
    approval && `${approval.role}: ${approval.shown.part}, ${approval.shown.price}`);
  for (const line of (await all.run('approvals', 'list')).text.trim().split('\n')) note(line);
  await all.erp.kill();
  note('PostgreSQL is stopped');
  const who = approval.role === 'lead' ? 'lea' : 'dora';
  const said = await decide(all, approval, who, 'approve', 'as agreed');
  claim(said.http === 200, 'approved all the same', `by ${who}`);
  const waits = await reaches(all, 'replacement_part', wanted.number, 'fulfil');
  const listed = (await all.run('workflows', 'list', '--status', 'running')).text;
  claim(waits && /fulfil: waits for an answer/.test(listed), 'synclinectl shows where it waits',
    listed.split('\n').find((line) => line.includes('fulfil'))?.trim());
  const stuck = await until(async () => {
    const presence = await all.agentStatus('erp');
    return presence?.operations_waiting > 0 ? presence : null;
  });
  claim(stuck, "the ERP's agent says what it waits for",
    stuck && `${stuck.operations_waiting} waiting: ${stuck.operations_error ?? ''}`);
  await all.erp.start();
  note('PostgreSQL is back');
  const made = await until(async () => (await shipmentsOf(all.erp, wanted.number))[0], 60_000);
  claim(made?.[1] === 'planned' && await stockOf(all.erp, part) === stock - 1,
    'the ERP has the fulfilment', made?.join(' '));
  await reaches(all, 'replacement_part', wanted.number, 'released');
  await all.erp.sql(`UPDATE erp.shipments SET status = 'released' WHERE number = '${made[0]}'`);
  const resolved = await until(async () => {
    const row = await all.support.find('incident', 'sys_id', wanted.id);
    return row.state === '6' && row.u_shipment === made[0];
  });
  claim(resolved, 'released, it resolves the case at the desk', made[0]);
  const end = await ended(all, waits.instance);
  const count = (await shipmentsOf(all.erp, wanted.number)).length;
  claim(end?.status === 'done' && count === 1, 'once', `${count} shipment, process ${end?.status}`);
}

export async function escalation(all, memory) {
  step('21. Nobody answers', `An approval expires after ${approvalSeconds} s here, after a day in `
    + 'the shipped policy, and goes to the director.');
  const wanted = await openCase(all, memory, 'Another cylinder', { u_part: part });
  const find = () => approvalOf(all, 'case_number', wanted.number);
  const first = await until(find);
  claim(first?.role === 'lead', 'a lead is asked', first?.key);
  const later = await until(async () => {
    const now = await find();
    return now?.role === 'director' ? now : null;
  }, (approvalSeconds + 20) * 1000);
  claim(later, 'then the director', later && `missing ${later.missing}, until ${later.until}`);
  const late = await decide(all, later ?? first, 'lea', 'approve');
  claim(late.http === 409, "the lead's word comes too late", late.error?.text);
  const link = await until(async () => (await all.warehouse.received()).find((one) => (
    one.type === 'approval.asked.v1' && one.data.approval === first?.key && one.links?.dora))
    ?.links.dora);
  const page = await openLink(link);
  claim(page.http === 200 && page.text.includes(wanted.number)
    && (await shipmentsOf(all.erp, wanted.number)).length === 0,
  'she gets a link of her own; the page that it opens decides nothing yet');
  const forged = await openLink(link.replace('/dora/', '/lea/'));
  claim(forged.http === 403, 'with another name in it, it opens nothing', `HTTP ${forged.http}`);
  const said = await answerLink(link, page, 'approve');
  const made = await until(async () => (await shipmentsOf(all.erp, wanted.number))[0]);
  claim(said.http === 200 && made, "the director's word counts: the ERP sends it",
    made?.join(' '));
  const { instance: id } = await processOf(all, 'replacement_part', wanted.number);
  for (const line of await historyOf(all, id)) {
    if (/approv|in time/.test(line)) note(line);
  }
}

/** Finance posts the credit of a case in the ERP, perhaps with another amount. */
const post = (erp, number, amount) => erp.sql(`UPDATE erp.credit_notes
  SET amount = ${amount}, status = 'posted' WHERE case_number = ${quote(number)}`);

async function postedOtherwise(all, memory) {
  const wanted = await openCase(all, memory, 'Still late', { u_credit: '40.00' });
  await reaches(all, 'support_credit', wanted.number, 'posted');
  await post(all.erp, wanted.number, 4);
  const asked = await until(() => approvalOf(all, 'case_number', wanted.number));
  claim(asked?.role === 'finance' && Number(asked.shown.booked) === 4,
    'a credit that was booked otherwise is shown to finance',
    asked && `${asked.shown.amount} given, ${asked.shown.booked} booked`);
  if (!asked) return;
  await decide(all, asked, 'fritz', 'reject', 'a slip of the pen');
  const cancelled = await until(async () => (await creditsOf(all.erp, wanted.number))[0]?.[2]
    === 'cancelled');
  claim(cancelled, 'which rejects it: it is undone in the ERP');
}

/** What both sides hold of each credit that the desk believes to be booked. */
async function comparedCredits(all) {
  const desk = (await all.support.rows('incident')).filter((row) => row.u_credit_note)
    .map((row) => `${row.number} ${row.u_credit_note} ${Number(row.u_credit)}`).sort();
  const erp = (await all.erp.sql(`SELECT case_number, number, amount FROM erp.credit_notes
    WHERE status = 'posted'`)).map(([of, number, amount]) => `${of} ${number} ${Number(amount)}`);
  return { desk, erp: erp.sort() };
}

export async function credit(all, memory) {
  step('22. Support gives a credit', 'The ERP hears of it later; what it books is compared.');
  await all.agents.erp.stop();
  note("the ERP's agent is stopped");
  const wanted = await openCase(all, memory, 'You are late', { u_credit: '75.50' });
  const waits = await reaches(all, 'support_credit', wanted.number, 'book');
  claim(waits && (await creditsOf(all.erp, wanted.number)).length === 0,
    'the desk is done with it, the ERP knows nothing yet',
    waits && `waits at ${waits.steps[0].step}`);
  await all.startAgent('erp');
  const open = await until(async () => (await creditsOf(all.erp, wanted.number))[0], 60_000);
  claim(open?.[1] === '75.50' && open[2] === 'open', 'the agent is back: the ERP has it',
    open?.join(' '));
  await post(all.erp, wanted.number, 75.5);
  const noted = await until(async () => (await all.support.find('incident', 'sys_id', wanted.id))
    .u_credit_note === open?.[0]);
  claim(noted, 'finance posts it: the desk has the number of the credit note', open?.[0]);
  await postedOtherwise(all, memory);
  const { desk, erp } = await comparedCredits(all);
  claim(desk.length === 1 && desk.join() === erp.join(), 'desk and ERP hold the same credits',
    erp.join('; '));
  await quiet(all, 3_000);
  const asked = Date.now();
  const run = await all.data('reconcile', 'run', '--wait', '90s');
  const proven = (object, platform) => run.reconciliations.some((row) => row.object === object
    && row.platform === platform && row.different === 0
    && Date.parse(row.verified_through ?? 0) >= asked);
  claim(proven('credit_note', 'erp') && proven('case', 'support'),
    'and a full read of both proves that nothing else happened');
}

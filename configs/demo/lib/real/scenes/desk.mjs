// Request Tracker: tickets in the CRM, a case of sales at the desk, a part that a ticket asks for.
import { approvalOf, decide } from '../../hub_api.mjs';
import { sleep, until } from '../../processes.mjs';
import { claim, step } from '../../report.mjs';

const ticketCase = (all, number) => all.crm.find('Case', 'Support_Number__c', number);

export async function tickets(all, memory) {
  step('11. A ticket of the support desk', 'The CRM sees it and its progress.');
  const id = await all.support.create({ Subject: 'Cog is stuck',
    CustomFields: { Customer: memory.number, Severity: 'high' } });
  const seen = await until(() => ticketCase(all, id));
  claim(seen?.Subject === 'Cog is stuck' && seen.Priority === 'High'
    && seen.Customer_Number__c === memory.number, 'it is in the CRM, with its customer',
  seen && `ticket ${id}, ${seen.Priority}`);
  await all.support.edit(id, { Status: 'open' });
  const working = await until(async () => (await ticketCase(all, id))?.Status === 'Working');
  claim(working, 'its progress follows');
  await all.crm.edit('Case', seen.Id, { Status: 'Closed' });
  const back = await until(async () => (await ticketCase(all, id))?.Status === 'Working');
  claim(back && (await all.support.ticket(id)).status === 'open',
    'sales cannot close it: the CRM is put right, the ticket stays open');
  const written = await all.support.byUs(id);
  claim(written.every((one) => one.Type === 'CustomField'),
    'our agent has written nothing there but its own mark',
    written.map((one) => `${one.Type} ${one.Field} ${one.NewValue}`).join('; ') || 'nothing');
}

export async function fromSales(all, memory) {
  step('12. Sales opens a case, and the desk\'s agent dies meanwhile',
    'Request Tracker knows no key that would make a second create harmless; a custom field does it.');
  await all.crm.create('Case', { Subject: 'Punched cards are torn', Priority: 'Critical',
    Status: 'New', Customer_Number__c: memory.number });
  const find = async () => all.support.tickets("Subject = 'Punched cards are torn'");
  await until(async () => (await find()).length > 0, 30_000, 20);
  await all.agents.support.stop('SIGKILL');
  await all.startAgent('support');
  const numbered = await until(async () => {
    const row = await all.crm.find('Case', 'Subject', 'Punched cards are torn');
    return row?.Support_Number__c ? row : null;
  }, 60_000);
  await sleep(3_000);
  const found = await find();
  claim(found.length === 1, 'there is one ticket', found.map((one) => one.id).join());
  claim(numbered?.Support_Number__c === String(found[0]?.id), 'and the CRM has its number',
    numbered?.Support_Number__c);
  const ticket = await all.support.ticket(found[0].id);
  claim(ticket.of('Severity') === 'critical' && ticket.of('Customer') === memory.number,
    'with its priority and its customer', `marked ${ticket.of('Syncline')}`);
}

export async function replacement(all, memory) {
  step('13. A ticket asks for a part', 'A lead approves; Tryton sends it; the ticket is told.');
  const before = (await all.erp.product('CYLINDER-2')).forecast_quantity;
  const id = await all.support.create({ Subject: 'Cylinder is bent', CustomFields: {
    Customer: memory.number, Severity: 'medium', Part: 'CYLINDER-2' } });
  await all.support.edit(id, { Status: 'open' });
  const approval = await until(() => approvalOf(all, 'case_number', id));
  claim(Number(approval?.shown.price) === 480, 'a lead is asked, with the price of Tryton',
    approval && `${approval.role}: ${approval.shown.part}, ${approval.shown.price}`);
  claim((await all.erp.sales(`T-${id}`)).length === 0, 'nothing is made before');
  const said = await decide(all, approval, 'lea', 'approve', 'as agreed');
  claim(said.http === 200, 'she approves');
  const sale = await until(async () => {
    const [found] = await all.erp.sales(`T-${id}`);
    return found?.state === 'processing' ? found : null;
  }, 60_000);
  const after = (await all.erp.product('CYLINDER-2')).forecast_quantity;
  claim(sale && after === before - 1, 'Tryton sends it for nothing',
    sale && `number ${sale.number}, ${sale.untaxed_amount.decimal} EUR; ${after} left`);
  const told = await until(async () => {
    const ticket = await all.support.ticket(id);
    return ticket.status === 'resolved' ? ticket : null;
  }, 60_000);
  claim(told?.of('Order') === sale?.number, 'the ticket is resolved, and says by which order',
    told?.of('Order'));
}

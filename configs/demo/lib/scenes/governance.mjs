// The rules are changed while everything runs; what nobody told of is found.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../processes.mjs';
import { claim, note, step } from '../report.mjs';
import { customerRow, quiet } from './look.mjs';

/** The policy in force with one rule more, as a directory of its own. */
async function withRule(all, rule) {
  const folder = path.join(all.folder, 'proposed');
  await all.run('policy', 'export', folder);
  const file = path.join(folder, 'customer.toml');
  const text = readFileSync(file, 'utf8');
  const place = text.indexOf('# ... which finance owns from then on.');
  writeFileSync(file, `${text.slice(0, place)}${rule}\n${text.slice(place)}`);
  return folder;
}

export async function newPolicy(all, memory) {
  step('9. The rules are changed while everything runs',
    'From now on the country of a customer is to be the CRM\'s. What would that have done?');
  const folder = await withRule(all, `[[objects.customer.own]]
fields    = ["country"]
owner     = "crm"
otherwise = "revert"
`);
  const plan = await all.run('policy', 'plan', folder);
  for (const line of plan.text.split('\n')) {
    if (/^recorded|^customer +country/.test(line)) note(line);
  }
  claim(/country +crm +reverted +accepted/.test(plan.text),
    'the plan shows the edit of scene 3, which would have been accepted');
  const name = plan.text.match(/^plan (\S+):/m)?.[1];
  const applied = await all.run('policy', 'apply', folder, '--plan', name ?? '', '--reason',
    'sales asked');
  for (const line of applied.text.trim().split('\n')) note(line);
  claim(/2 of 2 hubs decide by it/.test(applied.text), 'both hubs changed over at one input');
  await all.crm.edit('Account', memory.crm, { BillingCountry: 'FR' });
  const moved = await until(async () => (await customerRow(all.erp, memory.email))[0]?.country
    === 'FR');
  claim(moved, 'the same edit now reaches the ERP', 'FR');
  const blame = (await all.run('blame', 'customer', memory.email, 'country')).text;
  claim(/policy +2 \(/.test(blame) && /customer\.toml:\d+/.test(blame),
    'and it can be explained', blame.match(/rule +(\S+)/)?.[1]);
  const again = await all.run('policy', 'apply', folder, '--plan', name ?? '', '--reason', 'twice');
  claim(again.code === 5, 'the plan cannot be applied twice', again.text.trim());
}

export async function reconciled(all) {
  step('14. What nobody told of is found',
    'Somebody works on the ERP\'s table past its log; then everything is read and compared.');
  await all.erp.sql('ALTER PUBLICATION syncline DROP TABLE erp.customers');
  await all.erp.sql("UPDATE erp.customers SET name = 'Nobody' WHERE email = 'jj@jacquard.example'");
  await all.erp.sql('ALTER PUBLICATION syncline ADD TABLE erp.customers');
  const run = async () => {
    const data = await all.data('reconcile', 'run', '--wait', '90s');
    return { rows: data.reconciliations ?? [], pairs: data.pairs ?? [] };
  };
  const of = (result, object, platform) => result.rows
    .find((row) => row.object === object && row.platform === platform) ?? {};
  const first = await run();
  claim(of(first, 'customer', 'erp').different === 1, 'the run finds the one record that differs',
    JSON.stringify(of(first, 'customer', 'erp')));
  const back = await until(async () => (await customerRow(all.erp, 'jj@jacquard.example'))[0]
    ?.name === 'Jacquard & Daughters', 30_000);
  claim(back, "its owner's value is back");
  await quiet(all);
  const asked = Date.now();
  const second = await run();
  const proven = second.rows.filter((row) => Date.parse(row.verified_through ?? 0) >= asked);
  claim(of(second, 'customer', 'erp').different === 0, 'another run finds nothing');
  claim(proven.length > 0, 'what is equal is proven so from then on',
    `${proven.length} of ${second.rows.length}`);
  for (const line of (await all.run('reconcile', 'list')).text.trim().split('\n')) note(line);
}

// Two builds beside each other: see `tests/side_by_side/run --help`.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { sleep, stopAll, until } from '../../configs/demo/lib/processes.mjs';
import { claim, dim, note, step, summary } from '../../configs/demo/lib/report.mjs';
import { People } from './people.mjs';
import { TwoSystems, partitions, platforms } from './two_systems.mjs';

const [beforeBin, nowBin] = process.argv.slice(2);
const short = process.argv.includes('--short');
const before = { name: 'before', bin: beforeBin };
const now = { name: 'now', bin: nowBin };
const other = (build) => (build === now ? before : now);
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const all = new TwoSystems(mkdtempSync(path.join(os.tmpdir(), 'syncline-sides-')));
const people = new People(all, seed);
let policyVersion = 1;

const everyHeld = (count) => until(async () => {
  const held = Object.values(await all.held());
  return held.length === count && held.every((one) => one > 0)
    && held.reduce((sum, one) => sum + one, 0) === partitions;
}, 30_000);

async function beginHub(id, build) {
  await all.hubs[id]?.stop();
  await all.startHub(id, build);
}

const schemaOf = async (platform) => (await all.store(platform,
  "SELECT value FROM meta WHERE key = 'schema'"))[0].value;

/** A release cannot use the store of a later one, but the copy that was made of its own. */
async function goBack(platform, build) {
  const file = all.file(`${platform}.db`);
  if (!build.schema || !existsSync(file)) return;
  const schema = await schemaOf(platform);
  if (schema <= build.schema) return;
  note(`${platform}: from schema ${schema} back to the copy of ${build.schema}`);
  all.putInPlace(platform, `${file}.schema-${build.schema}`);
}

async function beginAgent(platform, build) {
  await all.agents[platform]?.stop();
  if (all.agents[platform]) await goBack(platform, build);
  const former = (await all.agentStatus(platform))?.started_at;
  await all.startAgent(platform, build);
  // Whoever refuses a store ends at once.
  const begun = await until(async () => {
    const status = await all.agentStatus(platform);
    return (status && status.started_at !== former) || all.agents[platform].ended;
  }, 20_000);
  if (!begun || all.agents[platform].ended) {
    throw new Error(`the agent of ${platform} does not run; see ${all.agents[platform].logFile}`);
  }
  build.schema ??= await schemaOf(platform);
}

const runs = (program, build) => program && !program.ended && program.build === build;

/** Everything of the builds named, started anew where it is another. */
async function have(agents, hubs) {
  for (const id of ['hub-1', 'hub-2']) if (!runs(all.hubs[id], hubs)) await beginHub(id, hubs);
  people.work();
  for (const platform of platforms) {
    if (!runs(all.agents[platform], agents)) await beginAgent(platform, agents);
  }
}

/** What must be true whatever was mixed; traffic rests meanwhile. */
async function settled(what) {
  await people.rest();
  let faults = [];
  await until(async () => {
    faults = await people.faults();
    return faults.length === 0;
  }, 60_000, 300);
  for (const fault of faults.slice(0, 5)) note(fault);
  claim(faults.length === 0, `${what}: both systems are equal`, `${people.size} customers`);
  for (const platform of platforms) {
    const again = await all[platform].sql('SELECT id, name, credit FROM repeated');
    const twice = await all[platform].sql(
      'SELECT email FROM customers GROUP BY email HAVING count(*) > 1');
    claim(again.length === 0 && twice.length === 0,
      `${what}: nothing was written to ${platform} twice`,
      [...again, ...twice].slice(0, 3).map((row) => JSON.stringify(row)).join(' '));
  }
  const exceptions = (await all.data(now, 'exceptions', 'list', '--all')).exceptions;
  claim(exceptions.length === 0, `${what}: there is no exception`,
    exceptions.slice(0, 2).map((one) => `${one.kind}: ${one.reason}`).join('; '));
  const rejects = [];
  for (const platform of platforms) {
    rejects.push(...await all.store(platform, 'SELECT record, reason FROM rejects'));
  }
  claim(rejects.length === 0, `${what}: no message was refused`,
    rejects.slice(0, 2).map((row) => `${row.record}: ${row.reason}`).join('; '));
  claim(await everyHeld(Object.values(all.hubs).filter((hub) => !hub.ended).length),
    `${what}: every partition is held`, JSON.stringify(await all.held()));
}

/** synclinectl of one build asks what hubs of another have written. */
async function asked(build, what) {
  const [email, customer] = people.one();
  const holds = (data) => JSON.stringify(data).includes(JSON.stringify(customer.name));
  const with_ = `synclinectl of ${build.name}, ${what}`;
  const status = await all.data(build, 'status');
  const named = status.hubs.map((hub) => hub.hub).sort().join();
  claim(named === Object.keys(all.hubs).sort().join(), `${with_}: status names the hubs`, named);
  claim(Array.isArray((await all.data(build, 'exceptions', 'list')).exceptions),
    `${with_}: exceptions are listed`);
  claim(holds(await all.data(build, 'entity', 'show', 'customer', email)),
    `${with_}: entity shows the name`);
  claim(holds(await all.data(build, 'blame', 'customer', email, 'name')),
    `${with_}: blame tells who said so`);
  policyVersion += 1;
  all.writePolicy(policyVersion);
  const planned = await all.data(build, 'policy', 'plan', all.file('policy'));
  const applied = await all.ctl(build, 'policy', 'apply', all.file('policy'), '--reason', what,
    '--plan', planned.plan);
  claim(applied.code === 0, `${with_}: the next policy is in force`, applied.text.split('\n')[0]);
  const versions = (await all.data(build, 'policy', 'history')).versions;
  claim(versions.length === policyVersion, `${with_}: policy history has every version`,
    `${versions.length}`);
}

async function mixture(agents, hubs) {
  const what = `agents ${agents.name}, hubs ${hubs.name}`;
  step(what);
  await have(agents, hubs);
  await sleep(short ? 500 : 4_000);
  await settled(what);
  await asked(other(hubs), `hubs ${hubs.name}`);
  if (!short) await asked(hubs, `hubs ${hubs.name}`);
}

/** Hubs of both builds share the partitions; each takes over from the other, killed. */
async function takeovers() {
  step('a hub of each build', 'partitions are shared, and taken over from one that is killed');
  await beginHub('hub-1', before);
  await beginHub('hub-2', now);
  claim(await everyHeld(2), 'they share the partitions', JSON.stringify(await all.held()));
  for (let round = 0; round < (short ? 1 : 3); round += 1) {
    for (const id of ['hub-1', 'hub-2']) {
      const { build } = all.hubs[id];
      people.work();
      await sleep(short ? 300 : 1_500);
      await all.hubs[id].stop('SIGKILL');
      claim(await everyHeld(1), `the hub of ${other(build).name} takes over from ${build.name}`,
        JSON.stringify(await all.held()));
      await beginHub(id, build);
      claim(await everyHeld(2), `the hub of ${build.name} gets its share back`);
    }
  }
  await settled('after the kills');
}

/** One program after the other, while people work. */
async function rolling(from, to, what) {
  step(what, 'one program after the other, while people work');
  await have(from, from);
  const turns = [() => beginAgent('shop', to), () => beginHub('hub-1', to),
    () => beginAgent('books', to), () => beginHub('hub-2', to)];
  for (const turn of turns) {
    await sleep(short ? 200 : 2_000);
    await turn();
  }
  await sleep(short ? 200 : 2_000);
  await settled(what);
}

/** What was open stood in the ledger before schema 7. */
async function joinOpenCommands(platform) {
  await all.store(platform, `ALTER TABLE ledger RENAME TO done;
    CREATE TABLE ledger(object INTEGER, entity BLOB, generation INTEGER, state INTEGER,
      status INTEGER, attempts INTEGER, record TEXT, command BLOB, PRIMARY KEY(object, entity))
      WITHOUT ROWID;
    CREATE INDEX doubtful_commands ON ledger(object, entity) WHERE state IN (0, 2);
    INSERT INTO ledger SELECT object, entity, generation, 3, status, attempts, record, x'' FROM done;
    INSERT INTO ledger SELECT object, entity, generation, state, 0, attempts, record, command
      FROM open_commands;
    DROP TABLE done; DROP TABLE open_commands`);
}

/** Ids of entities were texts before schema 6, 24 characters of base 32 instead of 15 bytes. */
async function unpackEntities(platform) {
  const text = (hex) => BigInt(`0x${hex}`).toString(32).padStart(24, '0')
    .replace(/./g, (digit) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(digit, 32)]);
  for (const table of ['records', 'ledger']) {
    const rows = await all.store(platform, `SELECT DISTINCT hex(entity) AS id FROM ${table}
      WHERE entity IS NOT NULL`);
    await all.store(platform, rows.map(({ id }) =>
      `UPDATE ${table} SET entity = '${text(id)}' WHERE entity = x'${id}'`).join(';\n'));
  }
}

/** A store that an older release made, taken over; and the way back by the copy. */
async function stores() {
  step('stores of another schema', 'made by hand, two schemas back');
  const { books } = all.agents;
  const file = all.file('books.db');
  await books.stop();
  await joinOpenCommands('books');
  await unpackEntities('books');
  await all.store('books', 'DROP TABLE operations');
  await all.store('books', "UPDATE meta SET value = 4 WHERE key = 'schema'");
  await beginAgent('books', now);
  claim(existsSync(`${file}.schema-4`), 'a copy was made before the store was taken over');
  people.work();
  await sleep(short ? 200 : 1_000);
  await settled('with the store of a release before');
  people.work();
  await sleep(short ? 200 : 500);
  await all.agents.books.stop();
  await all.store('books', "UPDATE meta SET value = 99 WHERE key = 'schema'");
  const refused = await all.refusedAgent('books', now);
  const copy = refused.text.match(/put (\S+) in its place/)?.[1] ?? 'none';
  claim(refused.code !== 0 && existsSync(copy),
    'a store of a later release is refused, and the newest copy named',
    refused.text.trim().split('\n').at(-1));
  all.putInPlace('books', copy);
  await beginAgent('books', now);
  await sleep(short ? 200 : 1_000);
  await settled('with the copy in the place of the store');
}

async function main() {
  let code = 1;
  try {
    step(`builds beside each other${short ? ', in short' : ''}`,
      `seed ${seed}; files and logs: ${all.folder}`);
    for (const build of [before, now]) {
      note(`${build.name}: ${(await all.version(build)).trim()}`);
    }
    await all.start();
    await mixture(before, now);
    if (!short) await mixture(now, before);
    await takeovers();
    await rolling(before, now, 'upgrade');
    if (!short) await rolling(now, before, 'downgrade');
    await have(now, now);
    await stores();
    code = summary();
  } catch (error) {
    claim(false, error.stack);
    summary();
  }
  await people.rest().catch(() => {}); // Said already, if it is what ended all.
  await stopAll();
  if (code === 0) rmSync(all.folder, { recursive: true, force: true });
  else console.log(dim(`logs are kept: ${all.folder}`));
  process.exit(code);
}

main();

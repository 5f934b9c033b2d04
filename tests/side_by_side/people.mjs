// People at both systems, who work all the time, and know what must be there in the end.
import { sleep } from '../../configs/demo/lib/processes.mjs';
import { Random } from '../support/random.mjs';

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

export class People {
  constructor(systems, seed) {
    this.systems = systems;
    this.random = new Random(seed);
    this.customers = new Map();
    this.edits = 0;
    this.working = false;
    this.done = Promise.resolve();
  }

  get size() { return this.customers.size; }

  /** A customer that is there; his email and what is expected. */
  one() { return this.customers.entries().next().value; }

  work() {
    if (this.working) return;
    this.working = true;
    this.done = (async () => {
      while (this.working) {
        await this.#edit();
        await sleep(20 + this.random.below(120));
      }
    })().catch((error) => { this.error = error; });
  }

  async rest() {
    this.working = false;
    await this.done;
    const { error } = this;
    this.error = null;
    if (error) throw error;
  }

  async #edit() {
    const { shop, books } = this.systems;
    this.edits += 1;
    const known = [...this.customers.entries()];
    const kind = this.random.below(10);
    if (known.length === 0 || kind < 3) {
      const email = `c${known.length}@side.example`;
      const customer = { name: `Customer ${known.length}`, credit: null };
      this.customers.set(email, customer);
      await shop.sql(`INSERT INTO customers (name, email)
        VALUES (${quoted(customer.name)}, ${quoted(email)})`);
      return;
    }
    const [email, customer] = this.random.pick(known);
    const where = `WHERE email = ${quoted(email)}`;
    if (kind < 7) {
      customer.name = `${customer.name.split(' v')[0]} v${this.edits}`;
      await shop.sql(`UPDATE customers SET name = ${quoted(customer.name)} ${where}`);
      return;
    }
    const arrived = await books.sql(`SELECT id FROM customers ${where}`);
    if (arrived.length === 0) return;
    if (kind < 9 || customer.wrongs === 2) { // Oftener is taken for an automation, and said.
      customer.credit = `credit ${this.edits}`;
      await books.sql(`UPDATE customers SET credit = ${quoted(customer.credit)} ${where}`);
    } else { // Not theirs to change: it is put right.
      customer.wrongs = (customer.wrongs ?? 0) + 1;
      await books.sql(`UPDATE customers SET name = 'not ${this.edits}' ${where}`);
    }
  }

  /** Where a system does not hold what it should. */
  async faults() {
    const faults = [];
    for (const platform of ['shop', 'books']) {
      const rows = await this.systems[platform].sql('SELECT email, name, credit FROM customers');
      const held = new Map(rows.map((row) => [row.email, row]));
      if (held.size !== this.size) faults.push(`${platform}: ${held.size} of ${this.size}`);
      for (const [email, wanted] of this.customers) {
        const row = held.get(email);
        if (row?.name !== wanted.name || row?.credit !== wanted.credit) {
          faults.push(`${platform}: ${email} is ${JSON.stringify(row)}, not ${wanted.name}, `
            + `${wanted.credit}`);
        }
      }
    }
    return faults;
  }
}

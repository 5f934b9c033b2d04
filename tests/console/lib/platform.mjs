// A platform that lives in the test: records in a map, changes in the order in which they were made.
import { createServer } from 'node:http';

class Refused extends Error {
  constructor(kind, text) {
    super(text);
    this.kind = kind;
  }
}

export class Platform {
  #records = new Map();
  #changed = new Map(); // Id -> number of its newest change.
  #count = 0;
  #next = 1;

  async start() {
    this.server = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      response.end(JSON.stringify(this.#answer(JSON.parse(text))));
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/`;
    return this;
  }

  stop() { this.server.closeAllConnections(); this.server.close(); }

  // ---- What a person does there. ----

  put(fields, id = String(this.#next++)) {
    this.#records.set(id, { ...this.#records.get(id), ...fields, id });
    this.#note(id);
    return id;
  }

  remove(id) {
    this.#records.delete(id);
    this.#note(id);
  }

  find(field, value) { return [...this.#records.values()].find((one) => one[field] === value); }
  get size() { return this.#records.size; }

  // ---- What the agent asks. ----

  #note(id) {
    this.#changed.delete(id);
    this.#changed.set(id, ++this.#count);
  }

  #answer({ id, call, ...rest }) {
    try {
      const run = { hello: () => ({ protocol: 1,
        capabilities: ['can_fetch', 'has_marker', 'create_is_idempotent'] }),
      read: () => this.#read(rest), fetch: () => ({ record: this.#records.get(rest.record) ?? null }),
      find: () => ({ record: this.find('entity', rest.entity) ?? null }),
      create: () => this.#create(rest), update: () => this.#update(rest),
      delete: () => { this.remove(rest.record); return {}; } }[call];
      if (!run || (rest.object ?? 'customers') !== 'customers') {
        throw new Refused('invalid', 'there is no such call, or no such object');
      }
      return { id, result: run() };
    } catch (error) {
      return { id, error: { class: error.kind ?? 'unavailable', text: error.message } };
    }
  }

  #read({ cursor, max }) {
    const from = Number(cursor ?? 0);
    const records = [];
    const deleted = [];
    let next = from;
    let more = false;
    for (const [id, number] of this.#changed) {
      if (number <= from) continue;
      if (records.length + deleted.length === max) { more = true; break; }
      next = number;
      const record = this.#records.get(id);
      if (record) records.push(record); else deleted.push(id);
    }
    return { records, deleted, next: String(next), more };
  }

  #create({ entity, values }) {
    const found = this.find('entity', entity);
    if (found) return { record: found, existed: true };
    const id = this.put({ ...values, entity });
    return { record: this.#records.get(id) };
  }

  #update({ record, values }) {
    if (!this.#records.has(record)) throw new Refused('not_found', `no record ${record}`);
    this.put(values, record);
    return { record: this.#records.get(record) };
  }
}

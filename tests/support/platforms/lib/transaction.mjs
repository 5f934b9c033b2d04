// What one request is about to change. Reads see its own staged rows first; nothing is visible to
// others before the store commits it as one line on disk.

export class Transaction {
  #store;
  #staged = new Map();
  mutations = [];
  counters = {};

  /** `stampMs`: the platform time every row written here is stamped with. */
  constructor(store, stampMs) {
    this.#store = store;
    this.stampMs = stampMs;
  }

  row(table, id) {
    const key = `${table}/${id}`;
    return this.#staged.has(key) ? this.#staged.get(key).after : this.#store.row(table, id);
  }

  /** Stages a row (or its removal, `after` null). op: create, update or delete. */
  write(table, id, op, after) {
    const row = after === null ? null : Object.freeze({ ...after });
    this.#staged.set(`${table}/${id}`, { table, id, after: row });
    this.mutations.push({ table, id, op, after: row });
  }

  /** Drops everything staged so far. */
  abandon() {
    this.#staged.clear();
    this.mutations = [];
  }

  find(table, field, value) {
    const key = this.#store.indexKey(table, field, value, {});
    const ids = new Set(this.#store.find(table, field, value));
    for (const { table: stagedTable, id, after } of this.#staged.values()) {
      if (stagedTable !== table) {
        continue;
      }
      const stagedKey = after ? this.#store.indexKey(table, field, after[field], after) : null;
      if (stagedKey !== null && stagedKey === key) {
        ids.add(id);
      } else {
        ids.delete(id);
      }
    }
    return [...ids];
  }

  /** The next number of a named series, starting at 1. */
  next(name) {
    this.counters[name] = (this.counters[name] ?? this.#store.counter(name)) + 1;
    return this.counters[name];
  }
}

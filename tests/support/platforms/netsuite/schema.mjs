// Tables of SuiteQL, and the records of the record service that are kept in them.

export class Schema {
  #tables;
  #records = new Map();

  constructor({ tables, records }) {
    this.#tables = new Map(Object.entries(tables));
    for (const [name, { values = {}, ...about }] of Object.entries(records)) {
      const fields = this.#tables.get(about.table);
      const byName = Object.entries(fields).map(([field, { json }]) => [json ?? field, field]);
      // Names are taken in any case.
      const named = new Map(byName.map(([json, field]) => [json.toLowerCase(), field]));
      this.#records.set(name.toLowerCase(), { name, ...about, values, fields, named });
    }
  }

  /** A record type of the record service, or null. */
  record(name) {
    return this.#records.get(String(name).toLowerCase()) ?? null;
  }

  /** The fields of a table, or null. */
  table(name) {
    return this.#tables.get(name) ?? null;
  }

  tables() {
    return [...this.#tables.keys()];
  }

  /** The external id of each record, which is unique within its type; see externalKey(). */
  indexes() {
    return this.tables().map((table) => ({
      table,
      field: 'externalid',
      key: (value, row) =>
        row.$record && row.externalid ? externalKey(row.$record, row.externalid) : (value ?? null),
    }));
  }
}

export function externalKey(record, externalId) {
  return `${record}\n${externalId}`;
}

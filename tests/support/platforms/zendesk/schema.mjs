// Tickets, users and organizations with their fields, read from schema.json. A name that begins
// with `$` is of the server alone: no reply shows it.

export class Schema {
  #tables = new Map();

  constructor({ $rules: rules = [], ...tables }) {
    this.rules = rules;
    for (const [name, table] of Object.entries(tables)) {
      this.#tables.set(name, { name, ...table });
    }
  }

  find(name) {
    return this.#tables.get(name) ?? null;
  }

  tables() {
    return [...this.#tables.values()];
  }

  /** What the store looks rows up by: external ids, unique fields, idempotency keys. */
  indexes() {
    const fields = this.tables().flatMap((table) =>
      Object.entries(table.fields)
        .filter(([name, field]) => field.unique || name === 'external_id')
        .map(([name]) => ({ table: table.name, field: name, key: lookupKey })),
    );
    const keyOf = (idempotency) => idempotency?.key ?? null;
    return [...fields, { table: 'tickets', field: '$idempotency', key: keyOf }];
  }
}

/** How values of a field are compared where they must be unique, and looked up by. */
export function lookupKey(value) {
  return value === null || value === undefined ? null : String(value).toLowerCase();
}

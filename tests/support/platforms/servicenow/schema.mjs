// Tables and fields, read from schema.json; system fields are added here to every table.

const systemFields = {
  sys_id: { type: 'string', system: true },
  sys_created_on: { type: 'datetime', system: true },
  sys_created_by: { type: 'string', system: true },
  sys_updated_on: { type: 'datetime', system: true },
  sys_updated_by: { type: 'string', system: true },
  sys_mod_count: { type: 'integer', system: true },
};

export class Schema {
  #tables = new Map();

  /** The content of schema.json; its business rules run if the flag says so. */
  constructor({ $rules: rules = [], ...tables }, { 'business-rules': rulesOn }) {
    this.rules = rulesOn ? rules : [];
    for (const [name, { fields, ...about }] of Object.entries(tables)) {
      const classField = about.class ? { sys_class_name: { type: 'string', system: true } } : {};
      const all = { ...fields, ...systemFields, ...classField };
      this.#tables.set(name, { name, ...about, fields: all });
    }
  }

  find(name) {
    return this.#tables.get(name) ?? null;
  }

  tables() {
    return [...this.#tables.values()];
  }

  /** What the store looks rows up by: fields with a unique index. */
  indexes() {
    return this.tables().flatMap((table) =>
      Object.entries(table.fields)
        .filter(([, field]) => field.unique)
        .map(([name]) => ({ table: table.name, field: name, key: (value) => value || null })),
    );
  }
}

// Models and fields, read from schema.json; what each model has of its own accord is added here.

const ownFields = {
  id: { type: 'integer', own: true },
  create_date: { type: 'datetime', own: true },
  create_uid: { type: 'integer', own: true },
  write_date: { type: 'datetime', own: true },
  write_uid: { type: 'integer', own: true },
  display_name: { type: 'char', own: true, computed: ['name'] },
};

export class Schema {
  #models = new Map();

  constructor(models) {
    for (const [name, { fields, ...about }] of Object.entries(models)) {
      const all = { ...fields, ...ownFields };
      this.#models.set(name, { name, access: 'all', ...about, fields: all });
    }
  }

  find(name) {
    return this.#models.get(name) ?? null;
  }

  models() {
    return [...this.#models.values()];
  }

  /** What the store looks rows up by: the constraints of the database. */
  indexes() {
    return this.models().flatMap((model) =>
      Object.entries(model.fields)
        .filter(([, field]) => field.unique)
        .map(([name]) => ({ table: model.name, field: name, key: (value) => value ?? null })),
    );
  }
}

export function fieldOf(model, name) {
  return typeof name === 'string' && Object.hasOwn(model.fields, name) ? model.fields[name] : null;
}

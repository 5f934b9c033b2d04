// Objects and their properties, read from schema.json; those that every object has are added here.

export class Schema {
  #types = new Map();

  constructor(types) {
    for (const [name, about] of Object.entries(types)) {
      const system = {
        hs_object_id: { type: 'number', readOnly: true },
        createdate: { type: 'datetime', readOnly: true },
        [about.modified]: { type: 'datetime', readOnly: true },
      };
      const properties = { ...about.properties, ...system };
      const shown = [...about.shown, ...Object.keys(system)];
      this.#types.set(name, { name, ...about, properties, system: Object.keys(system), shown });
    }
  }

  /** By its name or its type id, "companies" or "0-2"; null for none. */
  find(name) {
    return this.#types.get(name) ?? this.types().find(({ typeId }) => typeId === name) ?? null;
  }

  types() {
    return [...this.#types.values()];
  }

  /** What the store looks records up by: unique properties of those that are not archived. */
  indexes() {
    return this.types().flatMap((type) =>
      Object.entries(type.properties)
        .filter(([, property]) => property.unique)
        .map(([field]) => ({
          table: type.name,
          field,
          key: (value, row) => keyOf(row.properties ? row.properties[field] : value, row),
        })),
    );
  }
}

/** Unique values differ by more than case. */
function keyOf(value, row) {
  return row.archived ? null : (value ?? '').toLowerCase() || null;
}

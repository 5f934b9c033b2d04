// Entity sets and their properties, read from schema.json. A property may be `computed` (whoever
// sends it is not heard, or refused), `unique`, and have a `length`, `scale`, `choices`, `default`.

export class EntitySets {
  #sets = new Map();

  constructor(sets) {
    for (const [name, about] of Object.entries(sets)) {
      this.#sets.set(name, { name, ...about });
    }
  }

  find(name) {
    return this.#sets.get(name) ?? null;
  }

  all() {
    return [...this.#sets.values()];
  }

  /** What the store looks rows up by: unique properties that are not empty. */
  indexes() {
    return this.all().flatMap((set) =>
      uniqueNames(set).map((field) => ({ table: set.name, field, key: (value) => value || null })),
    );
  }
}

function uniqueNames(set) {
  return Object.keys(set.properties).filter((name) => set.properties[name].unique);
}

/** The name of a unique property whose value another row has, or null. */
export function takenProperty(transaction, set, id, row) {
  for (const name of uniqueNames(set)) {
    const others = row[name] ? transaction.find(set.name, name, row[name]) : [];
    if (others.some((other) => other !== id)) {
      return name;
    }
  }
  return null;
}

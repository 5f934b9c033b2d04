// Objects and fields, read from schema.json; system fields are added here to every object.

import { ApiError } from './api_error.mjs';

const systemFields = [
  { name: 'Id', type: 'id', length: 18, system: true },
  { name: 'IsDeleted', type: 'boolean', system: true },
  { name: 'CreatedDate', type: 'datetime', system: true },
  { name: 'CreatedById', type: 'reference', referenceTo: 'User', length: 18, system: true },
  { name: 'LastModifiedDate', type: 'datetime', system: true },
  { name: 'LastModifiedById', type: 'reference', referenceTo: 'User', length: 18, system: true },
  { name: 'SystemModstamp', type: 'datetime', system: true },
];

export class Schema {
  #objects = new Map();

  /** `objects`: the content of schema.json. `rules`: business rules over them (may be absent). */
  constructor({ $rules: rules = [], ...objects }) {
    this.rules = rules;
    for (const [name, { fields, ...about }] of Object.entries(objects)) {
      const all = [systemFields[0], ...fields, ...systemFields.slice(1)];
      const byName = new Map(all.map((field) => [field.name.toLowerCase(), field]));
      this.#objects.set(name.toLowerCase(), { name, ...about, fields: all, byName });
    }
  }

  objects() {
    return [...this.#objects.values()];
  }

  find(name) {
    return this.#objects.get(String(name).toLowerCase()) ?? null;
  }

  /** For REST paths: an unknown object is a resource that does not exist. */
  object(name) {
    const object = this.find(name);
    if (!object) {
      throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
    }
    return object;
  }

  /** What the store looks records up by: external ids and unique fields of live records. */
  indexes() {
    return this.objects().flatMap((object) =>
      object.fields
        .filter((field) => field.externalId || field.unique)
        .map((field) => ({
          table: object.name,
          field: field.name,
          key: (value, row) =>
            row.IsDeleted || value === null || value === undefined ? null : uniqueKey(field, value),
        })),
    );
  }
}

export function fieldOf(object, name) {
  return object.byName.get(String(name).toLowerCase()) ?? null;
}

export function parentOf(object, relationshipName) {
  const wanted = relationshipName.toLowerCase();
  return object.fields.find((field) => field.relationshipName?.toLowerCase() === wanted) ?? null;
}

function uniqueKey(field, value) {
  return field.caseSensitive ? String(value) : String(value).toLowerCase();
}

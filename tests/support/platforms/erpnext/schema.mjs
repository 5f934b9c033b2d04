// DocTypes and fields, read from schema.json; what every document has is added here.

import { collationKey } from './values.mjs';

const ownFields = {
  name: { type: 'Data', own: true },
  owner: { type: 'Data', own: true },
  creation: { type: 'Datetime', own: true },
  modified: { type: 'Datetime', own: true },
  modified_by: { type: 'Data', own: true },
  docstatus: { type: 'Int', own: true },
  idx: { type: 'Int', own: true },
};

export class Schema {
  #doctypes = new Map();

  constructor(doctypes) {
    for (const [name, { fields, ...about }] of Object.entries(doctypes)) {
      const all = { ...ownFields, ...fields };
      this.#doctypes.set(name, { name, access: 'all', ...about, fields: all });
    }
  }

  find(name) {
    return this.#doctypes.get(name) ?? null;
  }

  doctypes() {
    return [...this.#doctypes.values()];
  }

  /** Names, unique fields and links are looked up as the database compares text. */
  indexes() {
    const key = (value) => (value === null || value === undefined ? null : collationKey(value));
    return this.doctypes().flatMap((doctype) =>
      Object.entries(doctype.fields)
        .filter(([name, field]) => field.unique || field.to || name === 'name')
        .map(([name]) => ({ table: doctype.name, field: name, key })),
    );
  }
}

export function fieldOf(doctype, name) {
  const has = typeof name === 'string' && Object.hasOwn(doctype.fields, name);
  return has ? doctype.fields[name] : null;
}

// Writes of rows on a transaction: what a user may set, stamps, constraints of the database.

import { missingError, validationError, valueError } from './api_error.mjs';
import { fieldOf } from './schema.mjs';
import { acceptValue, stampText } from './values.mjs';

const failed = 'The operation cannot be completed: ';

export class Records {
  #schema;

  constructor(schema) {
    this.#schema = schema;
  }

  /** Stages a new row and returns it. */
  create(transaction, model, { input, uid }) {
    const row = { id: transaction.next(model.name) };
    for (const [name, field] of Object.entries(model.fields)) {
      if (!field.own && !field.computed) {
        row[name] = acceptValue(field, field.default ?? null, `${model.name}.${name}`);
      }
    }
    const stamp = stampText(transaction.stampMs);
    const stamps = { create_date: stamp, create_uid: uid, write_date: stamp, write_uid: uid };
    const saved = { ...row, ...this.#accept(model, input), ...stamps };
    this.#check(transaction, model, saved);
    transaction.write(model.name, String(saved.id), 'create', saved);
    return saved;
  }

  /** Stages the changed rows. The stamp moves even if nothing changed. `stamp`: normal or none. */
  write(transaction, model, ids, { input, uid, stamp = 'normal' }) {
    const accepted = this.#accept(model, input);
    for (const id of ids) {
      const current = transaction.row(model.name, String(id));
      if (!current) {
        throw missingError(model.name, ids);
      }
      const stamps = { write_date: stampText(transaction.stampMs), write_uid: uid };
      const saved = { ...current, ...accepted, ...(stamp === 'none' ? {} : stamps) };
      this.#check(transaction, model, saved);
      transaction.write(model.name, String(id), 'update', saved);
    }
  }

  /** What is gone already is no error. */
  unlink(transaction, model, ids) {
    for (const id of ids) {
      if (transaction.row(model.name, String(id))) {
        transaction.write(model.name, String(id), 'delete', null);
      }
    }
  }

  /** Unknown names are errors; the ORM's own columns and computed fields are passed over. */
  #accept(model, input) {
    if (input === null || typeof input !== 'object' || Array.isArray(input)) {
      throw valueError(`Invalid values for ${model.name}`);
    }
    const values = {};
    for (const [name, value] of Object.entries(input)) {
      const field = fieldOf(model, name);
      if (!field) {
        throw valueError(`Invalid field '${name}' on model '${model.name}'`);
      }
      if (!field.own && !field.computed) {
        values[name] = acceptValue(field, value, `${model.name}.${name}`);
      }
    }
    return values;
  }

  #check(transaction, model, row) {
    for (const [name, field] of Object.entries(model.fields)) {
      const value = row[name] ?? null;
      if (value === null && field.missing && (row.type ?? 'contact') === 'contact') {
        throw validationError(failed + field.missing);
      }
      if (value === null && field.required) {
        throw validationError(`${failed}\n- Create/update: a mandatory field is not set.`);
      }
      if (value !== null && field.type === 'many2one') {
        if (!transaction.row(field.model, String(value))) {
          throw validationError(`${failed}${field.model} ${value} is not present`);
        }
      }
      if (value !== null && field.unique) {
        const others = transaction.find(model.name, name, value);
        if (others.some((id) => id !== String(row.id))) {
          throw validationError(failed + field.unique);
        }
      }
    }
  }
}

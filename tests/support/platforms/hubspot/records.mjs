// Writes of records on a transaction: properties checked, stamps, unique values.

import { ApiError, badJson, invalid, notFound } from './api_error.mjs';
import { acceptValue, momentText } from './values.mjs';

const firstId = 37_765_128_000;

export class Records {
  #portalId;

  constructor({ portalId }) {
    this.#portalId = portalId;
  }

  /** Stages a new record and returns it. */
  create(transaction, type, properties) {
    // Ids do not rise with time: they are given out in blocks.
    const id = String(firstId + (transaction.next('id') ^ 5));
    const values = this.#accept(transaction, type, { id, properties });
    const now = momentText(transaction.stampMs);
    const system = { hs_object_id: id, createdate: now, [type.modified]: now };
    const row = { id, properties: { ...values, ...system }, createdAt: now, updatedAt: now };
    transaction.write(type.name, id, 'create', { ...row, archived: false });
    return transaction.row(type.name, id);
  }

  /** Stages the changed record; a save that changes nothing stages nothing. */
  update(transaction, type, id, properties, stamp = 'normal') {
    const current = liveRow(transaction, type, id);
    const values = this.#accept(transaction, type, { id, properties });
    const old = current.properties;
    if (Object.entries(values).every(([name, value]) => (old[name] ?? null) === value)) {
      return current;
    }
    const now = stamp === 'none' ? current.updatedAt : momentText(transaction.stampMs);
    const row = {
      ...current,
      properties: { ...old, ...values, [type.modified]: now },
      updatedAt: now,
    };
    transaction.write(type.name, id, 'update', row);
    return transaction.row(type.name, id);
  }

  /** What is archived already, or never was, is no error. */
  archive(transaction, type, id) {
    const current = transaction.row(type.name, id);
    if (!current || current.archived) {
      return;
    }
    const now = momentText(transaction.stampMs);
    transaction.write(type.name, id, 'delete', { ...current, archived: true, archivedAt: now });
  }

  /** The values to keep, null for an empty one; throws what is wrong with them, all at once. */
  #accept(transaction, type, { id, properties }) {
    if (properties === null || typeof properties !== 'object' || Array.isArray(properties)) {
      throw badJson('some required attributes are not set [properties]');
    }
    const values = {};
    const problems = [];
    for (const [name, input] of Object.entries(properties)) {
      const property = Object.hasOwn(type.properties, name) ? type.properties[name] : null;
      const result = accepted(name, property, input);
      const isKey = result.value && property.unique;
      const taken = isKey && takenBy(transaction, type, { id, name }, input);
      if (taken && property.identifies) {
        const message = `Contact already exists. Existing ID: ${taken}`;
        throw new ApiError(409, 'CONFLICT', message);
      }
      if (taken) {
        result.error = 'CONFLICTING_UNIQUE_VALUE';
        result.message = `${taken} already has that value.`;
      }
      if (result.error) {
        problems.push(this.#problem(name, result));
      }
      values[name] = result.value;
    }
    if (problems.length > 0) {
      throw invalid(`Property values were not valid: ${JSON.stringify(problems)}`);
    }
    return values;
  }

  #problem(name, { error, message }) {
    const portalId = this.#portalId;
    return { isValid: false, message, error, name, localizedErrorMessage: message, portalId };
  }
}

/** The record as it is, or 404. */
export function liveRow(transaction, type, id) {
  const row = transaction.row(type.name, id);
  if (!row || row.archived) {
    throw notFound(id);
  }
  return row;
}

function accepted(name, property, input) {
  if (!property) {
    return { error: 'PROPERTY_DOESNT_EXIST', message: `Property "${name}" does not exist` };
  }
  if (property.readOnly) {
    return { error: 'READ_ONLY_VALUE', message: `"${name}" is a read only property` };
  }
  if (!['string', 'number', 'boolean'].includes(typeof input)) {
    throw badJson(`the value of ${name} is no text`);
  }
  return input === '' ? { value: null } : acceptValue(property, String(input));
}

function takenBy(transaction, type, { id, name }, value) {
  return transaction.find(type.name, name, String(value)).find((other) => other !== id);
}

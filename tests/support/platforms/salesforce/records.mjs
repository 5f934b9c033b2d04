// Writes of single records on a transaction: checks in the order Salesforce reports them, stamps,
// unique external ids. HTTP is elsewhere; everything here throws ApiError.

import { applyRules } from '../lib/automation.mjs';
import { ApiError, notFound } from './api_error.mjs';
import { makeId, normaliseId } from './record_id.mjs';
import { fieldOf, parentOf } from './schema.mjs';
import { acceptValue, idTypes } from './values.mjs';

export class Records {
  #schema;

  constructor(schema) {
    this.#schema = schema;
  }

  /** Stages a new record; returns its id. `by` is the user id that becomes owner of the stamps. */
  create(transaction, object, input, by) {
    const values = this.#accept(transaction, object, input);
    const row = { Id: null, IsDeleted: false };
    for (const field of object.fields.filter(({ system }) => !system)) {
      row[field.name] =
        values[field.name] ?? (field.name in values ? null : (field.default ?? null));
    }
    checkRequired(object, row);
    row.Id = makeId(object.keyPrefix, transaction.next(object.name));
    row.CreatedDate = transaction.stampMs;
    row.CreatedById = by;
    this.#stage(transaction, { object, op: 'create', row, by, stamp: 'normal' });
    return row.Id;
  }

  /** `stamp`: normal; system moves SystemModstamp only; none moves nothing. */
  update(transaction, object, id, { input, by, stamp = 'normal' }) {
    const current = this.#live(transaction, object, id);
    const row = { ...current, ...this.#accept(transaction, object, input) };
    checkRequired(object, row);
    this.#stage(transaction, { object, op: 'update', row, by, stamp });
  }

  /** The record stays, in the bin: queryAll and getDeleted see it, its unique values are free. */
  remove(transaction, object, id, by) {
    const row = { ...this.#live(transaction, object, id), IsDeleted: true };
    this.#stage(transaction, { object, op: 'delete', row, by, stamp: 'normal' });
  }

  /** Returns {id, created}; `several` lists the ids instead when the value matches many. */
  upsert(transaction, object, { field, value, input, by, updateOnly = false }) {
    if (Object.keys(input).some((name) => name.toLowerCase() === field.name.toLowerCase())) {
      const message = `The ${field.name} field should not be specified in the sobject data.`;
      throw new ApiError(400, 'INVALID_FIELD', message, [field.name]);
    }
    const ids = transaction.find(object.name, field.name, value);
    if (ids.length > 1) {
      return { several: ids };
    }
    if (ids.length === 1) {
      this.update(transaction, object, ids[0], { input, by });
      return { id: ids[0], created: false };
    }
    if (updateOnly) {
      throw notFound('Provided external ID field does not exist or is not accessible');
    }
    const id = this.create(transaction, object, { ...input, [field.name]: value }, by);
    return { id, created: true };
  }

  #live(transaction, object, id) {
    const row = transaction.row(object.name, id);
    if (!row) {
      throw notFound();
    }
    if (row.IsDeleted) {
      throw new ApiError(404, 'ENTITY_IS_DELETED', 'entity is deleted', []);
    }
    return row;
  }

  #accept(transaction, object, input) {
    const values = {};
    for (const [name, value] of Object.entries(input)) {
      if (name === 'attributes') {
        continue;
      }
      const parent = parentOf(object, name);
      if (parent && value !== null && typeof value === 'object') {
        values[parent.name] = this.#resolveParent(transaction, parent, value);
        continue;
      }
      const field = fieldOf(object, name);
      if (!field) {
        const message = `No such column '${name}' on sobject of type ${object.name}`;
        throw new ApiError(400, 'INVALID_FIELD', message);
      }
      if (field.system) {
        const message =
          `Unable to create/update fields: ${field.name}. Please check the security ` +
          'settings of this field and verify that it is read/write for your profile.';
        throw new ApiError(400, 'INVALID_FIELD_FOR_INSERT_UPDATE', message, [field.name]);
      }
      values[field.name] = acceptValue(field, value);
      this.#checkReference(transaction, field, values[field.name]);
    }
    return values;
  }

  /** {"Syncline_Id__c": "A-1"} in place of an id: the parent's own external id. */
  #resolveParent(transaction, reference, value) {
    const parent = this.#schema.object(reference.referenceTo);
    const names = Object.keys(value).filter((name) => name !== 'attributes');
    const field = names.length === 1 ? fieldOf(parent, names[0]) : null;
    if (!field?.externalId) {
      const message = `${reference.relationshipName}: one external id field is expected`;
      throw new ApiError(400, 'INVALID_FIELD', message, [reference.name]);
    }
    const ids = transaction.find(parent.name, field.name, value[field.name]);
    if (ids.length !== 1) {
      const message =
        `Foreign key external ID: ${value[field.name]} not found for field ` +
        `${field.name} in entity ${parent.name}`;
      throw new ApiError(400, 'INVALID_FIELD', message, [reference.name]);
    }
    return ids[0];
  }

  #checkReference(transaction, field, id) {
    const target =
      idTypes.has(field.type) && id !== null ? this.#schema.find(field.referenceTo) : null;
    if (!target) {
      return;
    }
    const row = transaction.row(target.name, id);
    if (!row || row.IsDeleted) {
      const code = 'INVALID_CROSS_REFERENCE_KEY';
      throw new ApiError(400, code, 'invalid cross reference id', [field.name]);
    }
  }

  #stage(transaction, { object, op, row, by, stamp }) {
    const saved =
      op === 'delete' ? { ...row } : { ...applyRules(this.#schema.rules, object.name, row) };
    if (stamp !== 'none') {
      saved.SystemModstamp = transaction.stampMs;
    }
    if (stamp === 'normal') {
      saved.LastModifiedDate = transaction.stampMs;
      saved.LastModifiedById = by;
    }
    if (op !== 'delete') {
      checkUnique(transaction, object, saved);
    }
    transaction.write(object.name, saved.Id, op, saved);
  }
}

function checkRequired(object, row) {
  const missing = object.fields
    .filter((field) => field.required && (row[field.name] ?? null) === null)
    .map((field) => field.name);
  if (missing.length > 0) {
    const message = `Required fields are missing: [${missing.join(', ')}]`;
    throw new ApiError(400, 'REQUIRED_FIELD_MISSING', message, missing);
  }
}

function checkUnique(transaction, object, row) {
  for (const field of object.fields) {
    const value = row[field.name] ?? null;
    if (!field.unique || value === null) {
      continue;
    }
    const other = transaction.find(object.name, field.name, value).find((id) => id !== row.Id);
    if (other) {
      const message =
        `duplicate value found: ${field.name} duplicates value on record with id: ` + other;
      throw new ApiError(400, 'DUPLICATE_VALUE', message, []);
    }
  }
}

/** The id in a REST path in its 18-character form; throws what Salesforce says of a bad one. */
export function idFromPath(text) {
  const id = normaliseId(text);
  if (id === null) {
    throw new ApiError(
      404,
      'NOT_FOUND',
      'Provided external ID field does not exist or is not ' + `accessible: ${text}`,
    );
  }
  return id;
}

// Writes of rows on a transaction: business rules, stamps, data policy, unique indexes.

import { randomBytes } from 'node:crypto';
import { applyRules } from '../lib/automation.mjs';
import { ApiError, noRecord, operationFailed } from './api_error.mjs';
import { acceptValue, datetimeText, shiftDatetime } from './values.mjs';

export class Records {
  #schema;
  #utcOffsetMinutes;

  constructor({ schema, utcOffsetMinutes }) {
    this.#schema = schema;
    this.#utcOffsetMinutes = utcOffsetMinutes;
  }

  /** Stages a new row and returns it. `inputDisplay`: values are as people type them. */
  create(transaction, table, { input, user, inputDisplay = false }) {
    const row = { sys_id: randomBytes(16).toString('hex') };
    for (const [name, field] of Object.entries(table.fields)) {
      if (!field.system) {
        row[name] = field.default ?? '';
      }
    }
    Object.assign(row, this.#accept(table, input, inputDisplay));
    const { number } = table;
    if (number && row[number.field] === '') {
      const value = number.start - 1 + transaction.next(table.name);
      row[number.field] = number.prefix + String(value).padStart(number.digits, '0');
    }
    const stamp = datetimeText(transaction.stampMs);
    const saved = {
      ...applyRules(this.#schema.rules, table.name, row),
      sys_created_on: stamp,
      sys_created_by: user,
      sys_updated_on: stamp,
      sys_updated_by: user,
      sys_mod_count: '0',
      ...(table.class ? { sys_class_name: table.name } : {}),
    };
    checkPolicy(transaction, table, saved);
    transaction.write(table.name, saved.sys_id, 'create', saved);
    return saved;
  }

  /** Stages the changed row; a save that changes nothing stages nothing. `stamp`: normal, none. */
  update(transaction, table, id, { input, user, stamp = 'normal', inputDisplay = false }) {
    const current = transaction.row(table.name, id);
    if (!current) {
      throw noRecord();
    }
    const accepted = this.#accept(table, input, inputDisplay);
    const row = applyRules(this.#schema.rules, table.name, { ...current, ...accepted });
    if (Object.keys(row).every((name) => row[name] === current[name])) {
      return current;
    }
    const saved =
      stamp === 'none'
        ? row
        : {
            ...row,
            sys_updated_on: datetimeText(transaction.stampMs),
            sys_updated_by: user,
            sys_mod_count: String(Number(current.sys_mod_count) + 1),
          };
    checkPolicy(transaction, table, saved);
    transaction.write(table.name, id, 'update', saved);
    return saved;
  }

  remove(transaction, table, id) {
    if (!transaction.row(table.name, id)) {
      throw noRecord();
    }
    transaction.write(table.name, id, 'delete', null);
  }

  /** Names the table does not have, and system fields, are ignored without a word. */
  #accept(table, input, inputDisplay) {
    if (input === null || typeof input !== 'object') {
      throw new ApiError(400, 'Exception while reading request', 'A JSON object is expected');
    }
    const values = {};
    for (const [name, value] of Object.entries(input)) {
      const field = Object.hasOwn(table.fields, name) ? table.fields[name] : null;
      if (!field || field.system) {
        continue;
      }
      const raw = inputDisplay ? this.#fromDisplay(field, value) : value;
      const accepted = acceptValue(field, raw);
      if (accepted !== undefined) {
        values[name] = accepted;
      }
    }
    return values;
  }

  #fromDisplay(field, value) {
    if (field.type === 'datetime') {
      return shiftDatetime(String(value), -this.#utcOffsetMinutes);
    }
    const byLabel = Object.entries(field.choices ?? {}).find(([, label]) => label === value);
    return byLabel ? byLabel[0] : value;
  }
}

function checkPolicy(transaction, table, row) {
  const missing = Object.entries(table.fields)
    .filter(([name, field]) => field.mandatory && row[name] === '')
    .map(([name, field]) => field.label ?? name);
  if (missing.length > 0) {
    throw operationFailed(
      'Data Policy Exception: The following fields are mandatory: ' + missing.join(', '),
    );
  }
  for (const [name, field] of Object.entries(table.fields)) {
    if (!field.unique || row[name] === '') {
      continue;
    }
    const taken = transaction.find(table.name, name, row[name]).some((id) => id !== row.sys_id);
    if (taken) {
      throw operationFailed(
        'Error during insert or update: Unique Key violation detected by ' +
          `database (${table.name}.${name})`,
      );
    }
  }
}

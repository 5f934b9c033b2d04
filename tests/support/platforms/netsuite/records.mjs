// Writes of records on a transaction: values checked, stamps, external ids, and what is deleted.

import { invalidContent, notFound, userError } from './api_error.mjs';
import { externalKey } from './schema.mjs';

export class Records {
  /** `input`: as the record service takes it; `validation`: of property names, "error" or not. */
  create(transaction, record, { input, validation, externalId }) {
    const id = String(transaction.next(record.table));
    const row = { id, $record: record.name, externalid: null };
    for (const [name, { type }] of Object.entries(record.fields)) {
      row[name] = type === 'boolean' ? 'F' : null;
    }
    Object.assign(row, record.values, acceptAll(record, input, validation));
    row.externalid = externalId ?? row.externalid;
    for (const [name, { number }] of Object.entries(record.fields)) {
      row[name] = number && row[name] === null ? `${number}${id}` : row[name];
    }
    this.#check(transaction, record, row);
    row.datecreated = row.lastmodifieddate = transaction.stampMs;
    transaction.write(record.table, id, 'create', row);
    return row;
  }

  /** A save moves the stamp whatever it changes. */
  update(transaction, record, id, { input, validation, stamp = 'normal' }) {
    const current = rowOf(transaction, record, id);
    const row = { ...current, ...acceptAll(record, input, validation) };
    this.#check(transaction, record, row);
    row.lastmodifieddate = stamp === 'none' ? current.lastmodifieddate : transaction.stampMs;
    transaction.write(record.table, id, 'update', row);
    return row;
  }

  /** What is deleted is told by a table of its own. */
  remove(transaction, record, id) {
    rowOf(transaction, record, id);
    transaction.write(record.table, id, 'delete', null);
    const at = { recordid: id, type: record.label, deleteddate: transaction.stampMs };
    transaction.write('deletedrecord', `${record.table}/${id}`, 'create', at);
  }

  #check(transaction, record, row) {
    const missing = Object.entries(record.fields)
      .filter(([name, { required }]) => required && row[name] === null)
      .map(([, { label }]) => label);
    if (missing.length > 0) {
      throw userError(`Please enter value(s) for: ${missing.join(', ')}`);
    }
    if (row.externalid !== null) {
      const key = externalKey(record.name, row.externalid);
      const others = transaction.find(record.table, 'externalid', key);
      if (others.some((id) => id !== row.id)) {
        throw userError('This record already exists');
      }
    }
  }
}

/** The record, or 404; also of an id that is another type's. */
export function rowOf(transaction, record, id) {
  const row = transaction.row(record.table, id);
  if (!row || row.$record !== record.name) {
    throw notFound();
  }
  return row;
}

function acceptAll(record, input, validation) {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw invalidContent('The request body is no object.');
  }
  const values = {};
  for (const [given, value] of Object.entries(input)) {
    const key = given.toLowerCase();
    if (key === 'externalid') {
      values.externalid = value === null ? null : textOf(value, given);
      continue;
    }
    const name = record.named.get(key);
    const field = record.fields[name];
    if (name === undefined && !['id', 'lastmodifieddate', 'datecreated', 'links'].includes(key)) {
      if (validation === 'error') {
        throw invalidContent(`Unknown reference or field ${given}.`, given);
      }
      continue;
    }
    if (field && !field.readOnly) {
      const isEmpty = value === null || value === '';
      values[name] = isEmpty ? emptyOf(field) : accepted(field, value, given);
    }
  }
  return values;
}

function emptyOf({ type }) {
  return type === 'boolean' ? 'F' : null;
}

function accepted(field, value, given) {
  const wrong = () => {
    const what = `You have entered an Invalid Field Value ${value} for the following field: `;
    return invalidContent(what + given, given);
  };
  switch (field.type) {
    case 'boolean':
      if (typeof value !== 'boolean') {
        throw wrong();
      }
      return value ? 'T' : 'F';
    case 'decimal':
      if (typeof value !== 'number') {
        throw wrong();
      }
      return String(value);
    case 'reference':
      if (typeof value !== 'object' || !/^\d+$/.test(value.id ?? '')) {
        throw wrong();
      }
      return String(value.id);
    case 'date':
      if (!/^\d{4}-\d\d-\d\d$/.test(value) || Number.isNaN(Date.parse(value))) {
        throw wrong();
      }
      return value;
    default:
      return acceptedText(field, textOf(value, given), wrong);
  }
}

function acceptedText({ type, length, label }, text, wrong) {
  if (type === 'email' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text)) {
    throw wrong();
  }
  if ([...text].length > length) {
    throw userError(
      `The field ${label} contained more than the maximum number ( ${length} ) of characters.`,
    );
  }
  return text;
}

function textOf(value, given) {
  if (typeof value !== 'string') {
    throw invalidContent(`The value of ${given} is no text.`, given);
  }
  return value;
}

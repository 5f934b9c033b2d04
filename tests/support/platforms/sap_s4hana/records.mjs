// Writes of rows on a transaction: numbers, stamps of seven digits, the version that is the ETag.

import { acceptValue, momentKey, momentText } from '../lib/odata_values.mjs';
import { DecimalText } from '../lib/reply.mjs';
import { badBody, changedMeanwhile, conditionRequired, noEntity } from './api_error.mjs';

const initialValues = { 'Edm.Boolean': false, 'Edm.Decimal': 0, 'Edm.Int32': 0 };

/** Of a row: its version, as the clock had it when it was changed. */
export function etagOf(row) {
  const digits = momentKey(row.LastChangeDateTime).replace(/[-T:Z]/g, '');
  return `W/"${digits}"`;
}

/** The selected properties; `decimalText`: the client wants numbers that it cannot round. */
export function showEntity(set, row, { select, decimalText }) {
  const shown = { '@odata.etag': etagOf(row) };
  for (const name of select) {
    const property = set.properties[name];
    const isDecimal = property.type === 'Edm.Decimal';
    const digits = isDecimal ? Number(row[name]).toFixed(property.scale) : '';
    const number = decimalText ? digits : new DecimalText(digits);
    shown[name] = isDecimal ? number : row[name];
  }
  return shown;
}

/** Stages a new row and returns it. */
export function create(transaction, set, { input, user, decimalText }) {
  const row = {};
  for (const [name, { type, default: value }] of Object.entries(set.properties)) {
    row[name] = value ?? initialValues[type] ?? '';
  }
  const stamp = stampOf(transaction);
  const number = String(set.start - 1 + transaction.next(set.name)).padStart(set.digits, '0');
  Object.assign(row, accepted(set, input, decimalText), {
    [set.key]: number,
    CreationDateTime: stamp,
    LastChangeDateTime: stamp,
    LastChangedByUser: user,
  });
  transaction.write(set.name, number, 'create', row);
  return row;
}

/** Stages the changed row. `condition`: If-Match; null where a person does it. */
export function update(transaction, set, id, { input, user, decimalText, condition, stamp }) {
  const current = known(transaction, set, id, condition);
  const row = { ...current, ...accepted(set, input, decimalText) };
  if (stamp !== 'none') {
    row.LastChangeDateTime = stampOf(transaction);
    row.LastChangedByUser = user;
  }
  transaction.write(set.name, id, 'update', row);
  return row;
}

export function remove(transaction, set, id, condition) {
  known(transaction, set, id, condition);
  transaction.write(set.name, id, 'delete', null);
}

function known(transaction, set, id, condition) {
  const row = transaction.row(set.name, id);
  if (!row) {
    throw noEntity(`${set.name}Type`);
  }
  if (condition === undefined) {
    throw conditionRequired();
  }
  if (condition !== null && condition !== '*' && condition !== etagOf(row)) {
    throw changedMeanwhile();
  }
  return row;
}

/** What is computed is not heard; what the type does not have is refused. */
function accepted(set, input, decimalText) {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw badBody('A JSON object is expected');
  }
  const values = {};
  for (const [name, value] of Object.entries(input)) {
    if (name.includes('@')) {
      continue; // An annotation.
    }
    const property = Object.hasOwn(set.properties, name) ? set.properties[name] : null;
    if (!property) {
      throw badBody(`Property '${name}' is not known in '${set.name}Type'`);
    }
    const kept = acceptValue(name, property, value, { decimalText });
    if (!property.computed) {
      values[name] = kept ?? initialValues[property.type] ?? '';
    }
  }
  return values;
}

/** The transaction's millisecond, and digits below it that no other write has. */
function stampOf(transaction) {
  const ticks = String(transaction.next('ticks') % 10_000).padStart(4, '0');
  const text = new Date(transaction.stampMs).toISOString().replace('Z', `${ticks}Z`);
  return momentText(momentKey(text));
}

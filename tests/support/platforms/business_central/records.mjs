// Writes of rows on a transaction: numbers of a series, stamps as the database rounds them, the
// row's version, unique keys.

import { randomUUID } from 'node:crypto';
import { takenProperty } from '../lib/odata_schema.mjs';
import { acceptValue, momentKey, momentText } from '../lib/odata_values.mjs';
import {
  ApiError,
  changedMeanwhile,
  noRecord,
  notOfType,
  sameKey,
  tokenMissing,
} from './api_error.mjs';

const initialValues = { 'Edm.Boolean': false, 'Edm.Decimal': 0 };
const versionName = '$version';

export function etagOf(row) {
  const inner = `44;${row.id.slice(0, 8)}${row[versionName]}1;00;`;
  return `W/"${Buffer.from(inner).toString('base64')}"`;
}

export function showEntity(row, select) {
  const shown = { '@odata.etag': etagOf(row) };
  for (const name of select) {
    shown[name] = row[name];
  }
  return shown;
}

/** Stages a new row and returns it. `properties`: those of the page that is written to. */
export function create(transaction, set, { input, properties }) {
  const row = { id: randomUUID() };
  for (const [name, { type, default: value }] of Object.entries(set.properties)) {
    row[name] ??= value ?? initialValues[type] ?? '';
  }
  Object.assign(row, accepted(input, properties));
  const { property, prefix, digits, start } = set.number;
  while (row[property] === '' || (input[property] === undefined && taken(transaction, set, row))) {
    const number = start * transaction.next(set.name);
    row[property] = prefix + String(number).padStart(digits, '0');
  }
  return saved(transaction, set, 'create', row);
}

/** Stages the changed row. `condition`: If-Match; null where a person does it. */
export function update(transaction, set, id, { input, properties, condition, stamp }) {
  const current = known(transaction, set, id, condition);
  const row = { ...current, ...accepted(input, properties) };
  if (Object.keys(row).every((name) => row[name] === current[name])) {
    return current;
  }
  return saved(transaction, set, 'update', row, stamp);
}

export function remove(transaction, set, id, condition) {
  known(transaction, set, id, condition);
  transaction.write(set.name, id, 'delete', null);
}

function saved(transaction, set, op, row, stamp) {
  const name = takenProperty(transaction, set, row.id, row);
  if (name) {
    throw sameKey(set, name, row[name]);
  }
  row[versionName] = transaction.next('rowversion');
  if (stamp !== 'none') {
    row.lastModifiedDateTime = databaseTime(transaction.stampMs);
  }
  transaction.write(set.name, row.id, op, row);
  return row;
}

function taken(transaction, set, row) {
  return takenProperty(transaction, set, row.id, row) === set.number.property;
}

function known(transaction, set, id, condition) {
  const row = transaction.row(set.name, id);
  if (!row) {
    throw noRecord(set, id);
  }
  if (condition === undefined) {
    throw tokenMissing();
  }
  if (condition !== null && condition !== '*' && condition !== etagOf(row)) {
    throw changedMeanwhile();
  }
  return row;
}

function accepted(input, properties) {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw new ApiError(400, 'BadRequest', 'Invalid Request Body');
  }
  const values = {};
  for (const [name, value] of Object.entries(input)) {
    if (name.includes('@')) {
      continue; // An annotation.
    }
    const property = Object.hasOwn(properties, name) ? properties[name] : null;
    if (!property) {
      throw notOfType(name);
    }
    if (property.computed) {
      throw new ApiError(400, 'BadRequest_InvalidOperation', `Control '${name}' is read-only.`);
    }
    const kept = acceptValue(name, property, value) ?? initialValues[property.type] ?? '';
    values[name] = property.code ? kept.trim().toUpperCase() : kept;
  }
  return values;
}

/** SQL Server's datetime: milliseconds end with 0, 3 or 7. */
function databaseTime(milliseconds) {
  const rounded = [0, 0, 3, 3, 3, 7, 7, 7, 7, 10][milliseconds % 10];
  const moment = new Date(milliseconds - (milliseconds % 10) + rounded);
  return momentText(momentKey(moment.toISOString()));
}

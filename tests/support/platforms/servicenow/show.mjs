// Rows as replies: plain text values, references as links, display values on demand, and fields
// reached over references (`company.name`).

import { shiftDatetime } from './values.mjs';

/** {field, read(row)} of a field or dotted path, or null when some step does not exist. */
export function resolvePath(database, table, path) {
  const [name, ...rest] = path.split('.');
  const field = Object.hasOwn(table.fields, name) ? table.fields[name] : null;
  if (!field || rest.length === 0) {
    return field ? { field, read: (row) => row[name] ?? '' } : null;
  }
  const target = field.type === 'reference' ? database.schema.find(field.reference) : null;
  const inner = target ? resolvePath(database, target, rest.join('.')) : null;
  if (!inner) {
    return null;
  }
  const read = (row) => {
    const referred = database.store.row(target.name, row[name]);
    return referred ? inner.read(referred) : '';
  };
  return { field: inner.field, read };
}

/** `display`: "false", "true" or "all". Fields that do not exist are left out. */
export function showRow(context, table, row, { fields, display, withLinks }) {
  const result = {};
  for (const path of fields) {
    const column = resolvePath(context, table, path);
    if (column) {
      result[path] = showValue(context, column.field, column.read(row), { display, withLinks });
    }
  }
  return result;
}

function showValue(context, field, value, { display, withLinks }) {
  const isReference = field.type === 'reference' && value !== '';
  const link =
    isReference && withLinks
      ? { link: `${context.url}/api/now/table/${field.reference}/${value}` }
      : null;
  if (display === 'all') {
    return { display_value: displayValue(context, field, value), ...link, value };
  }
  if (display === 'true') {
    const shown = displayValue(context, field, value);
    return link ? { display_value: shown, ...link } : shown;
  }
  return link ? { ...link, value } : value;
}

function displayValue({ schema, store, utcOffsetMinutes }, field, value) {
  if (value === '') {
    return '';
  }
  if (field.type === 'reference') {
    const target = schema.find(field.reference);
    return (target && store.row(target.name, value)?.[target.display]) || '';
  }
  if (field.type === 'datetime') {
    return shiftDatetime(value, utcOffsetMinutes);
  }
  return field.choices?.[value] ?? value;
}

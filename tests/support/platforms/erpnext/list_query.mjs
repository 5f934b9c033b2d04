// What a list is asked by: fields, filters, order. A field that the user may not read, or that
// there is not, is left out of the rows without a word; in a filter the database refuses it.

import { unknownColumn, validationError } from './api_error.mjs';
import { fieldOf } from './schema.mjs';
import { compareText, showValue, wholeMoment } from './values.mjs';

const operators = ['=', '!=', '<', '<=', '>', '>=', 'like', 'not like', 'in', 'not in', 'is'];
operators.push('between');

/** A parameter that holds JSON; Python's decoder is no milder. */
export function jsonParameter(query, name, fallback) {
  const text = query.get(name);
  if (text === null || text === '') {
    return fallback;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw validationError(`Invalid ${name}`, 'DataError');
  }
}

/** A test of rows. [[field, operator, value]...], with the DocType before it or not; or a map.
 * `join`: whether "every" or "some" of them must hold. */
export function compileFilters(doctype, filters, join = 'every') {
  const tests = filterList(doctype, filters).map(([name, operator, value]) => {
    const field = fieldOf(doctype, name);
    if (!field) {
      throw unknownColumn(doctype.name, name);
    }
    const compare = comparison(field, String(operator).toLowerCase(), value);
    return (row) => compare(row[name] ?? null);
  });
  return (row) => tests.length === 0 || tests[join]((test) => test(row));
}

function filterList(doctype, filters) {
  if (Array.isArray(filters)) {
    return filters.map((filter) => {
      if (!Array.isArray(filter) || filter.length < 3 || filter.length > 4) {
        throw validationError('Filter must have 4 values (doctype, fieldname, operator, value)');
      }
      if (filter.length === 4 && filter[0] !== doctype.name) {
        throw unknownColumn(filter[0], filter[1]);
      }
      return filter.slice(-3);
    });
  }
  return Object.entries(filters).map(([name, value]) =>
    Array.isArray(value) ? [name, value[0], value[1]] : [name, '=', value],
  );
}

/** Nothing counts as empty text or nought here. */
function comparison(field, operator, value) {
  if (!operators.includes(operator)) {
    throw validationError(`Operator must be one of ${operators.join(', ')}`);
  }
  const isText = !['Check', 'Int', 'Currency', 'Date', 'Datetime'].includes(field.type);
  const order = isText ? compareText : (a, b) => (a < b ? -1 : Number(a > b));
  const against = (wanted) => {
    const limit = comparable(field, wanted);
    return (kept) => order(comparable(field, kept), limit);
  };
  switch (operator) {
    case 'is': {
      const set = String(value).toLowerCase() === 'set';
      return (kept) => (kept !== null && kept !== '') === set;
    }
    case 'in':
    case 'not in': {
      const list = (Array.isArray(value) ? value : String(value).split(',')).map(against);
      return (kept) => list.some((compare) => compare(kept) === 0) === (operator === 'in');
    }
    case 'between': {
      const [from, until] = value.map(against);
      return (kept) => kept !== null && from(kept) >= 0 && until(kept) <= 0;
    }
    case 'like':
    case 'not like': {
      const pattern = likePattern(String(value));
      return (kept) => pattern.test(String(kept ?? '')) === (operator === 'like');
    }
    default:
      return ordered(operator, against(value));
  }
}

function ordered(operator, compare) {
  const holds = {
    '=': (sign) => sign === 0,
    '!=': (sign) => sign !== 0,
    '<': (sign) => sign < 0,
    '<=': (sign) => sign <= 0,
    '>': (sign) => sign > 0,
    '>=': (sign) => sign >= 0,
  }[operator];
  return (kept) => holds(compare(kept));
}

function comparable(field, value) {
  switch (field.type) {
    case 'Check':
    case 'Int':
    case 'Currency':
      return Number(value ?? 0);
    case 'Date':
    case 'Datetime':
      return value === null || value === '' ? '' : (wholeMoment(value) ?? String(value));
    default:
      return value ?? '';
  }
}

function likePattern(text) {
  let source = '';
  for (const character of text) {
    const wild = { '%': '[\\s\\S]*', _: '[\\s\\S]' }[character];
    source += wild ?? character.replace(/[.*+?^${}()|[\]\\]/, '\\$&');
  }
  return new RegExp(`^${source}$`, 'iu');
}

/** "name asc, modified desc"; without it the last that were changed come first. */
export function comparer(doctype, text) {
  const columns = (text || 'modified desc').split(',').map((part) => {
    const match = /^\s*(?:`tab[^`]+`\.)?`?(\w+)`?(?:\s+(asc|desc))?\s*$/i.exec(part);
    if (!match) {
      throw validationError('Illegal SQL Query', 'DataError');
    }
    const field = fieldOf(doctype, match[1]);
    if (!field) {
      throw unknownColumn(doctype.name, match[1]);
    }
    const sign = match[2]?.toLowerCase() === 'desc' ? -1 : 1;
    return { name: match[1], field, sign };
  });
  return (left, right) => {
    for (const { name, field, sign } of columns) {
      const [a, b] = [comparable(field, left[name]), comparable(field, right[name])];
      const result = typeof a === 'number' ? a - b : compareText(a, b);
      if (result !== 0) {
        return result * sign;
      }
    }
    return 0;
  };
}

export function showRow(doctype, row, names) {
  const wanted = names.includes('*') ? Object.keys(doctype.fields) : names;
  const shown = {};
  for (const name of wanted) {
    const field = fieldOf(doctype, name);
    if (field) {
      shown[name] = showValue(field, row[name] ?? null);
    }
  }
  return shown;
}

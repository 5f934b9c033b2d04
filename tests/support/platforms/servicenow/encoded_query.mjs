// Encoded queries: `a=1^bLIKEx^ORb=y^NQc>2^ORDERBYd`. A clause that cannot be understood is left
// out and the rest runs, as the platform does; `dropped` counts those, for the property that then
// returns no rows at all.

import { comparable, shiftDatetime } from './values.mjs';

// Longer operators first: `>=` before `>`, `NOT IN` before `IN`.
const clausePattern = new RegExp(
  '^([a-z][a-z0-9_.]*)' +
    '(!=|>=|<=|=|>|<|ISNOTEMPTY|ISEMPTY|NOT IN|NOT LIKE|STARTSWITH|ENDSWITH|LIKE|IN)([\\s\\S]*)$',
);
const generatedDate = /^javascript:gs\.dateGenerate\('([\d-]+)','([\d:]+)'\)$/;
const caret = '\u0000';

/** `resolve(path)` gives {field, read(row)} or null for an unknown field. */
export function parseEncodedQuery(text, resolve, utcOffsetMinutes) {
  const groups = [[]];
  const order = [];
  let dropped = 0;
  for (const raw of text.replaceAll('^^', caret).split('^')) {
    const clause = raw.replaceAll(caret, '^');
    if (clause === '' || clause === 'EQ') {
      continue;
    }
    if (clause.startsWith('ORDERBY')) {
      dropped += addOrder(order, clause, resolve) ? 0 : 1;
      continue;
    }
    const { joiner, rest } = splitJoiner(clause);
    if (joiner === 'NQ') {
      groups.push([]);
    }
    const test = compileClause(rest, resolve, utcOffsetMinutes);
    if (!test) {
      dropped += 1;
      continue;
    }
    const group = groups[groups.length - 1];
    if (joiner === 'OR' && group.length > 0) {
      group[group.length - 1].push(test);
    } else {
      group.push([test]);
    }
  }
  const holds = (group, row) => group.every((tests) => tests.some((test) => test(row)));
  return {
    accepts: (row) => groups.some((group) => holds(group, row)),
    compare: (a, b) => compareRows(order, a, b),
    isOrdered: order.length > 0,
    dropped,
  };
}

function splitJoiner(clause) {
  for (const joiner of ['NQ', 'OR']) {
    if (clause.startsWith(joiner)) {
      return { joiner, rest: clause.slice(joiner.length) };
    }
  }
  return { joiner: 'AND', rest: clause };
}

function addOrder(order, clause, resolve) {
  const descending = clause.startsWith('ORDERBYDESC');
  const column = resolve(clause.slice(descending ? 'ORDERBYDESC'.length : 'ORDERBY'.length));
  if (column) {
    order.push({ column, descending });
  }
  return column !== null;
}

function compileClause(clause, resolve, utcOffsetMinutes) {
  const match = clausePattern.exec(clause);
  const column = match ? resolve(match[1]) : null;
  if (!column) {
    return null;
  }
  const [, , operator, raw] = match;
  const date = generatedDate.exec(raw);
  const wanted = date ? shiftDatetime(`${date[1]} ${date[2]}`, -utcOffsetMinutes) : raw;
  const { field, read } = column;
  const list = new Set(wanted.split(','));
  const tests = {
    '=': (text) => text === wanted,
    '!=': (text) => text !== wanted,
    ISEMPTY: (text) => text === '',
    ISNOTEMPTY: (text) => text !== '',
    IN: (text) => list.has(text),
    'NOT IN': (text) => !list.has(text),
    LIKE: (text) => text.includes(wanted),
    'NOT LIKE': (text) => !text.includes(wanted),
    STARTSWITH: (text) => text.startsWith(wanted),
    ENDSWITH: (text) => text.endsWith(wanted),
  };
  const test = tests[operator] ?? compileOrder(field, operator, wanted);
  return (row) => test(read(row));
}

function compileOrder(field, operator, wanted) {
  const limit = comparable(field, wanted);
  const holds = {
    '>': (value) => value > limit,
    '>=': (value) => value >= limit,
    '<': (value) => value < limit,
    '<=': (value) => value <= limit,
  }[operator];
  return (text) => {
    const value = comparable(field, text);
    return value !== null && limit !== null && holds(value);
  };
}

function compareRows(order, left, right) {
  for (const { column, descending } of order) {
    const a = comparable(column.field, column.read(left));
    const b = comparable(column.field, column.read(right));
    if (a === b) {
      continue;
    }
    const before = a === null || (b !== null && a < b);
    return before === descending ? 1 : -1;
  }
  return 0;
}

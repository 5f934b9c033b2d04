// Expressions of SuiteQL as functions of a row. Values: null, numbers, texts, and {wall} of times
// ({wall, utc} of those that know their zone). true, false and null are what conditions come to.

import { invalidQuery } from './api_error.mjs';
import { formatWall, parseWall } from './moments.mjs';

/** `resolve(source, name)` gives the function that reads a column; `now`: {wall, utc}. */
export function compile(expression, scope) {
  const { kind } = expression;
  switch (kind) {
    case 'literal':
      return () => expression.value;
    case 'column':
      return expression.source === null && expression.name === 'current_timestamp'
        ? () => scope.now
        : scope.resolve(expression.source, expression.name);
    case 'call':
      return call(expression, scope);
    case 'case':
      return choice(expression, scope);
    case 'compare':
      return compare(expression, scope);
    case 'like':
      return like(expression, scope);
    case 'isNull': {
      const value = compile(expression.value, scope);
      return (row) => value(row) === null;
    }
    case 'NOT': {
      const value = compile(expression.value, scope);
      return (row) => opposite(value(row));
    }
    case '||': {
      const parts = expression.parts.map((part) => compile(part, scope));
      return (row) => parts.map((part) => part(row) ?? '').join('') || null;
    }
    default:
      return logic(kind, expression.parts.map((part) => compile(part, scope)));
  }
}

function opposite(value) {
  return value === null ? null : !value;
}

/** AND, OR: unknown unless the others decide it. */
function logic(kind, parts) {
  const decides = kind === 'OR';
  return (row) => {
    let result = !decides;
    for (const part of parts) {
      const value = part(row);
      if (value === decides) {
        return decides;
      }
      result = value === null ? null : result;
    }
    return result;
  };
}

function compare({ symbol, left, right }, scope) {
  const [a, b] = [compile(left, scope), compile(right, scope)];
  return (row) => {
    const [x, y] = [a(row), b(row)];
    if (x === null || y === null) {
      return null;
    }
    const order = orderOf(x, y);
    switch (symbol) {
      case '=':
        return order === 0;
      case '<>':
      case '!=':
        return order !== 0;
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '>':
        return order > 0;
      default:
        return order >= 0;
    }
  };
}

/** -1, 0 or 1; a text beside a number is taken for one. */
export function orderOf(x, y) {
  const isTime = typeof x === 'object' && typeof y === 'object';
  const isText = typeof x === 'string' && typeof y === 'string';
  const [a, b] = isTime ? [x.wall, y.wall] : isText ? [x, y] : [numberOf(x), numberOf(y)];
  return a < b ? -1 : Number(a > b);
}

function numberOf(value) {
  const number = typeof value === 'object' ? NaN : Number(value);
  if (Number.isNaN(number)) {
    throw invalidQuery('Invalid number or date in a comparison');
  }
  return number;
}

function like({ left, right }, scope) {
  const [a, b] = [compile(left, scope), compile(right, scope)];
  const pattern = (text) =>
    text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '[^]*').replaceAll('_', '[^]');
  return (row) => {
    const [text, wanted] = [a(row), b(row)];
    const isNull = text === null || wanted === null;
    return isNull ? null : new RegExp(`^${pattern(String(wanted))}$`).test(String(text));
  };
}

function choice({ branches, otherwise }, scope) {
  const compiled = branches.map(({ when, then }) => [compile(when, scope), compile(then, scope)]);
  const last = compile(otherwise, scope);
  return (row) => (compiled.find(([when]) => when(row) === true)?.[1] ?? last)(row);
}

const calls = {
  upper: [1, (text) => String(text).toUpperCase()],
  lower: [1, (text) => String(text).toLowerCase()],
  replace: [3, (text, from, to) => String(text).replaceAll(from, to ?? '')],
  to_number: [1, numberOf],
  sys_extract_utc: [1, ({ utc }) => ({ wall: utc })],
  to_char: [
    2,
    (value, format) => (typeof value === 'object' ? formatWall(value.wall, format) : String(value)),
  ],
  to_date: [
    2,
    (text, format) => {
      const wall = parseWall(text, format);
      if (Number.isNaN(wall)) {
        throw invalidQuery(`${text} is no date of the format ${format}`);
      }
      return { wall };
    },
  ],
};

function call({ call: name, inputs }, scope) {
  if (name === 'nvl') {
    const [value, otherwise] = inputs.map((input) => compile(input, scope));
    return (row) => value(row) ?? otherwise(row);
  }
  if (!Object.hasOwn(calls, name) || calls[name][0] !== inputs.length) {
    throw invalidQuery(`Unknown function ${name.toUpperCase()} of ${inputs.length}`);
  }
  const parts = inputs.map((input) => compile(input, scope));
  const make = calls[name][1];
  return (row) => {
    const [first, ...others] = parts.map((part) => part(row));
    return first === null ? null : make(first, ...others);
  };
}

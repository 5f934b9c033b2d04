// Search domains: a list of conditions ["field", "operator", value] with "&", "|" and "!" before
// what they join; conditions that stand side by side must all hold. A condition on a field that is
// computed and not stored is left out, as if it always held.

import { valueError } from './api_error.mjs';
import { fieldOf } from './schema.mjs';
import { readField, shownPython } from './values.mjs';

const operators = ['=', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'like', 'not like'];
operators.push('ilike', 'not ilike', '=like', '=ilike');

/** A test of rows. `database`: {schema, row(model, id)}, to follow links as country_id.code. */
export function compileDomain(database, model, domain) {
  if (!Array.isArray(domain)) {
    throw valueError(`Domain() invalid item in domain: ${shownPython(domain)}`);
  }
  const stack = [];
  for (const item of [...domain].reverse()) {
    stack.push(isOperator(item) ? joined(item, stack) : condition(database, model, item));
  }
  return (row) => stack.every((test) => test(row));
}

/** Whether the domain speaks of `name`: then archived records are not left out by themselves. */
export function mentions(domain, name) {
  return domain.some((item) => Array.isArray(item) && item[0] === name);
}

function isOperator(item) {
  return item === '&' || item === '|' || item === '!';
}

function joined(operator, stack) {
  const left = stack.pop();
  const right = operator === '!' ? left : stack.pop();
  if (!left || !right) {
    throw valueError('Domain() missing arguments for operators');
  }
  if (operator === '!') {
    return (row) => !left(row);
  }
  return operator === '&' ? (row) => left(row) && right(row) : (row) => left(row) || right(row);
}

function condition(database, model, item) {
  if (!Array.isArray(item) || item.length !== 3 || typeof item[0] !== 'string') {
    throw valueError(`Domain() invalid item in domain: ${shownPython(item)}`);
  }
  // [1, "=", 1] and [0, "=", 1] are the constants of Odoo's own code; nothing of ours sends them.
  const [path, operator, value] = item;
  const column = resolve(database, model, path);
  if (!column) {
    const shown = shownPython(item);
    throw valueError(`Invalid field ${model.name}.${path} in condition ${shown}`);
  }
  if (!operators.includes(operator)) {
    throw valueError(`Invalid operator in condition ${shownPython(item)}`);
  }
  if (column.field.computed) {
    return () => true;
  }
  const test = comparison(column.field, operator, value, item);
  return (row) => test(column.read(row));
}

function resolve(database, model, path) {
  const [name, ...rest] = path.split('.');
  const field = fieldOf(model, name);
  if (!field || rest.length === 0) {
    return field ? { field, read: (row) => readField(field, row, name) } : null;
  }
  const target = field.type === 'many2one' ? database.schema.find(field.model) : null;
  const inner = target ? resolve(database, target, rest.join('.')) : null;
  if (!inner) {
    return null;
  }
  const read = (row) => {
    const linked = row[name] === null ? null : database.row(target.name, row[name]);
    return linked ? inner.read(linked) : null;
  };
  return { field: inner.field, read };
}

function comparison(field, operator, value, item) {
  if (operator === 'in' || operator === 'not in') {
    if (!Array.isArray(value)) {
      throw valueError(`Invalid value in condition ${shownPython(item)}`);
    }
    const wanted = value.map((one) => comparable(field, one));
    return operator === 'in' ? (v) => wanted.includes(v) : (v) => !wanted.includes(v);
  }
  if (operator.endsWith('like')) {
    const pattern = likePattern(operator, String(value));
    const negated = operator.startsWith('not');
    return (v) => (v !== null && pattern.test(String(v))) !== negated;
  }
  const wanted = comparable(field, value);
  const tests = {
    '=': (v) => v === wanted,
    '!=': (v) => v !== wanted,
    '<': (v) => v < wanted,
    '<=': (v) => v <= wanted,
    '>': (v) => v > wanted,
    '>=': (v) => v >= wanted,
  };
  const test = tests[operator];
  const equality = operator === '=' || operator === '!=';
  return (v) => (equality || (v !== null && wanted !== null)) && test(v);
}

/** A moment is kept finer than it is told: equal is only the very one, as in the database. */
function comparable(field, value) {
  if (field.type === 'boolean') {
    return Boolean(value);
  }
  if (value === false || value === null) {
    return field.type === 'integer' || field.type === 'float' ? 0 : null;
  }
  if (field.type === 'datetime') {
    const text = String(value);
    return text.length === 19 ? `${text}.000` : text;
  }
  return ['integer', 'float', 'many2one'].includes(field.type) ? Number(value) : String(value);
}

/** like and ilike look for a part, =like and =ilike for all. A % behind a backslash is a %. */
function likePattern(operator, text) {
  let source = '';
  for (let i = 0; i < text.length; i += 1) {
    const wild = { '%': '[\\s\\S]*', _: '[\\s\\S]' }[text[i]];
    i += text[i] === '\\' && i + 1 < text.length ? 1 : 0;
    source += wild ?? text[i].replace(/[.*+?^${}()|[\]\\]/, '\\$&');
  }
  const whole = operator.startsWith('=') ? `^${source}$` : source;
  return new RegExp(whole, operator.includes('ilike') ? 'i' : '');
}

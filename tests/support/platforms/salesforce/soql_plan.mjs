// A parsed query bound to the schema: columns to show, a test for rows, an order. Names and types
// are checked here, before any row is read.

import { ApiError } from './api_error.mjs';
import { normaliseId } from './record_id.mjs';
import { fieldOf, parentOf } from './schema.mjs';
import { comparable, idTypes, numberTypes, parseDatetime, textTypes } from './values.mjs';

/** `readParent(objectName, id)` gives a parent row or null. Throws INVALID_TYPE, INVALID_FIELD. */
export function planQuery(schema, tree, readParent) {
  const object = schema.find(tree.object);
  if (!object) {
    const message = `sObject type '${tree.object}' is not supported.`;
    throw new ApiError(400, 'INVALID_TYPE', message);
  }
  const bind = (name) => bindColumn(schema, object, name, readParent);
  const columns = tree.fields.map(bind);
  const bindFilter = (name) => filterable(bind(name));
  const order = tree.order.map(({ field, ...rest }) => ({ column: bindFilter(field), ...rest }));
  return {
    object,
    columns,
    isCount: tree.isCount,
    accepts: tree.where ? compile(tree.where, bindFilter) : () => true,
    compare: order.length > 0 ? (a, b) => compareRows(order, a, b) : null,
    limit: tree.limit,
    offset: tree.offset,
  };
}

/** A column is {path, field, read(row)}; one step to a parent is allowed. */
function bindColumn(schema, object, name, readParent) {
  const steps = name.split('.');
  if (steps.length === 1) {
    const field = fieldOf(object, name) ?? unknownColumn(object, name);
    return { path: [field.name], field, read: (row) => row[field.name] ?? null };
  }
  const reference = steps.length === 2 ? parentOf(object, steps[0]) : null;
  if (!reference) {
    const message = `Didn't understand relationship '${steps[0]}' in field path.`;
    throw new ApiError(400, 'INVALID_FIELD', message);
  }
  const parent = schema.find(reference.referenceTo);
  const field = fieldOf(parent, steps[1]) ?? unknownColumn(parent, steps[1]);
  const read = (row) => readParent(parent.name, row[reference.name])?.[field.name] ?? null;
  return { path: [reference.relationshipName, field.name], field, read, reference, parent };
}

function filterable(column) {
  if (column.field.type === 'textarea') {
    const message = `field '${column.field.name}' can not be filtered or sorted in a query call`;
    throw new ApiError(400, 'INVALID_FIELD', message);
  }
  return column;
}

function unknownColumn(object, name) {
  const message =
    `No such column '${name}' on entity '${object.name}'. If you are attempting to ` +
    "use a custom field, be sure to append the '__c' after the custom field name.";
  throw new ApiError(400, 'INVALID_FIELD', message);
}

function compile(node, bind) {
  switch (node.kind) {
    case 'and': {
      const terms = node.terms.map((term) => compile(term, bind));
      return (row) => terms.every((term) => term(row));
    }
    case 'or': {
      const terms = node.terms.map((term) => compile(term, bind));
      return (row) => terms.some((term) => term(row));
    }
    case 'not': {
      const term = compile(node.term, bind);
      return (row) => !term(row);
    }
    case 'in': {
      const column = bind(node.field);
      const wanted = new Set(node.literals.map((literal) => operand(column.field, literal)));
      return (row) => wanted.has(comparable(column.field, column.read(row))) !== node.negated;
    }
    case 'like':
      return compileLike(bind(node.field), node.literal);
    default:
      return compileComparison(bind(node.field), node);
  }
}

function compileLike(column, literal) {
  if (!textTypes.has(column.field.type) || literal.type !== 'string') {
    const message = `invalid operator on ${column.field.type} field`;
    throw new ApiError(400, 'INVALID_QUERY_FILTER_OPERATOR', message);
  }
  const source = literal.pattern.replace(/\\[\s\S]|[\s\S]/g, (part) => {
    if (part === '%') {
      return '[\\s\\S]*';
    }
    if (part === '_') {
      return '[\\s\\S]';
    }
    const plain = part.length > 1 ? part[1] : part;
    return plain.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  const pattern = new RegExp(`^${source}$`, 'iu');
  return (row) => pattern.test(column.read(row) ?? '');
}

function compileComparison(column, { operator, literal }) {
  const wanted = operand(column.field, literal);
  const read = (row) => comparable(column.field, column.read(row));
  if (operator === '=') {
    return (row) => read(row) === wanted;
  }
  if (operator === '!=') {
    return (row) => read(row) !== wanted;
  }
  const holds = {
    '<': (value) => value < wanted,
    '>': (value) => value > wanted,
    '<=': (value) => value <= wanted,
    '>=': (value) => value >= wanted,
  }[operator];
  return (row) => {
    const value = read(row);
    return value !== null && wanted !== null && holds(value);
  };
}

/** The literal in the form `comparable` gives to values of the field. */
function operand(field, literal) {
  if (literal.type === 'null') {
    return null;
  }
  const expected = expectedLiteral(field);
  if (literal.type !== expected) {
    const quoting =
      expected === 'string' ? 'should be enclosed in quotes' : 'should not be enclosed in quotes';
    const message =
      `value of filter criterion for field '${field.name}' must be of type ` +
      `${field.type} and ${quoting}`;
    throw new ApiError(400, 'INVALID_FIELD', message);
  }
  if (idTypes.has(field.type)) {
    const id = normaliseId(literal.value);
    if (id === null) {
      const message = `invalid ID field: ${literal.value}`;
      throw new ApiError(400, 'INVALID_QUERY_FILTER_OPERATOR', message);
    }
    return comparable(field, id);
  }
  const value = field.type === 'datetime' ? parseDatetime(literal.value) : literal.value;
  return comparable(field, value);
}

function expectedLiteral(field) {
  if (numberTypes.has(field.type)) {
    return 'number';
  }
  return field.type === 'boolean' || field.type === 'datetime' ? field.type : 'string';
}

function compareRows(order, left, right) {
  for (const { column, descending, nullsLast } of order) {
    const a = comparable(column.field, column.read(left));
    const b = comparable(column.field, column.read(right));
    if (a === b) {
      continue;
    }
    if (a === null || b === null) {
      return (a === null) === nullsLast ? 1 : -1;
    }
    return a < b === descending ? 1 : -1;
  }
  return 0;
}

// POST /crm/v3/objects/<type>/search: filters, one sort, pages; all checked before a row is seen.

import { invalid } from './api_error.mjs';
import { comparable } from './values.mjs';

const groupsMax = 5;
const filtersMax = 6;
const allFiltersMax = 18;
const limitMax = 200;

const compares = {
  EQ: (value, { value: wanted }) => value === wanted,
  NEQ: (value, { value: wanted }) => value !== wanted,
  LT: (value, { value: wanted }) => value < wanted,
  LTE: (value, { value: wanted }) => value <= wanted,
  GT: (value, { value: wanted }) => value > wanted,
  GTE: (value, { value: wanted }) => value >= wanted,
  BETWEEN: (value, { value: low, highValue: high }) => value >= low && value <= high,
  IN: (value, { values }) => values.includes(value),
  NOT_IN: (value, { values }) => !values.includes(value),
  HAS_PROPERTY: () => true,
  NOT_HAS_PROPERTY: () => false,
  CONTAINS_TOKEN: (value, { value: wanted }) => tokens(value).includes(wanted),
  NOT_CONTAINS_TOKEN: (value, { value: wanted }) => !tokens(value).includes(wanted),
};
const needsOf = {
  BETWEEN: ['value', 'highValue'],
  IN: ['values'],
  NOT_IN: ['values'],
  HAS_PROPERTY: [],
  NOT_HAS_PROPERTY: [],
};

/** {accepts(row), compare(a, b), limit, offset, names}; throws what is wrong with the body. */
export function parseSearch(type, body, rowsMax) {
  const groups = listOf(body, 'filterGroups').map((group) => listOf(group, 'filters'));
  const count = groups.flat().length;
  const tooMany = groups.length > groupsMax || groups.some(({ length }) => length > filtersMax);
  if (tooMany || count > allFiltersMax) {
    throw invalid(
      `At most ${groupsMax} filterGroups of ${filtersMax} filters, ${allFiltersMax} in all`,
    );
  }
  const parsed = groups.map((filters) => filters.map((filter) => parseFilter(type, filter)));
  const words = tokens(String(body.query ?? '').toLowerCase());
  const limit = wholeNumber(body, 'limit', 10);
  const offset = wholeNumber(body, 'after', 0);
  if (limit < 1 || limit > limitMax) {
    throw invalid(`limit must be between 1 and ${limitMax}`);
  }
  if (offset + limit > rowsMax && offset > 0) {
    throw invalid(`paging through more than ${rowsMax} results is not allowed`);
  }
  const properties = listOf(body, 'properties');
  return {
    accepts: (row) =>
      words.every((word) => says(row, word)) &&
      (parsed.length === 0 || parsed.some((group) => group.every((accepts) => accepts(row)))),
    compare: parseSort(type, listOf(body, 'sorts')),
    limit,
    offset,
    names: properties.length > 0 ? properties.map(String) : null,
  };
}

function parseFilter(type, filter) {
  const { propertyName, operator } = filter ?? {};
  const property = propertyOf(type, propertyName);
  if (!Object.hasOwn(compares, operator)) {
    throw invalid(`${operator} is no operator of a filter`);
  }
  const given = {};
  for (const need of needsOf[operator] ?? ['value']) {
    given[need] = operand(property, propertyName, need, filter[need]);
  }
  return ({ properties }) => {
    const value = properties[propertyName] ?? null;
    if (value === null) {
      return operator === 'NOT_HAS_PROPERTY';
    }
    return compares[operator](comparable(property, value), given);
  };
}

function operand(property, name, need, input) {
  const texts = need === 'values' ? input : [input];
  const isList = Array.isArray(texts) && texts.length > 0;
  if (!isList || texts.some((text) => !['string', 'number'].includes(typeof text))) {
    throw invalid(`The filter of ${name} needs ${need}`);
  }
  // Values of a list must be in small letters: they are taken as they are.
  const isText = property.type === 'string' || property.type === 'enumeration';
  const values = texts.map((text) =>
    need === 'values' && isText ? String(text) : comparable(property, String(text)),
  );
  if (values.some(Number.isNaN)) {
    throw invalid(`${input} is no value of ${name}`);
  }
  return need === 'values' ? values : values[0];
}

function parseSort(type, sorts) {
  if (sorts.length > 1) {
    throw invalid('Only one sort is allowed');
  }
  const [sort] = sorts;
  const name = typeof sort === 'string' ? sort.replace(/^-/, '') : sort?.propertyName;
  const property = name === undefined ? null : propertyOf(type, name);
  const isDown = typeof sort === 'string' ? sort.startsWith('-') : sort?.direction === 'DESCENDING';
  const keyOf = (row) =>
    property ? comparable(property, row.properties[name] ?? '') : Number(row.id);
  return (a, b) => {
    const order = keyOf(a) < keyOf(b) ? -1 : Number(keyOf(a) > keyOf(b));
    return isDown ? -order : order;
  };
}

function propertyOf(type, name) {
  if (typeof name !== 'string' || !Object.hasOwn(type.properties, name)) {
    throw invalid(`There was a problem with the request: property ${name} does not exist`);
  }
  return type.properties[name];
}

function listOf(object, name) {
  const list = object?.[name] ?? [];
  if (!Array.isArray(list)) {
    throw invalid(`${name} must be a list`);
  }
  return list;
}

function wholeNumber(body, name, fallback) {
  const text = String(body[name] ?? fallback);
  if (!/^\d+$/.test(text)) {
    throw invalid(`${name} must be a whole number`);
  }
  return Number(text);
}

function tokens(text) {
  return text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
}

function says({ properties }, word) {
  return Object.values(properties).some((value) => (value ?? '').toLowerCase().includes(word));
}

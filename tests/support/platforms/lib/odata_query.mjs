// The system query options of a collection or of one entity, over rows of a page or entity set.

import { QueryProblem, parseFilter } from './odata_filter.mjs';
import { comparable, compareValues } from './odata_values.mjs';

const ofCollections = ['$filter', '$select', '$orderby', '$top', '$skip', '$count', '$skiptoken'];

/**
 * {filter, select, compare, top, skip, count, skiptoken} of a request's URL. `lastly`: names that
 * order rows that are otherwise alike. Options without $ are the caller's own.
 */
export function collectionQuery(query, properties, lastly) {
  refuseOthers(query, ofCollections);
  const order = orderOf(query.get('$orderby') ?? '', properties);
  return {
    filter: query.has('$filter') ? parseFilter(query.get('$filter'), properties) : null,
    select: selectOf(query, properties),
    compare: comparison([...order, ...lastly.map((name) => ({ name }))], properties),
    top: wholeNumber(query, '$top'),
    skip: wholeNumber(query, '$skip') ?? 0,
    count: flag(query, '$count'),
    skiptoken: query.get('$skiptoken'),
  };
}

/** {select} of a request for one entity. */
export function entityQuery(query, properties) {
  refuseOthers(query, ['$select']);
  return { select: selectOf(query, properties) };
}

/** The URL's options, some changed (null: left out), written as a query. */
export function changedQuery(query, changes) {
  const all = new Map([...query, ...Object.entries(changes)]);
  const kept = [...all].filter(([, value]) => value !== null);
  return kept
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%2C', ',')}`)
    .join('&');
}

function refuseOthers(query, known) {
  for (const name of query.keys()) {
    if (name.startsWith('$') && !known.includes(name)) {
      throw new QueryProblem('unsupported', `The query option '${name}' is not supported.`);
    }
    if (query.getAll(name).length > 1) {
      throw new QueryProblem('syntax', `The query option '${name}' is there twice.`);
    }
  }
}

function selectOf(query, properties) {
  const text = query.get('$select') ?? '*';
  if (text === '*') {
    return Object.keys(properties);
  }
  const names = text.split(',').map((name) => name.trim());
  names.forEach((name) => known(name, properties));
  return Object.keys(properties).filter((name) => names.includes(name));
}

function orderOf(text, properties) {
  if (text.trim() === '') {
    return [];
  }
  return text.split(',').map((part) => {
    const match = /^\s*(\S+)(?:\s+(asc|desc))?\s*$/.exec(part);
    if (!match) {
      throw new QueryProblem('syntax', `Syntax error in $orderby '${text}'.`);
    }
    known(match[1], properties);
    return { name: match[1], descending: match[2] === 'desc' };
  });
}

function known(name, properties) {
  if (!Object.hasOwn(properties, name)) {
    throw new QueryProblem('property', `Property '${name}' not found.`, name);
  }
}

function comparison(order, properties) {
  return (left, right) => {
    for (const { name, descending } of order) {
      const values = [left, right].map((row) => comparable(properties[name], row[name]));
      const result = compareValues(...values);
      if (result !== 0) {
        return descending ? -result : result;
      }
    }
    return 0;
  };
}

function wholeNumber(query, name) {
  const text = query.get(name);
  if (text !== null && !/^\d+$/.test(text)) {
    throw new QueryProblem('syntax', `The value '${text}' of '${name}' is no whole number.`);
  }
  return text === null ? null : Number(text);
}

function flag(query, name) {
  const text = query.get(name) ?? 'false';
  if (!['true', 'false'].includes(text)) {
    throw new QueryProblem('syntax', `The value '${text}' of '${name}' is neither true nor false.`);
  }
  return text === 'true';
}

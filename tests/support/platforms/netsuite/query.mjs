// A SuiteQL query over the tables: joins, conditions, order, and rows as the service tells them.

import { invalidQuery } from './api_error.mjs';
import { formatWall } from './moments.mjs';
import { parseSql } from './sql_parser.mjs';
import { compile, orderOf } from './sql_values.mjs';

export class Queries {
  #tables;
  #clock;
  #wallClock;
  #dateFormat;

  /** `tables(name, lagMs)`: {columns, rows} of values, or null. */
  constructor({ tables, clock, wallClock, dateFormat }) {
    this.#tables = tables;
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#dateFormat = dateFormat;
  }

  /** Rows as texts, without what is empty. */
  run(text, lagMs) {
    const utc = this.#clock.nowMs();
    const now = { wall: this.#wallClock.wallOf(utc), utc: Math.floor(utc / 1000) * 1000 };
    const { columns, rows } = this.#query(parseSql(text), { now, lagMs });
    return rows.map((row) => {
      const told = { links: [] };
      columns.forEach((column) => {
        if (row[column] !== null) {
          told[column] = this.#told(row[column]);
        }
      });
      return told;
    });
  }

  /** A time without a format is told as a day. */
  #told(value) {
    return typeof value === 'object' ? formatWall(value.wall, this.#dateFormat) : String(value);
  }

  #query({ items, all, from, joins, where, order }, context) {
    const sources = [this.#source(from, context)];
    let rows = sources[0].rows.map((row) => [row]);
    for (const { source, on } of joins) {
      const joined = this.#source(source, context);
      rows = joinRows(rows, sources, joined, { on, now: context.now });
      sources.push(joined);
    }
    const scope = scopeOf(sources, context.now);
    if (where) {
      const accepts = compile(where, scope);
      rows = rows.filter((row) => accepts(row) === true);
    }
    rows = sorted(rows, order, scope);
    const wanted = all
      ? sources.flatMap(({ alias, columns }) =>
          columns.map((name) => ({ name, value: scope.resolve(alias, name) })),
        )
      : items.map(({ expression, alias }, i) => ({
          name: alias ?? `expr${i + 1}`,
          value: compile(expression, scope),
        }));
    const columns = wanted.map(({ name }) => name);
    const shown = rows.map((row) =>
      Object.fromEntries(wanted.map(({ name, value }) => [name, value(row)])),
    );
    return { columns, rows: shown };
  }

  #source({ table, query, alias }, context) {
    if (query) {
      return { alias, ...this.#query(query, context) };
    }
    const found = this.#tables(table, context.lagMs);
    if (!found) {
      throw invalidQuery(`Record '${table}' was not found.`);
    }
    return { alias, ...found };
  }
}

/** Columns by their names; a row is one of each source. */
function scopeOf(sources, now) {
  const resolve = (source, name) => {
    const has = ({ alias, columns }) =>
      (source === null || source === alias) && columns.includes(name);
    const found = sources.filter(has);
    if (found.length !== 1) {
      const known = sources.map(({ alias }) => `${alias}=${alias}`).join(', ');
      const what = found.length === 0 ? 'Unknown' : 'Ambiguous';
      throw invalidQuery(`${what} identifier '${name}'. Available identifiers are: {${known}}`);
    }
    const at = sources.indexOf(found[0]);
    return (row) => row[at][name];
  };
  return { resolve, now };
}

/** An inner join by one equality, a side of it in each. */
function joinRows(rows, sources, joined, { on, now }) {
  const left = scopeOf(sources, now);
  const right = { resolve: (source, name) => ofJoined(joined, source, name), now };
  const sides = on.kind === 'compare' && on.symbol === '=' ? [on.left, on.right] : [];
  const isRight = ({ kind, source, name }) =>
    kind === 'column' && [null, joined.alias].includes(source) && joined.columns.includes(name);
  const inner = sides.find(isRight);
  const outer = sides.find((side) => side !== inner);
  if (!inner || !outer) {
    throw invalidQuery('Invalid or unsupported search: a join needs an equality');
  }
  const keyOf = compile(inner, right);
  const places = new Map();
  for (const row of joined.rows) {
    const key = String(keyOf(row));
    places.set(key, [...(places.get(key) ?? []), row]);
  }
  const wanted = compile(outer, left);
  return rows.flatMap((row) =>
    (places.get(String(wanted(row))) ?? []).map((other) => [...row, other]),
  );
}

function ofJoined(joined, source, name) {
  if (!joined.columns.includes(name)) {
    throw invalidQuery(`Unknown identifier '${name}'.`);
  }
  return (row) => row[name];
}

/** Nulls sort last. What is equal, or not sorted at all, comes in no order that means anything. */
function sorted(rows, order, scope) {
  const keys = order.map(({ expression, isDown }) => ({ key: compile(expression, scope), isDown }));
  const shuffled = [...rows].reverse();
  return shuffled.sort((a, b) => {
    for (const { key, isDown } of keys) {
      const [x, y] = [key(a), key(b)];
      if (x === null || y === null) {
        if (x !== y) {
          return x === null ? 1 : -1;
        }
      } else if (orderOf(x, y) !== 0) {
        return isDown ? -orderOf(x, y) : orderOf(x, y);
      }
    }
    return 0;
  });
}

// POST /services/rest/query/v1/suiteql, and the tables that a query sees.

import { jsonReply } from '../lib/reply.mjs';
import { ApiError, invalidHeader, invalidParameter, invalidQuery } from './api_error.mjs';
import { Queries } from './query.mjs';
import { readJson } from './read_json.mjs';

const limitMax = 1000;

export class QueryRoutes {
  #store;
  #schema;
  #wallClock;
  #queries;
  #rowsMax;
  #url;

  constructor({ store, schema, clock, wallClock, dateFormat, rowsMax, url }) {
    this.#store = store;
    this.#schema = schema;
    this.#wallClock = wallClock;
    this.#rowsMax = rowsMax;
    this.#url = url;
    const tables = (name, lagMs) => this.#table(name, lagMs);
    this.#queries = new Queries({ tables, clock, wallClock, dateFormat });
  }

  handle(request) {
    if (request.method !== 'POST') {
      throw new ApiError(405, 'METHOD_NOT_ALLOWED', `${request.method} is not allowed here`);
    }
    if (!/(^|[\s,;])transient($|[\s,;])/i.test(request.headers.prefer ?? '')) {
      throw invalidHeader('Prefer', "The header must be 'transient'.");
    }
    const limit = wholeNumber(request, 'limit', limitMax);
    const offset = wholeNumber(request, 'offset', 0);
    if (limit < 1 || limit > limitMax) {
      throw invalidParameter('limit', `limit must be between 1 and ${limitMax}.`);
    }
    const { q } = readJson(request) ?? {};
    if (typeof q !== 'string') {
      throw invalidQuery('q is missing');
    }
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    // A query shows no more, whatever its pages are.
    const rows = this.#queries.run(q, lagMs).slice(0, this.#rowsMax);
    const items = rows.slice(offset, offset + limit);
    const hasMore = offset + limit < rows.length;
    const link = (rel, at) => ({
      rel,
      href: `${this.#url()}${request.path}?limit=${limit}&offset=${at}`,
    });
    const next = hasMore ? [link('next', offset + limit)] : [];
    const links = [...next, link('self', offset)];
    return jsonReply(200, {
      links,
      count: items.length,
      hasMore,
      items,
      offset,
      totalResults: rows.length,
    });
  }

  #table(name, lagMs) {
    if (name === 'dual') {
      return { columns: ['dummy'], rows: [{ dummy: 'X' }] };
    }
    const rows = this.#store.rows(name, lagMs);
    const wall = (stampMs) => ({ wall: this.#wallClock.wallOf(stampMs) });
    if (name === 'deletedrecord') {
      const told = ({ recordid, type, deleteddate }) => ({
        recordid: Number(recordid),
        type,
        deleteddate: wall(deleteddate),
      });
      return { columns: ['recordid', 'type', 'deleteddate'], rows: rows.map(told) };
    }
    const fields = this.#schema.table(name);
    if (!fields) {
      return null;
    }
    const columns = ['id', 'externalid', ...Object.keys(fields), 'datecreated', 'lastmodifieddate'];
    const values = rows.map((row) => {
      const told = { id: Number(row.id), externalid: row.externalid };
      for (const [field, { type }] of Object.entries(fields)) {
        told[field] = valueOf(type, row[field]);
      }
      const { datecreated, lastmodifieddate } = row;
      return { ...told, datecreated: wall(datecreated), lastmodifieddate: wall(lastmodifieddate) };
    });
    return { columns, rows: values };
  }
}

function valueOf(type, text) {
  if (text === null) {
    return null;
  }
  switch (type) {
    case 'decimal':
    case 'reference':
      return Number(text);
    case 'date':
      return { wall: Date.parse(text) };
    default:
      return text;
  }
}

function wholeNumber(request, name, fallback) {
  const text = request.query.get(name) ?? String(fallback);
  if (!/^\d+$/.test(text)) {
    throw invalidParameter(name, `${name} must be a whole number.`);
  }
  return Number(text);
}

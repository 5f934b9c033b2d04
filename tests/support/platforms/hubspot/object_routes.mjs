// /crm/v3/objects/<type>[/<id>]: lists, single records and their writes, and the search.

import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { ApiError, invalid, notFound } from './api_error.mjs';
import { readJson } from './read_json.mjs';
import { liveRow } from './records.mjs';
import { parseSearch } from './search.mjs';
import { showRow } from './show.mjs';

const listMax = 100;

export class ObjectRoutes {
  #parts;

  /** `parts`: store, records, batches, url(), user, indexLagMs, searchRowsMax. */
  constructor(parts) {
    this.#parts = parts;
  }

  /** `rest`: the path behind /crm/v3/objects/<type>, each segment decoded. */
  async handle(request, type, rest) {
    const [first, second] = rest;
    if (first === 'batch' && request.method === 'POST' && rest.length === 2) {
      return this.#parts.batches.handle(request, type, second);
    }
    if (rest.length === 0) {
      allow(request, ['GET', 'POST']);
      return request.method === 'GET' ? this.#list(request, type) : this.#create(request, type);
    }
    if (rest.length > 1) {
      throw new ApiError(404, null, 'resource not found');
    }
    if (first === 'search' && request.method === 'POST') {
      return this.#search(request, type);
    }
    allow(request, ['GET', 'PATCH', 'DELETE']);
    switch (request.method) {
      case 'GET':
        return this.#read(request, type, first);
      case 'PATCH':
        return this.#update(request, type, first);
      default:
        return this.#archive(request, type, first);
    }
  }

  #list(request, type) {
    const limit = Number(request.query.get('limit') ?? 10);
    if (!Number.isInteger(limit) || limit < 1 || limit > listMax) {
      throw invalid(`limit must be between 1 and ${listMax}`);
    }
    const after = Number(request.query.get('after') ?? 0);
    const wanted = request.query.get('archived') === 'true';
    const rows = this.#parts.store
      .rows(type.name, lagOf(request))
      .filter(({ id, archived }) => archived === wanted && Number(id) > after)
      .sort((a, b) => Number(a.id) - Number(b.id));
    const page = rows.slice(0, limit);
    const body = { results: page.map((row) => showRow(type, row, namesOf(request))) };
    if (rows.length > limit) {
      const next = page[page.length - 1].id;
      const query = new URLSearchParams(request.query);
      query.set('after', next);
      const link = `${this.#parts.url()}${request.path}?${query}`;
      body.paging = { next: { after: next, link } };
    }
    return jsonReply(200, body);
  }

  /** Sees the index, which is behind the records. */
  #search(request, type) {
    const { store, indexLagMs, searchRowsMax } = this.#parts;
    const search = parseSearch(type, readJson(request), searchRowsMax);
    const lagMs = Math.max(indexLagMs, lagOf(request));
    const rows = store
      .rows(type.name, lagMs)
      .filter((row) => !row.archived && search.accepts(row))
      .sort(search.compare);
    const end = search.offset + search.limit;
    const results = rows.slice(search.offset, end).map((row) => showRow(type, row, search.names));
    const paging = end < rows.length ? { paging: { next: { after: String(end) } } } : {};
    return jsonReply(200, { total: rows.length, results, ...paging });
  }

  #read(request, type, id) {
    const lagMs = lagOf(request);
    const { store } = this.#parts;
    const found = locate(store, type, id, request.query.get('idProperty'));
    const row = store.rowAsOf(type.name, found, lagMs);
    if (!row || row.archived !== (request.query.get('archived') === 'true')) {
      throw notFound(id);
    }
    return jsonReply(200, showRow(type, row, namesOf(request)));
  }

  async #create(request, type) {
    const { properties } = readJson(request);
    const { store, records, user } = this.#parts;
    const row = await store.transact(request.author(user), [], (transaction) =>
      records.create(transaction, type, properties),
    );
    return jsonReply(201, showRow(type, row, Object.keys(properties)));
  }

  async #update(request, type, id) {
    const { properties } = readJson(request);
    const { store, records, user } = this.#parts;
    const found = locate(store, type, id, request.query.get('idProperty'));
    const author = request.author(user);
    const row = await store.transact(author, [`${type.name}/${found}`], (transaction) => {
      liveRow(transaction, type, found);
      return records.update(transaction, type, found, properties);
    });
    return jsonReply(200, showRow(type, row, Object.keys(properties)));
  }

  async #archive(request, type, id) {
    const { store, records, user } = this.#parts;
    const author = request.author(user);
    await store.transact(author, [`${type.name}/${id}`], (transaction) =>
      records.archive(transaction, type, id),
    );
    return emptyReply(204);
  }
}

/** The id of the record that has `id` in the unique property `name`; `id` itself without one. */
export function locate(store, type, id, name) {
  if (name === null || name === undefined) {
    return id;
  }
  if (!Object.hasOwn(type.properties, name) || !type.properties[name].unique) {
    throw invalid(`Unable to look up by non-unique ${type.typeId} property ${name}`);
  }
  return store.find(type.name, name, id)[0] ?? id;
}

/** Properties are named with commas between them, or by several parameters. */
function namesOf(request) {
  const names = request.query.getAll('properties').flatMap((text) => text.split(','));
  return names.length > 0 ? names : null;
}

function lagOf(request) {
  return request.takeFault('read_lag')?.delay_ms ?? 0;
}

function allow(request, methods) {
  if (!methods.includes(request.method)) {
    throw new ApiError(405, null, `${request.method} is not allowed here`);
  }
}

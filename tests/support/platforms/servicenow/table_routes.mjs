// The Table API: /api/now[/v1|/v2]/table/<table>[/<sys_id>].

import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { ApiError, noRecord } from './api_error.mjs';
import { parseEncodedQuery } from './encoded_query.mjs';
import { showRow, resolvePath } from './show.mjs';

const limitDefault = 10_000;

export class TableRoutes {
  #parts;

  /** `parts`: schema, store, records, url(), username, utcOffsetMinutes, invalidReturnsNone. */
  constructor(parts) {
    this.#parts = parts;
  }

  async handle(request) {
    const match = /^\/api\/now(?:\/(v[12]))?\/table\/([^/]+)(?:\/([^/]+))?\/?$/.exec(request.path);
    if (!match) {
      const detail = 'Requested URI does not represent any resource';
      throw new ApiError(
        400,
        `Requested URI does not represent any resource: ${request.path}`,
        detail,
      );
    }
    const [, version, tableName, id] = match;
    const table = this.#parts.schema.find(tableName);
    if (!table) {
      throw new ApiError(400, `Invalid table ${tableName}`);
    }
    if (id === undefined) {
      allow(request, ['GET', 'POST']);
      return request.method === 'GET'
        ? this.#list(request, table, version)
        : this.#create(request, table);
    }
    switch (request.method) {
      case 'GET':
        return this.#read(request, table, id);
      case 'DELETE':
        return this.#remove(request, table, id);
      default:
        allow(request, ['GET', 'PUT', 'PATCH', 'DELETE']);
        return this.#update(request, table, id);
    }
  }

  #list(request, table, version) {
    const { store } = this.#parts;
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const query = this.#query(request, table);
    const nothing = query.dropped > 0 && this.#parts.invalidReturnsNone;
    const rows = nothing ? [] : store.rows(table.name, lagMs).filter(query.accepts);
    if (query.isOrdered) {
      rows.sort(query.compare);
    }
    const limit = wholeNumber(request, 'sysparm_limit', limitDefault);
    const offset = wholeNumber(request, 'sysparm_offset', 0);
    let page = rows.slice(offset, offset + limit);
    const short = request.takeFault('short_page');
    if (short) {
      page = page.slice(0, Math.max(0, page.length - (short.rows ?? 1)));
    }
    if (version === 'v1' && rows.length === 0) {
      throw noRecord();
    }
    const headers = {};
    if (request.query.get('sysparm_no_count') !== 'true') {
      headers['X-Total-Count'] = String(rows.length);
    }
    if (request.query.get('sysparm_suppress_pagination_header') !== 'true') {
      headers.Link = this.#links(request, { offset, limit, total: rows.length });
    }
    return jsonReply(200, { result: page.map((row) => this.#show(request, table, row)) }, headers);
  }

  /** sysparm_query, or plain field=value parameters when there is none. */
  #query(request, table) {
    const { schema, store, utcOffsetMinutes } = this.#parts;
    const pairs = [...request.query].filter(([name]) => !name.startsWith('sysparm_'));
    const plain = pairs.map(([name, value]) => `${name}=${value.replaceAll('^', '^^')}`).join('^');
    const text = request.query.get('sysparm_query') ?? plain;
    const resolve = (path) => resolvePath({ schema, store }, table, path);
    return parseEncodedQuery(text, resolve, utcOffsetMinutes);
  }

  #links(request, { offset, limit, total }) {
    const link = (at, relation) => {
      const query = new URLSearchParams(request.query);
      query.set('sysparm_offset', String(at));
      return `<${this.#parts.url()}${request.path}?${query}>;rel="${relation}"`;
    };
    const links = [];
    if (limit > 0 && offset + limit < total) {
      links.push(link(offset + limit, 'next'));
    }
    if (offset > 0) {
      links.push(link(Math.max(0, offset - limit), 'prev'));
    }
    links.push(link(0, 'first'));
    const last = limit > 0 && total > 0 ? Math.floor((total - 1) / limit) * limit : 0;
    links.push(link(last, 'last'));
    return links.join(',');
  }

  #read(request, table, id) {
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const row = this.#parts.store.rowAsOf(table.name, id, lagMs);
    if (!row) {
      throw noRecord();
    }
    return jsonReply(200, { result: this.#show(request, table, row) });
  }

  async #create(request, table) {
    const body = readJson(request);
    const input = Array.isArray(body) ? body[0] : body; // One record; the others are ignored.
    const { store, records, username } = this.#parts;
    const inputDisplay = request.query.get('sysparm_input_display_value') === 'true';
    const row = await store.transact(request.author(username), [], (transaction) =>
      records.create(transaction, table, { input, user: username, inputDisplay }),
    );
    const location = `${this.#parts.url()}/api/now/table/${table.name}/${row.sys_id}`;
    return this.#written(request, { table, row, status: 201, headers: { Location: location } });
  }

  async #update(request, table, id) {
    const input = readJson(request);
    const { store, records, username } = this.#parts;
    const inputDisplay = request.query.get('sysparm_input_display_value') === 'true';
    const author = request.author(username);
    const row = await store.transact(author, [`${table.name}/${id}`], (transaction) =>
      records.update(transaction, table, id, { input, user: username, inputDisplay }),
    );
    return this.#written(request, { table, row, status: 200, headers: {} });
  }

  async #remove(request, table, id) {
    const { store, records, username } = this.#parts;
    const author = request.author(username);
    await store.transact(author, [`${table.name}/${id}`], (transaction) =>
      records.remove(transaction, table, id),
    );
    return emptyReply(204);
  }

  #written(request, { table, row, status, headers }) {
    if (request.headers['x-no-response-body'] === 'true') {
      return emptyReply(status, headers);
    }
    return jsonReply(status, { result: this.#show(request, table, row) }, headers);
  }

  #show(request, table, row) {
    const names = request.query.get('sysparm_fields');
    const { schema, store, utcOffsetMinutes } = this.#parts;
    return showRow({ schema, store, utcOffsetMinutes, url: this.#parts.url() }, table, row, {
      fields: names
        ? names.split(',').map((name) => name.trim())
        : Object.keys(table.fields).sort(),
      display: request.query.get('sysparm_display_value') ?? 'false',
      withLinks: request.query.get('sysparm_exclude_reference_link') !== 'true',
    });
  }
}

function wholeNumber(request, name, fallback) {
  const text = request.query.get(name);
  return text !== null && /^\d+$/.test(text) ? Number(text) : fallback;
}

function allow(request, methods) {
  if (!methods.includes(request.method)) {
    throw new ApiError(405, 'Method not supported', `${request.method} is not supported here`);
  }
}

function readJson(request) {
  const { accept, 'content-type': type } = request.headers;
  if (!accept || !type) {
    const missing = accept ? 'Content-Type' : 'Accept';
    throw new ApiError(400, 'Missing header', `${missing} header is required`);
  }
  if (!/^application\/json\b/i.test(type)) {
    throw new ApiError(415, 'Unsupported media type', `Content-Type ${type} is not supported`);
  }
  if (!/\*\/\*|application\/(json|\*)/i.test(accept)) {
    throw new ApiError(406, 'Not acceptable', `Accept ${accept} is not supported`);
  }
  try {
    return request.json();
  } catch (error) {
    throw new ApiError(400, 'Exception while reading request', error.message);
  }
}

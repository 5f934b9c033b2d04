// REST v1: /api/resource/<DocType>[/<name>] and a few of /api/method.

import { jsonReply } from '../lib/reply.mjs';
import { FrappeError, notFound, notPermitted, validationError } from './api_error.mjs';
import { comparer, compileFilters, jsonParameter, showRow } from './list_query.mjs';
import { documentOf } from './records.mjs';

const pageDefault = 20;

export class ResourceRoutes {
  #parts;

  /** `parts`: schema, store, records, user, timeZone. */
  constructor(parts) {
    this.#parts = parts;
  }

  /** `user` is null for whoever has shown no key: a guest, who may ask little. */
  handle(request, user) {
    const method = /^\/api\/method\/(.+)$/.exec(request.path);
    if (method) {
      return this.#call(method[1], user);
    }
    const match = /^\/api\/resource\/([^/]+)(?:\/(.+?)\/?)?$/.exec(request.path);
    if (!match) {
      throw new FrappeError(404, 'DoesNotExistError', request.path);
    }
    if (user === null) {
      throw notPermitted(`User Guest does not have doctype access via role permission`);
    }
    const [doctypeName, name] = match.slice(1).map((part) => part && decodeURIComponent(part));
    const doctype = this.#parts.schema.find(doctypeName);
    if (!doctype) {
      throw notFound('DocType', doctypeName);
    }
    const reads = request.method === 'GET';
    if (doctype.access === 'none' || (doctype.access === 'read' && !reads)) {
      throw notPermitted(`No permission for ${doctype.name}`);
    }
    return this.#route(request, doctype, name);
  }

  #route(request, doctype, name) {
    const of = name === undefined ? 'list' : 'document';
    switch (`${request.method} ${of}`) {
      case 'GET list':
        return this.#list(request, doctype);
      case 'POST list':
        return this.#create(request, doctype);
      case 'GET document':
        return this.#read(request, doctype, name);
      case 'PUT document':
        return this.#update(request, doctype, name);
      case 'DELETE document':
        return this.#remove(request, doctype, name);
      default:
        throw notPermitted('Not permitted');
    }
  }

  #call(method, user) {
    switch (method) {
      case 'ping':
        return jsonReply(200, { message: 'pong' });
      case 'frappe.client.get_time_zone':
        return jsonReply(200, { message: { time_zone: this.#parts.timeZone } });
      case 'frappe.auth.get_logged_user':
        if (user === null) {
          throw notPermitted(`Function ${method} is not whitelisted.`);
        }
        return jsonReply(200, { message: user });
      default:
        throw validationError(`Failed to get method for command ${method}`);
    }
  }

  #list(request, doctype) {
    const { query } = request;
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const accepts = compileFilters(doctype, jsonParameter(query, 'filters', []));
    const either = compileFilters(doctype, jsonParameter(query, 'or_filters', []), 'some');
    const names = jsonParameter(query, 'fields', ['name']);
    const rows = this.#parts.store
      .rows(doctype.name, lagMs)
      .filter((row) => accepts(row) && either(row))
      .sort(comparer(doctype, query.get('order_by')));
    const start = wholeNumber(query.get('limit_start'), 0);
    const asked = query.get('limit_page_length') ?? query.get('limit');
    const length = wholeNumber(asked, pageDefault);
    let page = rows.slice(start, length > 0 ? start + length : undefined);
    const short = request.takeFault('short_page');
    if (short) {
      page = page.slice(0, Math.max(0, page.length - (short.rows ?? 1)));
    }
    const shown = page.map((row) => showRow(doctype, row, names));
    const asLists = query.get('as_dict') === 'false';
    return jsonReply(200, { data: asLists ? shown.map((row) => Object.values(row)) : shown });
  }

  #read(request, doctype, name) {
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const { store } = this.#parts;
    const source = {
      find: (...key) => store.find(...key),
      row: (table, id) => store.rowAsOf(table, id, lagMs),
    };
    const row = documentOf(source, doctype, name);
    if (!row) {
      throw notFound(doctype.name, name);
    }
    return this.#document(doctype, row);
  }

  async #create(request, doctype) {
    const { store, records, user } = this.#parts;
    const input = readBody(request);
    const row = await store.transact(request.author(user), [], (transaction) =>
      records.create(transaction, doctype, { input, user }),
    );
    return this.#document(doctype, row);
  }

  async #update(request, doctype, name) {
    const { store, records, user } = this.#parts;
    const input = readBody(request);
    const { name: key } = documentOf(store, doctype, name);
    const author = request.author(user);
    const row = await store.transact(author, [`${doctype.name}/${key}`], (transaction) => {
      const current = documentOf(transaction, doctype, name);
      return records.update(transaction, doctype, current, { input, user });
    });
    return this.#document(doctype, row);
  }

  async #remove(request, doctype, name) {
    const { store, records, user } = this.#parts;
    const { name: key } = documentOf(store, doctype, name);
    const author = request.author(user);
    await store.transact(author, [`${doctype.name}/${key}`], (transaction) =>
      records.remove(transaction, doctype, documentOf(transaction, doctype, name)),
    );
    return jsonReply(202, { message: 'ok' });
  }

  #document(doctype, row) {
    return jsonReply(200, { data: { ...showRow(doctype, row, ['*']), doctype: doctype.name } });
  }
}

function wholeNumber(text, fallback) {
  return text !== null && /^\d+$/.test(text) ? Number(text) : fallback;
}

/** JSON whatever it is called; else a form. */
function readBody(request) {
  const text = request.body.toString('utf8');
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      throw new FrappeError(500, 'JSONDecodeError', error.message, { module: 'json.decoder' });
    }
    return Object.fromEntries(new URLSearchParams(text));
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw validationError('Invalid request arguments');
  }
  return value;
}

// One OData V4 service: its document, its entity sets and their entities.

import { changedQuery, collectionQuery, entityQuery } from '../lib/odata_query.mjs';
import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { ApiError, badBody, jsonType, noEntity, notPublished } from './api_error.mjs';
import { create, etagOf, remove, showEntity, update } from './records.mjs';

export const serviceRoot = '/sap/opu/odata4/sap/api_bp/srvd_a2x/sap/bp/0001';
const common = { 'OData-Version': '4.0', 'Cache-Control': 'no-cache, no-store, must-revalidate' };

export class ServiceRoutes {
  #parts;

  /** `parts`: schema, store, username, pageDefault, pageMax. */
  constructor(parts) {
    this.#parts = parts;
  }

  async handle(request) {
    const rest = this.#below(request.path);
    if (rest === '') {
      allow(request, ['GET', 'HEAD']);
      const sets = this.#parts.schema.all().map(({ name }) => ({ name, url: name }));
      return odata(200, { '@odata.context': '$metadata', value: sets });
    }
    const match = /^(\w+)(?:\((.*)\))?$/s.exec(rest);
    const set = match && this.#parts.schema.find(match[1]);
    if (!set) {
      throw new ApiError(404, '/IWBEP/CM_V4_RUNTIME/004', `Resource '${rest}' not found`);
    }
    if (match[2] === undefined) {
      allow(request, ['GET', 'POST']);
      return request.method === 'GET' ? this.#list(request, set) : this.#create(request, set);
    }
    const id = keyOf(set, match[2]);
    allow(request, ['GET', 'PATCH', 'DELETE']);
    switch (request.method) {
      case 'GET':
        return this.#read(request, set, id);
      case 'PATCH':
        return this.#update(request, set, id);
      default:
        return this.#remove(request, set, id);
    }
  }

  #below(path) {
    const decoded = decodeURIComponent(path);
    if (decoded === serviceRoot || decoded.startsWith(`${serviceRoot}/`)) {
      return decoded.slice(serviceRoot.length + 1);
    }
    throw notPublished((decoded.split('/')[5] ?? '').toUpperCase());
  }

  #list(request, set) {
    const { store, pageDefault, pageMax } = this.#parts;
    const query = collectionQuery(request.query, set.properties, [set.key]);
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const accepts = query.filter?.accepts ?? (() => true);
    const rows = store.rows(set.name, lagMs).filter(accepts).sort(query.compare);
    // A token is a place counted from the beginning: rows that move meanwhile move others.
    const token = /^\d+$/.test(query.skiptoken ?? '') ? Number(query.skiptoken) : 0;
    const begin = query.skip + token;
    const wanted = query.top === null ? Infinity : Math.max(0, query.top - token);
    const size = Math.min(wanted, query.top === null ? pageDefault : pageMax);
    const page = rows.slice(begin, begin + size);
    const left = Math.min(rows.length - begin, wanted) - page.length;
    const body = { '@odata.context': `$metadata#${set.name}` };
    if (query.count) {
      body['@odata.count'] = rows.length;
    }
    const decimalText = wantsText(request.headers.accept);
    const shown = { select: query.select, decimalText };
    body.value = page.map((row) => showEntity(set, row, shown));
    if (left > 0) {
      const changes = { $skiptoken: String(token + page.length) };
      body['@odata.nextLink'] = `${set.name}?${changedQuery(request.query, changes)}`;
    }
    return odata(200, body);
  }

  #read(request, set, id) {
    const { select } = entityQuery(request.query, set.properties);
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const row = this.#parts.store.rowAsOf(set.name, id, lagMs);
    if (!row) {
      throw noEntity(`${set.name}Type`);
    }
    return this.#entity(request, set, { row, select, status: 200 });
  }

  #entity(request, set, { row, select, status, headers = {} }) {
    const decimalText = wantsText(request.headers.accept);
    const shown = showEntity(set, row, { select, decimalText });
    const context = { '@odata.context': `$metadata#${set.name}/$entity` };
    return odata(status, { ...context, ...shown }, { ETag: etagOf(row), ...headers });
  }

  async #create(request, set) {
    const { store, username: user } = this.#parts;
    const input = readJson(request);
    const decimalText = wantsText(request.headers['content-type']);
    const row = await store.transact(request.author(user), [], (transaction) =>
      create(transaction, set, { input, user, decimalText }),
    );
    const headers = { Location: `${set.name}('${row[set.key]}')` };
    const select = Object.keys(set.properties);
    return this.#entity(request, set, { row, select, status: 201, headers });
  }

  async #update(request, set, id) {
    const { store, username: user } = this.#parts;
    const input = readJson(request);
    const decimalText = wantsText(request.headers['content-type']);
    const condition = request.headers['if-match'];
    const keys = [`${set.name}/${id}`];
    const row = await store.transact(request.author(user), keys, (transaction) =>
      update(transaction, set, id, { input, user, decimalText, condition }),
    );
    return emptyReply(204, { ...common, ETag: etagOf(row) });
  }

  async #remove(request, set, id) {
    const { store, username: user } = this.#parts;
    const condition = request.headers['if-match'];
    await store.transact(request.author(user), [`${set.name}/${id}`], (transaction) =>
      remove(transaction, set, id, condition),
    );
    return emptyReply(204, common);
  }
}

function odata(status, body, headers = {}) {
  return { ...jsonReply(status, body, { ...common, ...headers }), contentType: jsonType };
}

/** ('1') or (BusinessPartner='1'), as the kept id. */
function keyOf(set, text) {
  const match = /^(?:(\w+)=)?'((?:[^']|'')*)'$/s.exec(text);
  if (!match || (match[1] !== undefined && match[1] !== set.key)) {
    throw new ApiError(400, '/IWBEP/CM_V4S_RUN/036', `Invalid key '${text}' of '${set.name}'`);
  }
  return match[2].replaceAll("''", "'");
}

function wantsText(header) {
  return /ieee754compatible=true/i.test(header ?? '');
}

function allow(request, methods) {
  if (!methods.includes(request.method)) {
    const headers = { Allow: methods.join(', ') };
    const text = `Method ${request.method} is not allowed here`;
    throw new ApiError(405, '/IWBEP/CM_V4_RUNTIME/007', text, { headers });
  }
}

function readJson(request) {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type)) {
    const text = `Content type '${type}' is not supported`;
    throw new ApiError(415, '/IWBEP/CM_V4_RUNTIME/015', text);
  }
  try {
    return request.json();
  } catch (error) {
    throw badBody(error.message);
  }
}

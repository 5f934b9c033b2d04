// API pages of one company: the standard ones (api/v2.0), and one of the tenant's own, which is the
// same table with a field for another system's key.

import { changedQuery, collectionQuery, entityQuery } from '../lib/odata_query.mjs';
import { emptyReply, jsonReply } from '../lib/reply.mjs';
import {
  ApiError,
  jsonType,
  noRecord,
  noSegment,
  orOnDistinctFields,
  pageIsGone,
} from './api_error.mjs';
import { create, etagOf, remove, showEntity, update } from './records.mjs';

export const apis = { standard: 'v2.0', own: 'acme/sync/v1.0' };
const guidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class PageRoutes {
  #parts;

  /** `parts`: schema, store, url(), root, company, user, pageMax, replicaLagMs. */
  constructor(parts) {
    this.#parts = parts;
  }

  async handle(request) {
    const { schema, root, company } = this.#parts;
    const path = decodeURIComponent(request.path);
    const api = Object.values(apis).find((name) => path.startsWith(`${root}/${name}/`));
    if (!api) {
      throw noSegment(path.split('/').at(-1));
    }
    const rest = path.slice(`${root}/${api}/`.length).replace(/\/$/, '');
    const match = /^companies(?:\(([^)]*)\)(?:\/(\w+)(?:\(([^)]*)\))?)?)?$/.exec(rest);
    if (!match) {
      throw noSegment(rest);
    }
    const [, companyId, setName, id] = match;
    if (setName === undefined) {
      return this.#companies(request, companyId);
    }
    if (companyId !== company.id) {
      throw new ApiError(404, 'Internal_CompanyNotFound', 'Cannot find the company.');
    }
    const set = schema.find(setName);
    if (!set) {
      throw noSegment(setName);
    }
    const page = { set, api, properties: propertiesOf(set, api) };
    if (id === undefined) {
      allow(request, ['GET', 'POST'], setName);
      return request.method === 'GET' ? this.#list(request, page) : this.#create(request, page);
    }
    return this.#one(request, page, checkedGuid(id));
  }

  #one(request, page, id) {
    allow(request, ['GET', 'PATCH', 'DELETE'], page.set.name);
    switch (request.method) {
      case 'GET':
        return this.#read(request, page, id);
      case 'PATCH':
        return this.#update(request, page, id);
      default:
        return this.#remove(request, page, id);
    }
  }

  #companies(request, id) {
    const { company } = this.#parts;
    allow(request, ['GET'], 'companies');
    if (id === undefined) {
      const context = this.#context(apis.standard, 'companies');
      return odata(200, { '@odata.context': context, value: [company] });
    }
    if (id !== company.id) {
      throw new ApiError(404, 'Internal_CompanyNotFound', 'Cannot find the company.');
    }
    return odata(200, company);
  }

  /** How far behind the data is that this read sees: a replica's, unless the primary is wanted. */
  #lagMs(request) {
    const primary = /^readwrite$/i.test(request.headers['data-access-intent'] ?? '');
    return request.takeFault('read_lag')?.delay_ms ?? (primary ? 0 : this.#parts.replicaLagMs);
  }

  #list(request, { set, api, properties }) {
    const { store, pageMax } = this.#parts;
    const query = collectionQuery(request.query, properties, [set.number.property]);
    const distinct = ([one, two]) => new Set([...one, ...two]).size > 1;
    if (query.filter?.orFields.some(distinct)) {
      throw orOnDistinctFields();
    }
    const accepts = query.filter?.accepts ?? (() => true);
    let rows = store.rows(set.name, this.#lagMs(request)).filter(accepts).sort(query.compare);
    const total = rows.length;
    if (query.skiptoken !== null) {
      // The token names the last record that was sent; its place is where that one is now.
      const last = store.row(set.name, query.skiptoken);
      if (!last) {
        throw pageIsGone();
      }
      rows = rows.filter((row) => query.compare(row, last) > 0);
    }
    rows = rows.slice(query.skip);
    const wanted = Math.min(rows.length, query.top ?? Infinity);
    const page = rows.slice(0, Math.min(wanted, preferredSize(request) ?? pageMax, pageMax));
    const body = { '@odata.context': this.#context(api, `companies/${set.name}`) };
    if (query.count) {
      body['@odata.count'] = total;
    }
    body.value = page.map((row) => showEntity(row, query.select));
    if (wanted > page.length) {
      const $top = query.top === null ? null : String(query.top - page.length);
      const changes = { $top, $skip: null, aid: 'FIN', $skiptoken: page.at(-1).id };
      const next = changedQuery(request.query, changes);
      body['@odata.nextLink'] = `${this.#parts.url()}${request.path}?${next}`;
    }
    return odata(200, body);
  }

  #context(api, what) {
    return `${this.#parts.url()}${this.#parts.root}/${api}/$metadata#${what}`;
  }

  #read(request, { set, api, properties }, id) {
    const { select } = entityQuery(request.query, properties);
    const row = this.#parts.store.rowAsOf(set.name, id, this.#lagMs(request));
    if (!row) {
      throw noRecord(set, id);
    }
    return this.#entity(200, { set, api }, row, select);
  }

  #entity(status, { set, api }, row, select, headers = {}) {
    const context = this.#context(api, `companies/${set.name}/$entity`);
    const body = { '@odata.context': context, ...showEntity(row, select) };
    return odata(status, body, { ETag: etagOf(row), ...headers });
  }

  async #create(request, page) {
    const { store, user, url } = this.#parts;
    const input = readJson(request);
    const { set, properties } = page;
    const row = await store.transact(request.author(user), [], (transaction) =>
      create(transaction, set, { input, properties }),
    );
    const headers = { Location: `${url()}${request.path}(${row.id})` };
    return this.#entity(201, page, row, Object.keys(properties), headers);
  }

  async #update(request, page, id) {
    const { store, user } = this.#parts;
    const { set, properties } = page;
    const by = { input: readJson(request), properties, condition: request.headers['if-match'] };
    const keys = [`${set.name}/${id}`];
    const row = await store.transact(request.author(user), keys, (transaction) =>
      update(transaction, set, id, by),
    );
    return this.#entity(200, page, row, Object.keys(properties));
  }

  async #remove(request, { set }, id) {
    const { store, user } = this.#parts;
    const condition = request.headers['if-match'];
    await store.transact(request.author(user), [`${set.name}/${id}`], (transaction) =>
      remove(transaction, set, id, condition),
    );
    return emptyReply(204);
  }
}

/** The standard page lacks the tenant's own fields. */
export function propertiesOf(set, api) {
  const all = Object.entries(set.properties);
  return Object.fromEntries(all.filter(([, { own }]) => !own || api === apis.own));
}

function odata(status, body, headers = {}) {
  const reply = jsonReply(status, body, { 'OData-Version': '4.0', ...headers });
  return { ...reply, contentType: jsonType };
}

function checkedGuid(text) {
  if (!guidPattern.test(text)) {
    const problem = `')' or ',' expected at position 0 in '(${text})'`;
    throw new ApiError(400, 'BadRequest_NotFound', problem);
  }
  return text.toLowerCase();
}

function preferredSize(request) {
  const match = /odata\.maxpagesize=(\d+)/i.exec(request.headers.prefer ?? '');
  return match && Number(match[1]) > 0 ? Number(match[1]) : null;
}

function allow({ method }, methods, name) {
  if (!methods.includes(method)) {
    const text =
      `'${method}' requests for '${name}' of EdmType 'Collection' are not allowed within ` +
      'Dynamics 365 Business Central OData web services.';
    throw new ApiError(405, 'BadRequest_MethodNotAllowed', text);
  }
}

function readJson(request) {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ApiError(415, 'BadRequest', 'The content type is not supported.');
  }
  try {
    return request.json();
  } catch {
    throw new ApiError(400, 'BadRequest', 'Invalid Request Body');
  }
}

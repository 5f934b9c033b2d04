// /services/rest/record/v1/<type>[/<id> or /eid:<external id>]

import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { ApiError, invalidHeader, notFound } from './api_error.mjs';
import { readJson } from './read_json.mjs';
import { rowOf } from './records.mjs';
import { externalKey } from './schema.mjs';

const validations = ['error', 'warning', 'ignore'];

export class RecordRoutes {
  #parts;

  /** `parts`: schema, store, records, url(), user. */
  constructor(parts) {
    this.#parts = parts;
  }

  async handle(request, name, place) {
    const record = this.#parts.schema.record(name);
    if (!record) {
      throw new ApiError(404, 'NONEXISTENT_RECORD_TYPE', `Record type '${name}' does not exist.`);
    }
    if (place === undefined) {
      allow(request, ['POST']);
      return this.#create(request, record);
    }
    const externalId = place.startsWith('eid:') ? place.slice('eid:'.length) : null;
    // An upsert is of an external id only.
    allow(request, ['GET', 'PATCH', 'DELETE', ...(externalId ? ['PUT'] : [])]);
    if (request.method === 'PUT') {
      return this.#upsert(request, record, externalId);
    }
    const { store } = this.#parts;
    const key = externalKey(record.name, externalId);
    const id = externalId === null ? place : store.find(record.table, 'externalid', key)[0];
    if (id === undefined) {
      throw notFound();
    }
    switch (request.method) {
      case 'GET':
        return this.#read(request, record, id);
      case 'PATCH':
        return this.#update(request, record, id);
      default:
        return this.#remove(request, record, id);
    }
  }

  #read(request, record, id) {
    const { store } = this.#parts;
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const row = rowOf({ row: (table, key) => store.rowAsOf(table, key, lagMs) }, record, id);
    const self = this.#place(record, id);
    const told = { links: [{ rel: 'self', href: self }], id };
    if (row.externalid !== null) {
      told.externalId = row.externalid;
    }
    for (const [name, { json = name, type }] of Object.entries(record.fields)) {
      if (row[name] !== null) {
        told[json] = shown(type, row[name]);
      }
    }
    told.dateCreated = momentText(row.datecreated);
    told.lastModifiedDate = momentText(row.lastmodifieddate);
    return jsonReply(200, told);
  }

  async #create(request, record) {
    const { store, records, user } = this.#parts;
    const [input, validation] = [readJson(request), validationOf(request)];
    const row = await store.transact(request.author(user), [], (transaction) =>
      records.create(transaction, record, { input, validation }),
    );
    return this.#written(record, row.id);
  }

  async #upsert(request, record, externalId) {
    const { store, records, user } = this.#parts;
    const [input, validation] = [readJson(request), validationOf(request)];
    const key = externalKey(record.name, externalId);
    const row = await store.transact(request.author(user), [key], (transaction) => {
      const [id] = transaction.find(record.table, 'externalid', key);
      return id === undefined
        ? records.create(transaction, record, { input, validation, externalId })
        : records.update(transaction, record, id, { input, validation });
    });
    return this.#written(record, row.id);
  }

  async #update(request, record, id) {
    const { store, records, user } = this.#parts;
    const [input, validation] = [readJson(request), validationOf(request)];
    const author = request.author(user);
    await store.transact(author, [`${record.table}/${id}`], (transaction) =>
      records.update(transaction, record, id, { input, validation }),
    );
    return this.#written(record, id);
  }

  async #remove(request, record, id) {
    const { store, records, user } = this.#parts;
    const author = request.author(user);
    await store.transact(author, [`${record.table}/${id}`], (transaction) =>
      records.remove(transaction, record, id),
    );
    return emptyReply(204);
  }

  #written(record, id) {
    return emptyReply(204, { Location: this.#place(record, id) });
  }

  #place(record, id) {
    return `${this.#parts.url()}/services/rest/record/v1/${record.name}/${id}`;
  }
}

function shown(type, value) {
  switch (type) {
    case 'boolean':
      return value === 'T';
    case 'decimal':
      return Number(value);
    case 'reference':
      return { id: value };
    default:
      return value;
  }
}

function momentText(milliseconds) {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** Unknown names are passed over unless the request says that they are errors. */
function validationOf(request) {
  const header = 'X-NetSuite-PropertyNameValidation';
  const text = (request.headers[header.toLowerCase()] ?? 'warning').toLowerCase();
  if (!validations.includes(text)) {
    throw invalidHeader(header, `${text} is none of ${validations.join(', ')}`);
  }
  return text;
}

function allow(request, methods) {
  if (!methods.includes(request.method)) {
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', `${request.method} is not allowed here`);
  }
}

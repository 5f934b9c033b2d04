// The REST resources under /services/data: which request goes where, and what HTTP it becomes.

import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { ApiError, notFound } from './api_error.mjs';
import { lockKey } from './collections.mjs';
import { checkConditions, validators } from './conditions.mjs';
import { describeGlobal, describeObject } from './describe.mjs';
import { attributesOf } from './query.mjs';
import { idFromPath } from './records.mjs';
import { fieldOf } from './schema.mjs';
import { showValue } from './values.mjs';

const versionMin = 20;
const versionMax = 62;
const upsertBodyVersion = 46;

export class RestRoutes {
  #parts;
  #startedSeconds;

  /** `parts`: schema, store, records, collections, query, replication, clock, limits(), userId. */
  constructor(parts) {
    this.#parts = parts;
    this.#startedSeconds = Math.floor(parts.clock.nowMs() / 1000);
  }

  /** GET /services/data: needs no session. */
  versions() {
    const list = [];
    for (let version = versionMin; version <= versionMax; version += 1) {
      const text = `${version}.0`;
      list.push({ label: `API ${text}`, url: `/services/data/v${text}`, version: text });
    }
    return jsonReply(200, list);
  }

  async handle(request) {
    const match = /^\/services\/data\/v(\d+)\.0(\/.*)?$/.exec(request.path);
    if (!match || Number(match[1]) < versionMin || Number(match[1]) > versionMax) {
      throw notFound();
    }
    const version = `${match[1]}.0`;
    const steps = (match[2] ?? '')
      .split('/')
      .filter((step) => step !== '')
      .map(decodeStep);
    const [resource, ...rest] = steps;
    switch (resource) {
      case undefined:
        return this.#resources(version);
      case 'limits':
        return jsonReply(200, this.#parts.limits());
      case 'query':
      case 'queryAll':
        return this.#query(request, version, { resource, rest });
      case 'sobjects':
        return this.#sobjects(request, version, rest);
      case 'composite':
        return this.#composite(request, version, rest);
      default:
        throw notFound();
    }
  }

  #resources(version) {
    const names = ['sobjects', 'query', 'queryAll', 'limits', 'composite'];
    const entries = names.map((name) => [name, `/services/data/v${version}/${name}`]);
    return jsonReply(200, Object.fromEntries(entries));
  }

  #query(request, version, { resource, rest }) {
    allow(request, ['GET']);
    return rest.length === 0
      ? this.#parts.query.start(request, version, resource === 'queryAll')
      : this.#parts.query.more(request, version, rest[0]);
  }

  async #sobjects(request, version, [name, third, fourth, ...extra]) {
    if (extra.length > 0) {
      throw notFound();
    }
    if (name === undefined) {
      allow(request, ['GET']);
      return jsonReply(200, describeGlobal(this.#parts.schema, version));
    }
    const object = this.#parts.schema.object(name);
    if (third === undefined) {
      allow(request, ['GET', 'POST']);
      return request.method === 'POST'
        ? this.#create(request, object)
        : jsonReply(200, { objectDescribe: describeObject(object, version), recentItems: [] });
    }
    if (fourth !== undefined) {
      return this.#byExternalId(request, version, { object, fieldName: third, value: fourth });
    }
    switch (third) {
      case 'describe':
        return this.#describe(request, version, object);
      case 'updated':
        return this.#parts.replication.updated(request, object);
      case 'deleted':
        return this.#parts.replication.deleted(request, object);
      default:
        return this.#byId(request, version, { object, id: idFromPath(third) });
    }
  }

  #describe(request, version, object) {
    const since = Date.parse(request.headers['if-modified-since'] ?? '');
    if (since >= this.#startedSeconds * 1000) {
      return emptyReply(304);
    }
    const modified = new Date(this.#startedSeconds * 1000).toUTCString();
    return jsonReply(200, describeObject(object, version), { 'Last-Modified': modified });
  }

  async #create(request, object) {
    const input = readJson(request);
    const author = this.#author(request);
    const id = await this.#parts.store.transact(author, [], (transaction) =>
      this.#parts.records.create(transaction, object, input, author.userId),
    );
    const location = `/services/data/v62.0/sobjects/${object.name}/${id}`;
    return jsonReply(201, { id, success: true, errors: [] }, { Location: location });
  }

  async #byId(request, version, { object, id }) {
    allow(request, ['GET', 'HEAD', 'PATCH', 'DELETE']);
    if (request.method === 'PATCH') {
      return this.#update(request, object, id);
    }
    if (request.method === 'DELETE') {
      return this.#remove(request, object, id);
    }
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const row = this.#parts.store.rowAsOf(object.name, id, lagMs);
    if (!row) {
      throw notFound();
    }
    if (row.IsDeleted) {
      throw new ApiError(404, 'ENTITY_IS_DELETED', 'entity is deleted', []);
    }
    checkConditions(request, object, row);
    const names = request.query.get('fields');
    const fields =
      names === null
        ? object.fields
        : names
            .split(',')
            .map((name) => fieldOf(object, name.trim()) ?? unknownField(object, name));
    return jsonReply(200, showRecord(object, row, { version, fields }), validators(object, row));
  }

  async #update(request, object, id) {
    const input = readJson(request);
    const author = this.#author(request);
    await this.#parts.store.transact(author, [lockKey(object, id)], (transaction) => {
      const row = transaction.row(object.name, id);
      if (row && !row.IsDeleted) {
        checkConditions(request, object, row);
      }
      this.#parts.records.update(transaction, object, id, { input, by: author.userId });
    });
    return emptyReply(204);
  }

  async #remove(request, object, id) {
    const author = this.#author(request);
    await this.#parts.store.transact(author, [lockKey(object, id)], (transaction) =>
      this.#parts.records.remove(transaction, object, id, author.userId),
    );
    return emptyReply(204);
  }

  async #byExternalId(request, version, { object, fieldName, value }) {
    const field = fieldOf(object, fieldName);
    if (!field || !(field.externalId || field.type === 'id')) {
      throw notFound(
        'Provided external ID field does not exist or is not accessible: ' + fieldName,
      );
    }
    if (field.type === 'id') {
      return this.#byId(request, version, { object, id: idFromPath(value) });
    }
    if (request.method === 'PATCH') {
      return this.#upsert(request, version, { object, field, value });
    }
    allow(request, ['GET', 'PATCH', 'DELETE']);
    const ids = this.#parts.store.find(object.name, field.name, value);
    if (ids.length > 1) {
      return severalReply(object, ids, version);
    }
    if (ids.length === 0) {
      throw notFound();
    }
    return this.#byId(request, version, { object, id: ids[0] });
  }

  async #upsert(request, version, { object, field, value }) {
    const input = readJson(request);
    const author = this.#author(request);
    const { store, records } = this.#parts;
    const keys = store.find(object.name, field.name, value).map((id) => lockKey(object, id));
    const updateOnly = request.query.get('updateOnly') === 'true';
    const result = await store.transact(author, keys, (transaction) => {
      const [id] = transaction.find(object.name, field.name, value);
      if (id) {
        checkConditions(request, object, transaction.row(object.name, id));
      }
      const wanted = { field, value, input, by: author.userId, updateOnly };
      return records.upsert(transaction, object, wanted);
    });
    if (result.several) {
      return severalReply(object, result.several, version);
    }
    const { id, created } = result;
    if (!created && Number(version) < upsertBodyVersion) {
      return emptyReply(204);
    }
    return jsonReply(created ? 201 : 200, { id, success: true, errors: [], created });
  }

  async #composite(request, version, [kind, name, fieldName, ...extra]) {
    if (kind !== 'sobjects' || extra.length > 0) {
      throw notFound();
    }
    const { schema, collections } = this.#parts;
    if (name === undefined) {
      return this.#collection(request);
    }
    const object = schema.object(name);
    if (fieldName === undefined) {
      allow(request, ['GET', 'POST']);
      const listed = (key) => (request.query.get(key) ?? '').split(',').filter((text) => text);
      const input =
        request.method === 'POST'
          ? readJson(request)
          : { ids: listed('ids'), fields: listed('fields') };
      const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
      const show = (row, fields) => showRecord(object, row, { version, fields });
      return collections.retrieve(input, object, { show, lagMs });
    }
    allow(request, ['PATCH']);
    const field = fieldOf(object, fieldName);
    if (!field?.externalId) {
      throw notFound(
        `Provided external ID field does not exist or is not accessible: ${fieldName}`,
      );
    }
    const upsert = collections.upsert(readJson(request), this.#author(request), { object, field });
    return told(request, await upsert);
  }

  async #collection(request) {
    allow(request, ['POST', 'PATCH', 'DELETE']);
    const { collections } = this.#parts;
    if (request.method === 'DELETE') {
      const ids = (request.query.get('ids') ?? '').split(',').filter((text) => text);
      const allOrNone = request.query.get('allOrNone') === 'true';
      return told(request, await collections.remove({ ids, allOrNone }, this.#author(request)));
    }
    const input = readJson(request);
    const work = request.method === 'POST' ? 'create' : 'update';
    return told(request, await collections[work](input, this.#author(request)));
  }

  #author(request) {
    return { ...request.author(this.#parts.username), userId: this.#parts.userId };
  }
}

/** The results of a collection, unless a fault says otherwise. */
function told(request, reply) {
  const results = JSON.parse(reply.body);
  const lost = request.takeFault('result_missing');
  if (lost) {
    return jsonReply(200, results.slice(0, Math.max(0, results.length - (lost.rows ?? 1))));
  }
  return request.takeFault('results_reversed') ? jsonReply(200, results.reverse()) : reply;
}

function decodeStep(step) {
  try {
    return decodeURIComponent(step);
  } catch {
    throw notFound();
  }
}

function allow(request, methods) {
  if (!methods.includes(request.method)) {
    const message = `HTTP Method '${request.method}' not allowed. Allowed are ${methods.join(',')}`;
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', message);
  }
}

function readJson(request) {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type)) {
    const message = `Content type header specified an unsupported type: ${type}`;
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', message);
  }
  let value;
  try {
    value = request.json();
  } catch (error) {
    throw new ApiError(400, 'JSON_PARSER_ERROR', error.message);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'Cannot deserialize: a JSON object is expected');
  }
  return value;
}

function unknownField(object, name) {
  const message = `No such column '${name}' on sobject of type ${object.name}`;
  throw new ApiError(400, 'INVALID_FIELD', message);
}

function severalReply(object, ids, version) {
  return jsonReply(
    300,
    ids.map((id) => attributesOf(object, id, version).url),
  );
}

function showRecord(object, row, { version, fields }) {
  const record = { attributes: attributesOf(object, row.Id, version) };
  for (const field of fields) {
    record[field.name] = showValue(field, row[field.name]);
  }
  return record;
}

#!/usr/bin/env node
// A simulated Odoo 19 database, JSON-2 API: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { Platform } from '../lib/platform.mjs';
import { parseBearer } from '../lib/reply.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import { answer, asOdooError, httpError, missingError, page, usualError } from './api_error.mjs';
import { Methods } from './methods.mjs';
import { Records } from './records.mjs';
import { Schema } from './schema.mjs';

const uid = 2;
const personUid = 7;
const version = { version_info: [19, 0, 0, 'final', 0, ''], version: '19.0' };

const flags = {
  'api-key': { argument: 'TEXT', about: 'key of the user; default a random one kept in --data' },
  database: {
    argument: 'NAME',
    about: 'there are several behind the address, and X-Odoo-Database must name this one',
  },
};

class Odoo extends Platform {
  errorReply = usualError;
  asError = asOdooError;
  #schema;
  #store;
  #records;
  #methods;
  #keys;
  #database;

  constructor({ options, credentials, schema, store }) {
    super();
    this.#schema = schema;
    this.#store = store;
    this.#records = new Records(schema);
    this.#methods = new Methods({ schema, store, records: this.#records, uid });
    this.#keys = [credentials.api_key, credentials.next_api_key];
    this.#database = options.database;
  }

  async handle(request) {
    if (request.path === '/web/version') {
      return answer(version);
    }
    const inJson2 = /^\/json\/2(\/|$)/.test(request.path);
    const wrongDatabase =
      this.#database !== undefined && request.headers['x-odoo-database'] !== this.#database;
    if (!inJson2 || wrongDatabase) {
      return page(404, 'Not Found', 'There is no such URL in the server-wide controllers.');
    }
    const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
    if (request.body.length > 0 && type !== 'application/json') {
      const why = 'Please verify the Content-Type request header and try again.';
      return page(415, 'Unsupported Media Type', why);
    }
    try {
      return answer(await this.#call(request));
    } catch (error) {
      return asOdooError(error).reply();
    }
  }

  /** Only POST of a model's method needs a key: anything else is told as not there to anybody. */
  #call(request) {
    const match = /^\/json\/2\/([^/]+)\/([^/]+)$/.exec(request.path);
    if (!match || request.method !== 'POST') {
      throw httpError(404, 'Did you mean POST /json/2/<model>/<method>?');
    }
    this.#checkKey(request.headers.authorization);
    const parameters = readBody(request);
    const model = this.#schema.find(match[1]);
    if (!model) {
      throw httpError(404, `the model '${match[1]}' does not exist`);
    }
    return this.#methods.call(request, model, match[2], parameters);
  }

  #checkKey(authorization) {
    const challenge = { 'WWW-Authenticate': 'Bearer' };
    const key = parseBearer(authorization);
    if (key === null) {
      const why = 'User not authenticated, use the "Authorization" header';
      throw httpError(401, why, challenge);
    }
    if (key !== this.#keys[0]) {
      throw httpError(401, 'Invalid apikey', challenge);
    }
  }

  /** Odoo itself has none; the proxy in front of a hosted database does. */
  throttleReply() {
    return page(429, 'Too Many Requests');
  }

  /** The key has run out; `next_api_key` of the READY line is the one made after it. */
  expireSessions() {
    this.#keys.reverse();
  }

  /** create, edit or delete as a person does it; the same constraints and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const model = this.#schema.find(object);
    if (!model) {
      throw httpError(404, `the model '${object}' does not exist`);
    }
    if (stamp === 'system') {
      throw httpError(400, 'stamp: normal or none');
    }
    if (action !== 'create' && !this.#store.row(model.name, String(id))) {
      throw missingError(model.name, [id]);
    }
    const by = { input: fields, uid: personUid, stamp };
    const keys = action === 'create' ? [] : [`${model.name}/${id}`];
    const row = await this.#store.transact(author, keys, (transaction) => {
      if (action === 'create') {
        return this.#records.create(transaction, model, by);
      }
      return action === 'edit'
        ? this.#records.write(transaction, model, [id], by)
        : this.#records.unlink(transaction, model, [id]);
    });
    const now = row ?? this.#store.row(model.name, String(id));
    return { id: String(row?.id ?? id), row: now };
  }
}

function readBody(request) {
  if (request.body.length === 0) {
    return {};
  }
  let value;
  try {
    value = request.json();
  } catch (error) {
    throw httpError(400, `could not parse the body as json: ${error.message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw httpError(400, 'could not parse the body, expecting a json object');
  }
  return value;
}

runPlatform(Odoo, {
  name: 'Odoo',
  flags,
  Schema,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: { api_key: randomSecret(), next_api_key: randomSecret() },
  faults: ['expire_sessions', 'short_page'],
});

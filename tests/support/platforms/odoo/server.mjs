#!/usr/bin/env node
// A simulated Odoo 19 database, JSON-2 API: `node server.mjs --help`.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Clock } from '../lib/clock.mjs';
import {
  loadCredentials,
  parseCommandLine,
  randomSecret,
  runServer,
} from '../lib/command_line.mjs';
import { Control } from '../lib/control.mjs';
import { Faults, batchFaults, eventFaults, repeatFaults, webhookFaults } from '../lib/faults.mjs';
import { createPlatformServer } from '../lib/http_server.mjs';
import { parseBearer, ReplyError } from '../lib/reply.mjs';
import { Store } from '../lib/store.mjs';
import { answer, asOdooError, httpError, missingError, page, usualError } from './api_error.mjs';
import { Methods } from './methods.mjs';
import { Records } from './records.mjs';
import { Schema, indexesOf } from './schema.mjs';

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

class Odoo {
  #schema;
  #store;
  #records;
  #methods;
  #keys;
  #database;

  constructor({ schema, store, credentials, database }) {
    this.#schema = schema;
    this.#store = store;
    this.#records = new Records(schema);
    this.#methods = new Methods({ schema, store, records: this.#records, uid });
    this.#keys = [credentials.api_key, credentials.next_api_key];
    this.#database = database;
  }

  isLogin() {
    return false; // There is none: each request carries the key.
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

  pathClass({ path: requestPath }) {
    return requestPath;
  }

  errorReply(status) {
    return usualError(status);
  }

  /** Odoo itself has none; the proxy in front of a hosted database does. */
  throttleReply() {
    return page(429, 'Too Many Requests');
  }

  truncate(body, atBytes) {
    const bytes = Buffer.from(body);
    return bytes.subarray(0, atBytes ?? Math.floor(bytes.length / 2));
  }

  /** The key has run out; `next_api_key` of the READY line is the one made after it. */
  expireSessions() {
    this.#keys.reverse();
  }

  showRow(table, row) {
    return row;
  }

  /** create, edit or delete as a person does it; the same constraints and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const model = this.#schema.find(object);
    try {
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
    } catch (error) {
      throw new ReplyError(asOdooError(error).reply());
    }
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

function main() {
  const options = parseCommandLine('Odoo', flags, process.argv.slice(2));
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const schema = Schema.load(options.schema ?? path.join(folder, 'schema.json'));
  const defaults = { api_key: randomSecret(), next_api_key: randomSecret() };
  const credentials = loadCredentials(options.data, defaults, { api_key: options['api-key'] });
  const clock = new Clock(Number(options['clock-skew-ms']));
  const store = new Store({ directory: options.data, clock, indexes: indexesOf(schema) });
  const { database } = options;
  const platform = new Odoo({ schema, store, credentials, database });
  const without = ['expire_locators', 'freeze_date_covered', ...repeatFaults];
  without.push(...webhookFaults, ...eventFaults, ...batchFaults);
  const faults = new Faults({ without });
  const control = new Control({ platform, store, faults, clock });
  const server = createPlatformServer({ platform, faults, control, clock, gzip: options.gzip });
  runServer({ server, store, host: options.host, port: options.port, credentials, onUrl() {} });
}

main();

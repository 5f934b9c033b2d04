#!/usr/bin/env node
// A simulated Frappe site with some of ERPNext's DocTypes, REST v1: `node server.mjs --help`.

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
import { parseBasic, ReplyError } from '../lib/reply.mjs';
import { Store } from '../lib/store.mjs';
import {
  asFrappeError,
  FrappeError,
  notFound,
  page,
  tooManyRequests,
  usualError,
  validationError,
} from './api_error.mjs';
import { Records, documentOf } from './records.mjs';
import { ResourceRoutes } from './resource_routes.mjs';
import { Schema, indexesOf } from './schema.mjs';

const user = 'syncline@example.com';
const person = 'person@example.com';
const windowSeconds = 3_600;

const flags = {
  'api-key': { argument: 'TEXT', about: 'key of the user; default one kept in --data' },
  'api-secret': { argument: 'TEXT', about: 'its secret; default a random one kept in --data' },
  site: { argument: 'NAME', about: 'the site that the Host of a request must name' },
  'time-zone': { argument: 'NAME', default: 'UTC', about: 'what the site calls its zone' },
  'utc-offset-minutes': { argument: 'N', default: '0', about: 'how far it is ahead of UTC' },
};

class Erpnext {
  #schema;
  #store;
  #clock;
  #records;
  #routes;
  #tokens;
  #site;

  constructor({ schema, store, clock, credentials, options }) {
    this.#schema = schema;
    this.#store = store;
    this.#clock = clock;
    this.#tokens = [credentials.token, credentials.next_token];
    this.#site = options.site;
    const utcOffsetMinutes = Number(options['utc-offset-minutes']);
    this.#records = new Records({ schema, utcOffsetMinutes });
    const timeZone = options['time-zone'];
    this.#routes = new ResourceRoutes({ schema, store, records: this.#records, user, timeZone });
  }

  isLogin() {
    return false; // There is none: each request carries the key.
  }

  async handle(request) {
    const { host, accept, 'x-frappe-site-name': named } = request.headers;
    if (this.#site !== undefined && (named ?? host.split(':')[0]) !== this.#site) {
      return page(404, `${host} does not exist`);
    }
    try {
      return await this.#routes.handle(request, this.#userOf(request.headers.authorization));
    } catch (error) {
      return asFrappeError(error).reply(/application\/json/.test(accept ?? ''));
    }
  }

  /** Nobody is a guest; a key that is wrong is refused. */
  #userOf(authorization) {
    if (authorization === undefined) {
      return null;
    }
    const basic = parseBasic(authorization);
    const named = /^token (\S+)$/i.exec(authorization)?.[1];
    const token = basic ? `${basic.user}:${basic.password}` : named;
    if (token !== this.#tokens[0]) {
      throw new FrappeError(401, 'AuthenticationError', '');
    }
    return user;
  }

  pathClass({ path: requestPath }) {
    return requestPath.replace(/(\/api\/resource\/[^/]+\/).+/, '$1{name}');
  }

  errorReply(status) {
    return usualError(status);
  }

  /** The time that the site may be busy in an hour is used up. */
  throttleReply() {
    const seconds = Math.floor(this.#clock.nowMs() / 1000) % windowSeconds;
    return tooManyRequests(windowSeconds - seconds).reply();
  }

  truncate(body, atBytes) {
    const bytes = Buffer.from(body);
    return bytes.subarray(0, atBytes ?? Math.floor(bytes.length / 2));
  }

  /** A new secret was made; `next_token` of the READY line has it. */
  expireSessions() {
    this.#tokens.reverse();
  }

  showRow(table, row) {
    return row;
  }

  /** create, edit or delete as a person does it; the same validation and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const doctype = this.#schema.find(object);
    try {
      if (!doctype) {
        throw notFound('DocType', object);
      }
      if (stamp === 'system') {
        throw validationError('stamp: normal or none');
      }
      const by = { input: fields, user: person, stamp };
      const keys = action === 'create' ? [] : [`${object}/${id}`];
      const row = await this.#store.transact(author, keys, (transaction) => {
        if (action === 'create') {
          return this.#records.create(transaction, doctype, by);
        }
        const current = documentOf(transaction, doctype, id);
        return action === 'edit'
          ? this.#records.update(transaction, doctype, current, by)
          : this.#records.remove(transaction, doctype, current);
      });
      return { id: row?.name ?? id, row: row ?? null };
    } catch (error) {
      throw new ReplyError(asFrappeError(error).reply());
    }
  }
}

function main() {
  const options = parseCommandLine('ERPNext', flags, process.argv.slice(2));
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const schema = Schema.load(options.schema ?? path.join(folder, 'schema.json'));
  const defaults = {
    api_key: 'a1b2c3d4e5f6071',
    api_secret: randomSecret(),
    next_api_secret: randomSecret(),
  };
  const given = { api_key: options['api-key'], api_secret: options['api-secret'] };
  const { api_key: key, ...secrets } = loadCredentials(options.data, defaults, given);
  const credentials = {
    token: `${key}:${secrets.api_secret}`,
    next_token: `${key}:${secrets.next_api_secret}`,
  };
  const clock = new Clock(Number(options['clock-skew-ms']));
  const store = new Store({ directory: options.data, clock, indexes: indexesOf(schema) });
  const platform = new Erpnext({ schema, store, clock, credentials, options });
  const without = ['expire_locators', 'freeze_date_covered', ...repeatFaults];
  without.push(...webhookFaults, ...eventFaults, ...batchFaults);
  const faults = new Faults({ without });
  const control = new Control({ platform, store, faults, clock });
  const server = createPlatformServer({ platform, faults, control, clock, gzip: options.gzip });
  runServer({ server, store, host: options.host, port: options.port, credentials, onUrl() {} });
}

main();

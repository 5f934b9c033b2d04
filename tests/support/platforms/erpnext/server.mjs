#!/usr/bin/env node
// A simulated Frappe site with some of ERPNext's DocTypes, REST v1: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { Platform } from '../lib/platform.mjs';
import { parseBasic } from '../lib/reply.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
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
import { Schema } from './schema.mjs';

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

class Erpnext extends Platform {
  errorReply = usualError;
  asError = asFrappeError;
  #schema;
  #store;
  #clock;
  #records;
  #routes;
  #tokens;
  #site;

  constructor({ options, credentials, schema, clock, store }) {
    super();
    this.#schema = schema;
    this.#store = store;
    this.#clock = clock;
    this.#tokens = Object.values(this.ready(credentials));
    this.#site = options.site;
    const utcOffsetMinutes = options['utc-offset-minutes'];
    this.#records = new Records({ schema, utcOffsetMinutes });
    const timeZone = options['time-zone'];
    this.#routes = new ResourceRoutes({ schema, store, records: this.#records, user, timeZone });
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

  pathClass({ path }) {
    return path.replace(/(\/api\/resource\/[^/]+\/).+/, '$1{name}');
  }

  /** The time that the site may be busy in an hour is used up. */
  throttleReply() {
    const seconds = Math.floor(this.#clock.nowMs() / 1000) % windowSeconds;
    return tooManyRequests(windowSeconds - seconds).reply();
  }

  ready({ api_key: key, api_secret: secret, next_api_secret: next }) {
    return { token: `${key}:${secret}`, next_token: `${key}:${next}` };
  }

  /** A new secret was made; `next_token` of the READY line has it. */
  expireSessions() {
    this.#tokens.reverse();
  }

  /** create, edit or delete as a person does it; the same validation and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const doctype = this.#schema.find(object);
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
  }
}

runPlatform(Erpnext, {
  name: 'ERPNext',
  flags,
  Schema,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    api_key: 'a1b2c3d4e5f6071',
    api_secret: randomSecret(),
    next_api_secret: randomSecret(),
  },
  faults: ['expire_sessions', 'short_page'],
});

#!/usr/bin/env node
// A simulated SAP S/4HANA with one OData V4 service: `node server.mjs --help`.

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
import { EntitySets } from '../lib/odata_schema.mjs';
import { ReplyError } from '../lib/reply.mjs';
import { Store } from '../lib/store.mjs';
import { ApiError, asApiError, usualError } from './api_error.mjs';
import { create, remove, update } from './records.mjs';
import { ServiceRoutes, serviceRoot } from './service_routes.mjs';
import { Sessions } from './sessions.mjs';

const tokenPath = '/sap/bc/sec/oauth2/token';

const flags = {
  username: { argument: 'TEXT', about: 'communication user; default SYNCLINE' },
  password: { argument: 'TEXT', about: 'its password; default a random one kept in --data' },
  'client-id': { argument: 'TEXT', about: 'OAuth client id' },
  'client-secret': { argument: 'TEXT', about: 'its secret; default a random one kept in --data' },
  'session-seconds': { argument: 'N', default: '1800', about: 'life of a CSRF token' },
  'page-default': { argument: 'N', default: '100', about: 'rows of a page without $top' },
  'page-max': { argument: 'N', default: '5000', about: 'rows of a page at most' },
};

class S4Hana {
  #schema;
  #store;
  #sessions;
  #routes;

  constructor({ schema, store, sessions, options }) {
    this.#schema = schema;
    this.#store = store;
    this.#sessions = sessions;
    this.#routes = new ServiceRoutes({
      schema,
      store,
      username: options.username,
      pageDefault: Number(options['page-default']),
      pageMax: Number(options['page-max']),
    });
  }

  isLogin({ path: requestPath }) {
    return requestPath === tokenPath;
  }

  async handle(request) {
    let fetched = {};
    try {
      if (request.method === 'POST' && request.path === tokenPath) {
        return this.#sessions.token(request);
      }
      this.#sessions.check(request);
      if (['GET', 'HEAD'].includes(request.method)) {
        fetched = this.#sessions.fetched(request);
      } else {
        this.#sessions.checkForgery(request);
      }
      const reply = await this.#routes.handle(request);
      return { ...reply, headers: { ...reply.headers, ...fetched } };
    } catch (error) {
      // An error to a request that fetches the token carries the token all the same.
      const reply = asApiError(error).reply();
      return { ...reply, headers: { ...reply.headers, ...fetched } };
    }
  }

  /** A short name of what was asked for, with ids taken out, to count requests by. */
  pathClass({ path: requestPath }) {
    return requestPath.replace(serviceRoot, '').replace(/\(.*\)/, '({key})') || '/';
  }

  errorReply(status) {
    return usualError(status);
  }

  /** variant concurrent: no work process is free. */
  throttleReply({ variant }) {
    return usualError(variant === 'concurrent' ? 503 : 429);
  }

  truncate(body, atBytes) {
    const bytes = Buffer.from(body);
    return bytes.subarray(0, atBytes ?? Math.floor(bytes.length / 2));
  }

  expireSessions() {
    this.#sessions.expireAll();
  }

  showRow(table, row) {
    return row;
  }

  /** create, edit or delete as a person does it in a dialogue; the same checks and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const set = this.#schema.find(object);
    try {
      if (!set || stamp === 'system') {
        throw new ApiError(400, 'control', set ? 'stamp: normal or none' : `no set ${object}`);
      }
      const by = { input: fields, user: 'MILLER', condition: null, stamp };
      const keys = action === 'create' ? [] : [`${set.name}/${id}`];
      const row = await this.#store.transact(author, keys, (transaction) => {
        if (action === 'create') {
          return create(transaction, set, by);
        }
        return action === 'edit'
          ? update(transaction, set, id, by)
          : remove(transaction, set, id, null);
      });
      return { id: row?.[set.key] ?? id, row: row ?? null };
    } catch (error) {
      throw new ReplyError(asApiError(error).reply());
    }
  }
}

function main() {
  const options = parseCommandLine('SAP S/4HANA', flags, process.argv.slice(2));
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const schema = EntitySets.load(options.schema ?? path.join(folder, 'schema.json'));
  const defaults = {
    username: 'SYNCLINE',
    password: randomSecret(),
    client_id: 'SYNCLINE_OAUTH',
    client_secret: randomSecret(),
    service: serviceRoot,
  };
  const credentials = loadCredentials(options.data, defaults, {
    username: options.username,
    password: options.password,
    client_id: options['client-id'],
    client_secret: options['client-secret'],
  });
  const clock = new Clock(Number(options['clock-skew-ms']));
  // A record that somebody holds is refused at once.
  const indexes = schema.indexes();
  const store = new Store({ directory: options.data, clock, indexes, lockWaitMs: 0 });
  const lifetimeMs = Number(options['session-seconds']) * 1000;
  const sessions = new Sessions({ credentials, clock, lifetimeMs });
  const named = { ...options, username: credentials.username };
  const platform = new S4Hana({ schema, store, sessions, options: named });
  const without = ['expire_locators', 'freeze_date_covered', 'short_page', ...repeatFaults];
  without.push(...webhookFaults, ...eventFaults, ...batchFaults);
  const faults = new Faults({ without });
  const control = new Control({ platform, store, faults, clock });
  const server = createPlatformServer({ platform, faults, control, clock, gzip: options.gzip });
  const { host, port } = options;
  runServer({ server, store, host, port, credentials, onUrl: () => {} });
}

main();

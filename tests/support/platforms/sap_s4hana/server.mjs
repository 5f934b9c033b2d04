#!/usr/bin/env node
// A simulated SAP S/4HANA with one OData V4 service: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { EntitySets } from '../lib/odata_schema.mjs';
import { Platform } from '../lib/platform.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import { ApiError, asApiError, usualError } from './api_error.mjs';
import { create, remove, update } from './records.mjs';
import { ServiceRoutes, serviceRoot } from './service_routes.mjs';
import { Sessions } from './sessions.mjs';

const flags = {
  username: { argument: 'TEXT', about: 'communication user; default SYNCLINE' },
  password: { argument: 'TEXT', about: 'its password; default a random one kept in --data' },
  'client-id': { argument: 'TEXT', about: 'OAuth client id' },
  'client-secret': { argument: 'TEXT', about: 'its secret; default a random one kept in --data' },
  'session-seconds': { argument: 'N', default: '1800', about: 'life of a CSRF token' },
  'page-default': { argument: 'N', default: '100', about: 'rows of a page without $top' },
  'page-max': { argument: 'N', default: '5000', about: 'rows of a page at most' },
};

class S4Hana extends Platform {
  tokenPath = '/sap/bc/sec/oauth2/token';
  errorReply = usualError;
  asError = asApiError;
  #schema;
  #store;
  #sessions;
  #routes;

  constructor({ options, credentials, schema, clock, store }) {
    super();
    this.#schema = schema;
    this.#store = store;
    const lifetimeMs = options['session-seconds'] * 1000;
    this.#sessions = new Sessions({ credentials, clock, lifetimeMs });
    this.#routes = new ServiceRoutes({
      schema,
      store,
      username: credentials.username,
      pageDefault: options['page-default'],
      pageMax: options['page-max'],
    });
  }

  async handle(request) {
    let fetched = {};
    try {
      if (request.method === 'POST' && request.isLogin) {
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

  pathClass({ path }) {
    return path.replace(serviceRoot, '').replace(/\(.*\)/, '({key})') || '/';
  }

  /** variant concurrent: no work process is free. */
  throttleReply({ variant }) {
    return usualError(variant === 'concurrent' ? 503 : 429);
  }

  expireSessions() {
    this.#sessions.expireAll();
  }

  /** create, edit or delete as a person does it in a dialogue; the same checks and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const set = this.#schema.find(object);
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
  }
}

runPlatform(S4Hana, {
  name: 'SAP S/4HANA',
  flags,
  Schema: EntitySets,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    username: 'SYNCLINE',
    password: randomSecret(),
    client_id: 'SYNCLINE_OAUTH',
    client_secret: randomSecret(),
    service: serviceRoot,
  },
  faults: ['expire_sessions'],
  lockWaitMs: 0, // A record that somebody holds is refused at once.
});

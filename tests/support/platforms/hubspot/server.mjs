#!/usr/bin/env node
// A simulated HubSpot account: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { batchFaults } from '../lib/faults.mjs';
import { Platform } from '../lib/platform.mjs';
import { jsonReply } from '../lib/reply.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import { ApiError, asApiError, invalid, rateLimited, usualError } from './api_error.mjs';
import { BatchRoutes } from './batch_routes.mjs';
import { Limits } from './limits.mjs';
import { ObjectRoutes } from './object_routes.mjs';
import { Records, liveRow } from './records.mjs';
import { Schema } from './schema.mjs';
import { Sessions } from './sessions.mjs';

const portalId = 1512050;
const user = 'private-app';

const flags = {
  token: { argument: 'TEXT', about: 'of the private app; default a random one kept in --data' },
  'token-seconds': { argument: 'N', default: '1800', about: 'life of an OAuth token' },
  'burst-limit': { argument: 'N', default: '190', about: 'calls in ten seconds; 0 for no limit' },
  'search-limit': { argument: 'N', default: '5', about: 'searches a second; 0 for no limit' },
  'daily-limit': { argument: 'N', default: '650000', about: 'calls a day; 0 for no limit' },
  'index-lag-ms': { argument: 'N', default: '0', about: 'how far the search is behind' },
  'search-rows-max': { argument: 'N', default: '10000', about: 'rows of a search by its paging' },
  'multi-status': {
    argument: 'on|off',
    default: 'on',
    about: 'failures of a batch apart, for inputs with an objectWriteTraceId',
  },
};

class HubSpot extends Platform {
  tokenPath = '/oauth/v1/token';
  errorReply = usualError;
  asError = asApiError;
  #schema;
  #store;
  #sessions;
  #limits;
  #records = new Records({ portalId });
  #routes;

  constructor({ options, credentials, schema, clock, store, url }) {
    super();
    this.#schema = schema;
    this.#store = store;
    const lifetimeMs = options['token-seconds'] * 1000;
    this.#sessions = new Sessions({ credentials, clock, lifetimeMs });
    this.#limits = new Limits({
      clock,
      burst: options['burst-limit'],
      search: options['search-limit'],
      daily: options['daily-limit'],
    });
    const records = this.#records;
    const multiStatus = options['multi-status'];
    this.#routes = new ObjectRoutes({
      store,
      records,
      batches: new BatchRoutes({ store, records, clock, user, multiStatus }),
      url,
      user,
      indexLagMs: options['index-lag-ms'],
      searchRowsMax: options['search-rows-max'],
    });
  }

  async handle(request) {
    let headers = {};
    try {
      if (request.method === 'POST' && request.isLogin) {
        return this.#sessions.token(request);
      }
      this.#sessions.check(request);
      headers = this.#limits.count(/\/search$/.test(request.path));
      const reply = await this.#answer(request);
      return { ...reply, headers: { ...headers, ...reply.headers } };
    } catch (error) {
      const reply = asApiError(error).reply();
      return { ...reply, headers: { ...headers, ...reply.headers } };
    }
  }

  async #answer(request) {
    if (request.method === 'GET' && request.path === '/crm/v3/owners') {
      const owner = { id: '41629779', email: 'integration@example.com', type: 'PERSON' };
      return jsonReply(200, { results: [{ ...owner, archived: false }] });
    }
    const pattern = /^\/crm\/v3\/objects\/([^/]+)((?:\/[^/]+)*)\/?$/;
    const [, name, tail] = pattern.exec(request.path) ?? [];
    if (name === undefined) {
      throw new ApiError(404, null, 'resource not found');
    }
    const type = this.#schema.find(name);
    if (!type) {
      throw invalid(`Unable to infer object type from: ${name}`);
    }
    return this.#routes.handle(request, type, tail.split('/').slice(1).map(decoded));
  }

  pathClass({ path }) {
    return path.replace(/(\/objects\/[^/]+\/)(?!search$|batch\/).+/, '$1{id}');
  }

  /** `variant`: daily, secondly, or that of ten seconds. No reply says how long. */
  throttleReply({ variant }) {
    const policies = { daily: 'DAILY', secondly: 'SECONDLY' };
    return rateLimited(policies[variant] ?? 'TEN_SECONDLY_ROLLING').reply();
  }

  expireSessions() {
    this.#sessions.expireAll();
  }

  showRow(table, { id, archived, properties }) {
    return { id, archived, ...properties };
  }

  /** create, edit or delete as a person does it; the same checks and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const type = this.#schema.find(object);
    if (!type) {
      throw invalid(`Unable to infer object type from: ${object}`);
    }
    if (stamp === 'system') {
      throw invalid('stamp: normal or none');
    }
    const keys = action === 'create' ? [] : [`${type.name}/${id}`];
    const row = await this.#store.transact(author, keys, (transaction) => {
      if (action === 'create') {
        return this.#records.create(transaction, type, fields);
      }
      liveRow(transaction, type, id);
      return action === 'edit'
        ? this.#records.update(transaction, type, id, fields, stamp)
        : this.#records.archive(transaction, type, id);
    });
    return { id: row?.id ?? id, row: row ?? null };
  }
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalid(`${segment} is no text`);
  }
}

runPlatform(HubSpot, {
  name: 'HubSpot',
  flags,
  Schema,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    token: `pat-na1-${randomSecret()}`,
    client_id: 'a1b2c3d4-e5f6-4718-a93a-4b5c6d7e8f90',
    client_secret: randomSecret(),
    refresh_token: randomSecret(),
  },
  faults: ['expire_sessions', ...batchFaults],
});

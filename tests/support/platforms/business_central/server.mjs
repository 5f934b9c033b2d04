#!/usr/bin/env node
// A simulated Business Central environment of one company: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { EntitySets } from '../lib/odata_schema.mjs';
import { Platform } from '../lib/platform.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import { ApiError, asApiError, tooMany, usualError } from './api_error.mjs';
import { PageRoutes, apis, propertiesOf } from './page_routes.mjs';
import { create, remove, update } from './records.mjs';
import { RequestLimit } from './request_limit.mjs';
import { Sessions } from './sessions.mjs';

const tenant = '8d1f0c52-6a0e-4b7e-9f6d-2b1c3d4e5f60';
const companyId = '5a2c1e34-44e3-ea11-bb43-000d3a2feca1';
const root = `/v2.0/${tenant}/Production/api`;
const tokenPath = `/${tenant}/oauth2/v2.0/token`;

const flags = {
  'client-id': { argument: 'TEXT', about: 'id of the app registration' },
  'client-secret': { argument: 'TEXT', about: 'its secret; default a random one kept in --data' },
  'token-seconds': { argument: 'N', default: '3600', about: 'life of a token' },
  'page-max': { argument: 'N', default: '20000', about: 'rows of a page at most' },
  'request-limit': { argument: 'N', default: '6000', about: 'requests in a window; 0: no limit' },
  'window-seconds': { argument: 'N', default: '300', about: 'how long the window is' },
  'replica-lag-ms': {
    argument: 'N',
    default: '0',
    about: 'how far reads without Data-Access-Intent: ReadWrite are behind',
  },
};

class BusinessCentral extends Platform {
  tokenPath = tokenPath;
  errorReply = usualError;
  asError = asApiError;
  #schema;
  #store;
  #sessions;
  #limit;
  #routes;

  constructor({ options, credentials, schema, clock, store, url }) {
    super();
    this.#schema = schema;
    this.#store = store;
    const lifetimeMs = options['token-seconds'] * 1000;
    this.#sessions = new Sessions({ credentials, clock, lifetimeMs });
    const windowMs = options['window-seconds'] * 1000;
    this.#limit = new RequestLimit({ clock, limit: options['request-limit'], windowMs });
    this.#routes = new PageRoutes({
      schema,
      store,
      url,
      root,
      company: { id: companyId, name: 'CRONUS', displayName: 'CRONUS International Ltd.' },
      user: 'SYNCLINE',
      pageMax: options['page-max'],
      replicaLagMs: options['replica-lag-ms'],
    });
  }

  async handle(request) {
    try {
      if (request.method === 'POST' && request.isLogin) {
        return this.#sessions.token(request);
      }
      this.#sessions.check(request);
      this.#limit.count();
      return await this.#routes.handle(request);
    } catch (error) {
      return asApiError(error).reply();
    }
  }

  pathClass({ path }) {
    return path.replace(root, '').replaceAll(/\([^)]*\)/g, '({id})');
  }

  throttleReply() {
    return tooMany(6000).reply();
  }

  expireSessions() {
    this.#sessions.expireAll();
  }

  /** create, edit or delete as a person does it in the client; the same checks and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const set = this.#schema.find(object);
    if (!set || stamp === 'system') {
      throw new ApiError(400, 'control', set ? 'stamp: normal or none' : `no set ${object}`);
    }
    const by = { input: fields, properties: propertiesOf(set, apis.own), condition: null, stamp };
    const keys = action === 'create' ? [] : [`${set.name}/${id}`];
    const row = await this.#store.transact(author, keys, (transaction) => {
      if (action === 'create') {
        return create(transaction, set, by);
      }
      return action === 'edit'
        ? update(transaction, set, id, by)
        : remove(transaction, set, id, null);
    });
    return { id: row?.id ?? id, row: row ?? null };
  }
}

runPlatform(BusinessCentral, {
  name: 'Business Central',
  flags,
  Schema: EntitySets,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    client_id: '4c7e2a10-9b1d-4e55-8f0a-7d6c5b4a3921',
    client_secret: randomSecret(),
    token_path: tokenPath,
    company: `${root}/${apis.standard}/companies(${companyId})`,
    own_company: `${root}/${apis.own}/companies(${companyId})`,
  },
  faults: ['expire_sessions'],
});

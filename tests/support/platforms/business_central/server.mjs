#!/usr/bin/env node
// A simulated Business Central environment of one company: `node server.mjs --help`.

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

class BusinessCentral {
  #schema;
  #store;
  #sessions;
  #limit;
  #routes;

  constructor({ schema, store, clock, sessions, options, url }) {
    this.#schema = schema;
    this.#store = store;
    this.#sessions = sessions;
    const windowMs = Number(options['window-seconds']) * 1000;
    this.#limit = new RequestLimit({ clock, limit: Number(options['request-limit']), windowMs });
    this.#routes = new PageRoutes({
      schema,
      store,
      url,
      root,
      company: { id: companyId, name: 'CRONUS', displayName: 'CRONUS International Ltd.' },
      user: 'SYNCLINE',
      pageMax: Number(options['page-max']),
      replicaLagMs: Number(options['replica-lag-ms']),
    });
  }

  isLogin({ path: requestPath }) {
    return requestPath === tokenPath;
  }

  async handle(request) {
    try {
      if (request.method === 'POST' && request.path === tokenPath) {
        return this.#sessions.token(request);
      }
      this.#sessions.check(request);
      this.#limit.count();
      return await this.#routes.handle(request);
    } catch (error) {
      return asApiError(error).reply();
    }
  }

  /** A short name of what was asked for, with ids taken out, to count requests by. */
  pathClass({ path: requestPath }) {
    return requestPath.replace(root, '').replaceAll(/\([^)]*\)/g, '({id})');
  }

  errorReply(status) {
    return usualError(status);
  }

  throttleReply() {
    return tooMany(6000).reply();
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

  /** create, edit or delete as a person does it in the client; the same checks and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const set = this.#schema.find(object);
    try {
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
    } catch (error) {
      throw new ReplyError(asApiError(error).reply());
    }
  }
}

function main() {
  const options = parseCommandLine('Business Central', flags, process.argv.slice(2));
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const schema = EntitySets.load(options.schema ?? path.join(folder, 'schema.json'));
  const defaults = {
    client_id: '4c7e2a10-9b1d-4e55-8f0a-7d6c5b4a3921',
    client_secret: randomSecret(),
    token_path: tokenPath,
    company: `${root}/${apis.standard}/companies(${companyId})`,
    own_company: `${root}/${apis.own}/companies(${companyId})`,
  };
  const credentials = loadCredentials(options.data, defaults, {
    client_id: options['client-id'],
    client_secret: options['client-secret'],
  });
  const clock = new Clock(Number(options['clock-skew-ms']));
  const store = new Store({ directory: options.data, clock, indexes: schema.indexes() });
  const lifetimeMs = Number(options['token-seconds']) * 1000;
  const sessions = new Sessions({ credentials, clock, lifetimeMs });
  let address = '';
  const url = () => address;
  const platform = new BusinessCentral({ schema, store, clock, sessions, options, url });
  const without = ['expire_locators', 'freeze_date_covered', 'short_page', ...repeatFaults];
  without.push(...webhookFaults, ...eventFaults, ...batchFaults);
  const faults = new Faults({ without });
  const control = new Control({ platform, store, faults, clock });
  const server = createPlatformServer({ platform, faults, control, clock, gzip: options.gzip });
  const onUrl = (listening) => {
    address = listening;
  };
  runServer({ server, store, host: options.host, port: options.port, credentials, onUrl });
}

main();

#!/usr/bin/env node
// A simulated NetSuite account: `node server.mjs --help`.

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
import {
  Faults,
  batchFaults,
  eventFaults,
  repeatFaults,
  webhookFaults,
} from '../lib/faults.mjs';
import { createPlatformServer } from '../lib/http_server.mjs';
import { ReplyError } from '../lib/reply.mjs';
import { Store } from '../lib/store.mjs';
import { ApiError, asApiError, notFound, tooMany, usualError } from './api_error.mjs';
import { WallClock } from './moments.mjs';
import { QueryRoutes } from './query_routes.mjs';
import { RecordRoutes } from './record_routes.mjs';
import { Records } from './records.mjs';
import { Schema, indexesOf } from './schema.mjs';
import { TokenAuth } from './token_auth.mjs';

const user = 'integration@example.com';

const flags = {
  realm: { argument: 'TEXT', about: "the account's id; default 1234567_SB1" },
  'time-zone': {
    argument: 'NAME',
    default: 'Atlantic/Reykjavik',
    about: 'of the user whose token it is; times of SuiteQL are by it',
  },
  'date-format': { argument: 'TEXT', default: 'YYYY-MM-DD', about: "that user's form of dates" },
  concurrency: { argument: 'N', default: '15', about: 'requests at a time; 0 for no limit' },
  'query-rows-max': { argument: 'N', default: '100000', about: 'rows that a query shows' },
};

class NetSuite {
  #schema;
  #store;
  #auth;
  #records = new Records();
  #recordRoutes;
  #queryRoutes;
  #concurrency;
  #atHand = 0;

  constructor({ schema, store, clock, auth, options, url }) {
    this.#schema = schema;
    this.#store = store;
    this.#auth = auth;
    this.#concurrency = Number(options.concurrency);
    this.#recordRoutes = new RecordRoutes({ schema, store, records: this.#records, url, user });
    this.#queryRoutes = new QueryRoutes({
      store,
      schema,
      clock,
      wallClock: new WallClock(options['time-zone']),
      dateFormat: options['date-format'],
      rowsMax: Number(options['query-rows-max']),
      url,
    });
  }

  isLogin() {
    return false;
  }

  async handle(request) {
    this.#atHand += 1;
    try {
      this.#auth.check(request);
      if (this.#concurrency > 0 && this.#atHand > this.#concurrency) {
        throw tooMany();
      }
      return await this.#answer(request);
    } catch (error) {
      return asApiError(error).reply();
    } finally {
      this.#atHand -= 1;
    }
  }

  #answer(request) {
    if (request.path === '/services/rest/query/v1/suiteql') {
      return this.#queryRoutes.handle(request);
    }
    const pattern = /^\/services\/rest\/record\/v1\/([^/]+)(?:\/([^/]+))?$/;
    const [, name, place] = pattern.exec(request.path) ?? [];
    if (name === undefined) {
      throw new ApiError(404, 'NOT_FOUND', `${request.path} is no resource`);
    }
    return this.#recordRoutes.handle(request, name, place && decoded(place));
  }

  /** A short name of what was asked for, with ids taken out, to count requests by. */
  pathClass({ path: requestPath }) {
    return requestPath.replace(/(\/record\/v1\/[^/]+\/).+/, '$1{id}');
  }

  errorReply(status) {
    return usualError(status);
  }

  throttleReply() {
    return tooMany().reply();
  }

  truncate(body, atBytes) {
    const bytes = Buffer.from(body);
    return bytes.subarray(0, atBytes ?? Math.floor(bytes.length / 2));
  }

  showRow(table, row) {
    return row;
  }

  /** create, edit or delete as a person does it; a form fills in what it can. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    try {
      const record = this.#schema.record(object);
      if (!record || stamp === 'system') {
        throw notFound();
      }
      const keys = action === 'create' ? [] : [`${record.table}/${id}`];
      const row = await this.#store.transact(author, keys, (transaction) => {
        if (action === 'create') {
          const input = { ...screenOf(record), ...fields };
          return this.#records.create(transaction, record, { input, validation: 'error' });
        }
        const change = { input: fields, validation: 'error', stamp };
        return action === 'edit'
          ? this.#records.update(transaction, record, id, change)
          : this.#records.remove(transaction, record, id);
      });
      return { id: row?.id ?? id, row: row ?? null };
    } catch (error) {
      throw new ReplyError(asApiError(error).reply());
    }
  }
}

function screenOf(record) {
  const filled = Object.entries(record.fields).filter(([, { screen }]) => screen);
  return Object.fromEntries(filled.map(([name, { screen }]) => [name, { id: screen }]));
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw notFound();
  }
}

function main() {
  const options = parseCommandLine('NetSuite', flags, process.argv.slice(2));
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const schema = Schema.load(options.schema ?? path.join(folder, 'schema.json'));
  const defaults = {
    realm: '1234567_SB1',
    client_id: randomSecret(),
    client_secret: randomSecret(),
    token_id: randomSecret(),
    token: randomSecret(),
  };
  const credentials = loadCredentials(options.data, defaults, { realm: options.realm });
  const clock = new Clock(Number(options['clock-skew-ms']));
  const store = new Store({ directory: options.data, clock, indexes: indexesOf(schema) });
  const auth = new TokenAuth({ credentials, clock });
  let address = '';
  const url = () => address;
  const platform = new NetSuite({ schema, store, clock, auth, options, url });
  const without = ['expire_sessions', 'expire_locators', 'freeze_date_covered', 'short_page'];
  without.push(...repeatFaults, ...webhookFaults, ...eventFaults, ...batchFaults);
  const faults = new Faults({ without });
  const control = new Control({ platform, store, faults, clock });
  const server = createPlatformServer({ platform, faults, control, clock, gzip: options.gzip });
  const onUrl = (listening) => {
    address = listening;
  };
  runServer({ server, store, host: options.host, port: options.port, credentials, onUrl });
}

main();

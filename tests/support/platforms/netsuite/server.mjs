#!/usr/bin/env node
// A simulated NetSuite account: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { Platform } from '../lib/platform.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import { ApiError, asApiError, notFound, tooMany, usualError } from './api_error.mjs';
import { WallClock } from './moments.mjs';
import { QueryRoutes } from './query_routes.mjs';
import { RecordRoutes } from './record_routes.mjs';
import { Records } from './records.mjs';
import { Schema } from './schema.mjs';
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

class NetSuite extends Platform {
  errorReply = usualError;
  asError = asApiError;
  #schema;
  #store;
  #auth;
  #records = new Records();
  #recordRoutes;
  #queryRoutes;
  #concurrency;
  #atHand = 0;

  constructor({ options, credentials, schema, clock, store, url }) {
    super();
    this.#schema = schema;
    this.#store = store;
    this.#auth = new TokenAuth({ credentials, clock });
    this.#concurrency = options.concurrency;
    this.#recordRoutes = new RecordRoutes({ schema, store, records: this.#records, url, user });
    this.#queryRoutes = new QueryRoutes({
      store,
      schema,
      clock,
      wallClock: new WallClock(options['time-zone']),
      dateFormat: options['date-format'],
      rowsMax: options['query-rows-max'],
      url,
    });
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

  pathClass({ path }) {
    return path.replace(/(\/record\/v1\/[^/]+\/).+/, '$1{id}');
  }

  throttleReply() {
    return tooMany().reply();
  }

  /** create, edit or delete as a person does it; a form fills in what it can. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
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

runPlatform(NetSuite, {
  name: 'NetSuite',
  flags,
  Schema,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    realm: '1234567_SB1',
    client_id: randomSecret(),
    client_secret: randomSecret(),
    token_id: randomSecret(),
    token: randomSecret(),
  },
});

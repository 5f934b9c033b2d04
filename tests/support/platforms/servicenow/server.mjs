#!/usr/bin/env node
// A simulated ServiceNow instance: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { Platform } from '../lib/platform.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import { ApiError, asApiError, cancelledTail, noRecord, usualError } from './api_error.mjs';
import { Records } from './records.mjs';
import { Schema } from './schema.mjs';
import { Sessions } from './sessions.mjs';
import { TableRoutes } from './table_routes.mjs';

const hourMs = 60 * 60 * 1000;
const rateRuleId = '5f1c0ad2c3b03010a282a539e540ddc1';

const flags = {
  username: { argument: 'TEXT', about: 'login of the API user; default syncline.integration' },
  password: { argument: 'TEXT', about: 'its password; default a random one kept in --data' },
  'client-id': { argument: 'TEXT', about: 'OAuth client id' },
  'client-secret': { argument: 'TEXT', about: 'its secret; default a random one kept in --data' },
  'token-seconds': { argument: 'N', default: '1800', about: 'life of an OAuth token' },
  'hourly-limit': { argument: 'N', default: '0', about: 'requests an hour; 0 means no rate rule' },
  'business-rules': { argument: 'on|off', default: 'on', about: 'run the rules of the schema' },
  'invalid-query-returns-no-rows': {
    argument: 'on|off',
    default: 'off',
    about: 'the property glide.invalid_query.returns_no_rows',
  },
  'user-utc-offset-minutes': {
    argument: 'N',
    default: '-480',
    about: 'zone of the API user, for display values',
  },
};

class ServiceNow extends Platform {
  tokenPath = '/oauth_token.do';
  errorReply = usualError;
  asError = asApiError;
  #schema;
  #store;
  #clock;
  #sessions;
  #records;
  #routes;
  #hourlyLimit;
  #window = { startMs: 0, count: 0 };

  constructor({ options, credentials, schema, clock, store, url }) {
    super();
    this.#schema = schema;
    this.#store = store;
    this.#clock = clock;
    const lifetimeMs = options['token-seconds'] * 1000;
    this.#sessions = new Sessions({ credentials, clock, lifetimeMs });
    this.#hourlyLimit = options['hourly-limit'];
    const utcOffsetMinutes = options['user-utc-offset-minutes'];
    this.#records = new Records({ schema, utcOffsetMinutes });
    this.#routes = new TableRoutes({
      schema,
      store,
      records: this.#records,
      url,
      username: credentials.username,
      utcOffsetMinutes,
      invalidReturnsNone: options['invalid-query-returns-no-rows'],
    });
  }

  async handle(request) {
    let rateHeaders = {};
    try {
      if (request.method === 'POST' && request.isLogin) {
        return this.#sessions.token(request);
      }
      this.#sessions.check(request);
      rateHeaders = this.#countRequest();
      const reply = await this.#routes.handle(request);
      return { ...reply, headers: { ...rateHeaders, ...reply.headers } };
    } catch (error) {
      const reply = asApiError(error).reply();
      return { ...reply, headers: { ...rateHeaders, ...reply.headers } };
    }
  }

  /** Counts against the rate rule, if there is one; its headers, or 429 thrown. */
  #countRequest() {
    if (this.#hourlyLimit === 0) {
      return {};
    }
    const startMs = Math.floor(this.#clock.nowMs() / hourMs) * hourMs;
    if (this.#window.startMs !== startMs) {
      this.#window = { startMs, count: 0 };
    }
    this.#window.count += 1;
    if (this.#window.count > this.#hourlyLimit) {
      throw this.#rateExceeded(this.#hourlyLimit);
    }
    return this.#rateHeaders(this.#hourlyLimit);
  }

  #rateHeaders(limit) {
    const resetMs = (Math.floor(this.#clock.nowMs() / hourMs) + 1) * hourMs;
    return {
      'X-RateLimit-Limit': String(limit),
      'X-RateLimit-Reset': String(resetMs / 1000),
      'X-RateLimit-Rule': rateRuleId,
    };
  }

  #rateExceeded(limit) {
    const headers = this.#rateHeaders(limit);
    const leftSeconds = Math.ceil(
      Number(headers['X-RateLimit-Reset']) - this.#clock.nowMs() / 1000,
    );
    const detail = `Rate limit of ${limit} requests per hour for Table API exceeded`;
    const all = { 'Retry-After': String(leftSeconds), ...headers };
    return new ApiError(429, 'Rate limit exceeded', detail, all);
  }

  pathClass({ path }) {
    return path.replace(/(\/table\/[^/]+\/).+/, '$1{sys_id}');
  }

  throttleReply() {
    return this.#rateExceeded(this.#hourlyLimit || 10).reply();
  }

  /** Rows cut short, then what a cancelled transaction writes: never valid JSON. */
  truncate(body, atBytes) {
    return Buffer.concat([super.truncate(body, atBytes), Buffer.from(cancelledTail())]);
  }

  expireSessions() {
    this.#sessions.expireAll();
  }

  /** create, edit or delete as a person does it; the same rules and stamps. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const table = this.#schema.find(object);
    if (!table) {
      throw new ApiError(400, `Invalid table ${object}`);
    }
    if (stamp === 'system') {
      throw new ApiError(400, 'stamp: normal or none');
    }
    if (action !== 'create' && !this.#store.row(table.name, id)) {
      throw noRecord();
    }
    const by = { input: fields, user: author.user, stamp };
    const keys = action === 'create' ? [] : [`${table.name}/${id}`];
    const row = await this.#store.transact(author, keys, (transaction) => {
      if (action === 'create') {
        return this.#records.create(transaction, table, by);
      }
      return action === 'edit'
        ? this.#records.update(transaction, table, id, by)
        : this.#records.remove(transaction, table, id);
    });
    return { id: row?.sys_id ?? id, row: row ?? null };
  }
}

runPlatform(ServiceNow, {
  name: 'ServiceNow',
  flags,
  Schema,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    username: 'syncline.integration',
    password: randomSecret(),
    client_id: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
    client_secret: randomSecret(),
    refresh_token: randomSecret(),
  },
  faults: ['expire_sessions', 'short_page'],
});

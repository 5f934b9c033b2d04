#!/usr/bin/env node
// A simulated Salesforce org: `node server.mjs --help`.

import fs from 'node:fs';
import { BayeuxServer } from '../lib/bayeux.mjs';
import { randomSecret } from '../lib/command_line.mjs';
import { batchFaults, eventFaults } from '../lib/faults.mjs';
import { Platform } from '../lib/platform.mjs';
import { ReplyError } from '../lib/reply.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import { ApiError, asApiError, usualError } from './api_error.mjs';
import { ChangeEvents } from './change_events.mjs';
import { Collections, lockKey } from './collections.mjs';
import { Query } from './query.mjs';
import { Records, idFromPath } from './records.mjs';
import { Replication } from './replication.mjs';
import { RestRoutes } from './rest_routes.mjs';
import { Schema } from './schema.mjs';
import { Sessions, apiUserId, humanUserId } from './sessions.mjs';
import { showValue } from './values.mjs';

const dayMs = 24 * 60 * 60 * 1000;

const flags = {
  username: { argument: 'TEXT', about: 'login of the API user; default syncline@example.com' },
  password: { argument: 'TEXT', about: 'its password; default a random one kept in --data' },
  'client-id': { argument: 'TEXT', about: 'consumer key of the connected app' },
  'client-secret': { argument: 'TEXT', about: 'its secret; default a random one kept in --data' },
  'jwt-public-key': { argument: 'FILE', about: 'PEM key that makes the JWT bearer flow work' },
  'session-seconds': { argument: 'N', default: '7200', about: 'unused sessions end after this' },
  'locator-seconds': { argument: 'N', default: '172800', about: 'life of a query locator' },
  'poll-ms': {
    argument: 'N',
    default: '110000',
    about: 'a poll for change events is held for so long',
  },
  'daily-limit': { argument: 'N', default: '1000000', about: 'API calls in a rolling 24 h' },
};

class Salesforce extends Platform {
  errorReply = usualError;
  asError = asApiError;
  #schema;
  #store;
  #clock;
  #sessions;
  #query;
  #records;
  #routes;
  #dailyLimit;
  #calls = [];
  #events;
  #bayeux;

  constructor({ options, credentials, schema, clock, store, faults, url }) {
    super();
    this.#schema = schema;
    this.#store = store;
    this.#clock = clock;
    const keyFile = options['jwt-public-key'];
    this.#sessions = new Sessions({
      credentials,
      clock,
      lifetimeMs: options['session-seconds'] * 1000,
      jwtPublicKey: keyFile ? fs.readFileSync(keyFile, 'utf8') : null,
      url,
    });
    this.#dailyLimit = options['daily-limit'];
    const locatorLifetimeMs = options['locator-seconds'] * 1000;
    this.#records = new Records(schema);
    this.#query = new Query({ schema, store, clock, locatorLifetimeMs });
    this.#routes = new RestRoutes({
      schema,
      store,
      clock,
      records: this.#records,
      query: this.#query,
      collections: new Collections({ schema, store, records: this.#records }),
      replication: new Replication({ store, clock }),
      limits: () => this.#limits(),
      username: credentials.username,
      userId: apiUserId,
    });
    const holdMs = options['poll-ms'];
    const deliver = (channel, events) => this.#bayeux.deliver(channel, events);
    this.#events = new ChangeEvents({ schema, store, faults, deliver });
    this.#bayeux = new BayeuxServer({ source: this.#events, holdMs, forgetMs: 40_000 });
  }

  isLogin({ path }) {
    return path.startsWith('/services/oauth2/') || path.startsWith('/services/Soap/');
  }

  async handle(request) {
    try {
      return await this.#dispatch(request);
    } catch (error) {
      if (error instanceof ReplyError) {
        throw error;
      }
      return this.#withUsage(asApiError(error).reply());
    }
  }

  async #dispatch(request) {
    const { method, path: requestPath } = request;
    if (method === 'POST' && requestPath === '/services/oauth2/token') {
      return this.#sessions.token(request);
    }
    if (method === 'POST' && requestPath === '/services/oauth2/revoke') {
      return this.#sessions.revoke(request);
    }
    if (method === 'POST' && /^\/services\/Soap\/u\/\d+\.0\/?$/.test(requestPath)) {
      return this.#sessions.soapLogin(request);
    }
    if (/^\/services\/data\/?$/.test(requestPath)) {
      return this.#routes.versions();
    }
    if (method === 'POST' && /^\/cometd\/\d+\.0\/?(?:handshake|connect)?$/.test(requestPath)) {
      return this.#bayeux.handle(request, () => this.#isKnown(request));
    }
    this.#sessions.check(request);
    this.#countCall();
    return this.#withUsage(await this.#routes.handle(request));
  }

  /** Polls do not count as calls. */
  #isKnown(request) {
    try {
      this.#sessions.check(request);
      return true;
    } catch {
      return false;
    }
  }

  #countCall() {
    const now = this.#clock.rawMs();
    while (this.#calls.length > 0 && this.#calls[0] <= now - dayMs) {
      this.#calls.shift();
    }
    if (this.#calls.length >= this.#dailyLimit) {
      throw new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
    }
    this.#calls.push(now);
  }

  #withUsage(reply) {
    const usage = `api-usage=${this.#calls.length}/${this.#dailyLimit}`;
    return { ...reply, headers: { 'Sforce-Limit-Info': usage, ...reply.headers } };
  }

  #limits() {
    const used = this.#calls.length;
    return { DailyApiRequests: { Max: this.#dailyLimit, Remaining: this.#dailyLimit - used } };
  }

  pathClass({ path }) {
    return path
      .replace(/\/v\d+\.0(?=\/|$)/, '/{version}')
      .replace(/(\/query(?:All)?\/).+/, '$1{locator}')
      .replace(/(\/sobjects\/\w+\/)[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/, '$1{id}')
      .replace(/(\/(?<!composite\/)sobjects\/\w+\/\w+\/).+/, '$1{value}');
  }

  throttleReply({ variant }) {
    const message =
      variant === 'concurrent'
        ? 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'
        : 'TotalRequests Limit exceeded.';
    return new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', message).reply();
  }

  expireSessions() {
    this.#sessions.expireAll();
    this.#bayeux.wakeAll();
  }

  dropPolls() {
    this.#bayeux.drop();
  }

  disturbEvents(kind) {
    if (kind === 'expire_events') {
      this.#events.expire();
    } else {
      this.#bayeux.forgetAll();
    }
  }

  expireLocators() {
    this.#query.expireLocators();
  }

  showRow(table, row) {
    const object = this.#schema.find(table);
    return Object.fromEntries(
      object.fields.map((field) => [field.name, showValue(field, row[field.name])]),
    );
  }

  /** create, edit or delete as a person does it; the same checks, rules and stamps. */
  async actAsHuman(action, { object: name, id, fields, stamp, author }) {
    const object = this.#schema.object(name);
    const by = humanUserId;
    const key = action === 'create' ? null : idFromPath(id);
    const keys = key ? [lockKey(object, key)] : [];
    const done = await this.#store.transact(author, keys, (transaction) => {
      if (action === 'create') {
        return this.#records.create(transaction, object, fields, by);
      }
      if (action === 'delete') {
        this.#records.remove(transaction, object, key, by);
      } else {
        this.#records.update(transaction, object, key, { input: fields, by, stamp });
      }
      return key;
    });
    return { id: done, row: this.showRow(object.name, this.#store.row(object.name, done)) };
  }
}

runPlatform(Salesforce, {
  name: 'Salesforce',
  flags,
  Schema,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    client_id: '3MVG9syncline',
    client_secret: randomSecret(),
    username: 'syncline@example.com',
    password: randomSecret(),
    refresh_token: `5Aep861${randomSecret()}`,
  },
  faults: [
    'expire_sessions',
    'expire_locators',
    'freeze_date_covered',
    ...batchFaults,
    ...eventFaults,
  ],
});

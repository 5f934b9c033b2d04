#!/usr/bin/env node
// A simulated Salesforce org: `node server.mjs --help`.

import fs from 'node:fs';
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
import { BayeuxServer } from '../lib/bayeux.mjs';
import { Faults, repeatFaults, webhookFaults } from '../lib/faults.mjs';
import { createPlatformServer } from '../lib/http_server.mjs';
import { ReplyError } from '../lib/reply.mjs';
import { Store } from '../lib/store.mjs';
import { ApiError, asApiError, usualError } from './api_error.mjs';
import { ChangeEvents } from './change_events.mjs';
import { Collections, lockKey } from './collections.mjs';
import { Query } from './query.mjs';
import { Records, idFromPath } from './records.mjs';
import { Replication } from './replication.mjs';
import { RestRoutes } from './rest_routes.mjs';
import { Schema, indexesOf } from './schema.mjs';
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
  'poll-ms': { argument: 'N', default: '110000', about: 'a poll for change events is held for so long' },
  'daily-limit': { argument: 'N', default: '1000000', about: 'API calls in a rolling 24 h' },
};

class Salesforce {
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

  constructor({ schema, store, clock, sessions, faults, options }) {
    this.#schema = schema;
    this.#store = store;
    this.#clock = clock;
    this.#sessions = sessions;
    this.#dailyLimit = Number(options['daily-limit']);
    const locatorLifetimeMs = Number(options['locator-seconds']) * 1000;
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
      username: options.username,
      userId: apiUserId,
    });
    const holdMs = Number(options['poll-ms']);
    const deliver = (channel, events) => this.#bayeux.deliver(channel, events);
    this.#events = new ChangeEvents({ schema, store, faults, deliver });
    this.#bayeux = new BayeuxServer({ source: this.#events, holdMs, forgetMs: 40_000 });
  }

  isLogin({ path: requestPath }) {
    return requestPath.startsWith('/services/oauth2/') || requestPath.startsWith('/services/Soap/');
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

  /** A short name of what was asked for, with ids taken out, to count requests by. */
  pathClass({ path: requestPath }) {
    return requestPath
      .replace(/\/v\d+\.0(?=\/|$)/, '/{version}')
      .replace(/(\/query(?:All)?\/).+/, '$1{locator}')
      .replace(/(\/sobjects\/\w+\/)[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/, '$1{id}')
      .replace(/(\/(?<!composite\/)sobjects\/\w+\/\w+\/).+/, '$1{value}');
  }

  errorReply(status) {
    return usualError(status);
  }

  throttleReply({ variant }) {
    const message =
      variant === 'concurrent'
        ? 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'
        : 'TotalRequests Limit exceeded.';
    return new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', message).reply();
  }

  truncate(body, atBytes) {
    const bytes = Buffer.from(body);
    return bytes.subarray(0, atBytes ?? Math.floor(bytes.length / 2));
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
    try {
      const object = this.#schema.object(name);
      const by = humanUserId;
      const key = action === 'create' ? null : idFromPath(id);
      const done = await this.#store.transact(
        author,
        key ? [lockKey(object, key)] : [],
        (transaction) => {
          if (action === 'create') {
            return this.#records.create(transaction, object, fields, by);
          }
          if (action === 'delete') {
            this.#records.remove(transaction, object, key, by);
          } else {
            this.#records.update(transaction, object, key, { input: fields, by, stamp });
          }
          return key;
        },
      );
      return { id: done, row: this.showRow(object.name, this.#store.row(object.name, done)) };
    } catch (error) {
      throw new ReplyError(asApiError(error).reply());
    }
  }
}

function main() {
  const options = parseCommandLine('Salesforce', flags, process.argv.slice(2));
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const schema = Schema.load(options.schema ?? path.join(folder, 'schema.json'));
  const defaults = {
    client_id: '3MVG9syncline',
    client_secret: randomSecret(),
    username: 'syncline@example.com',
    password: randomSecret(),
    refresh_token: `5Aep861${randomSecret()}`,
  };
  const credentials = loadCredentials(options.data, defaults, {
    client_id: options['client-id'],
    client_secret: options['client-secret'],
    username: options.username,
    password: options.password,
  });
  const clock = new Clock(Number(options['clock-skew-ms']));
  const store = new Store({ directory: options.data, clock, indexes: indexesOf(schema) });
  let url = '';
  const sessions = new Sessions({
    credentials,
    clock,
    lifetimeMs: Number(options['session-seconds']) * 1000,
    jwtPublicKey: options['jwt-public-key']
      ? fs.readFileSync(options['jwt-public-key'], 'utf8')
      : null,
    url: () => url,
  });
  const named = { ...options, username: credentials.username };
  const faults = new Faults({ without: ['short_page', ...repeatFaults, ...webhookFaults] });
  const platform = new Salesforce({ schema, store, clock, sessions, faults, options: named });
  const control = new Control({ platform, store, faults, clock });
  const server = createPlatformServer({ platform, faults, control, clock, gzip: options.gzip });
  const onUrl = (address) => {
    url = address;
  };
  runServer({ server, store, host: options.host, port: options.port, credentials, onUrl });
}

main();

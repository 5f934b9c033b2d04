#!/usr/bin/env node
// A simulated Zendesk Support account: `node server.mjs --help`.

import { randomSecret } from '../lib/command_line.mjs';
import { webhookFaults } from '../lib/faults.mjs';
import { Platform } from '../lib/platform.mjs';
import { runPlatform } from '../lib/run_platform.mjs';
import {
  ApiError,
  asApiError,
  badRequest,
  noEndpoint,
  notFound,
  usualError,
} from './api_error.mjs';
import { IncrementalExport } from './incremental.mjs';
import { Limits } from './limits.mjs';
import { pageReply } from './paging.mjs';
import { Records } from './records.mjs';
import { ResourceRoutes, lagOf } from './resource_routes.mjs';
import { Schema } from './schema.mjs';
import { search } from './search.mjs';
import { Sessions, humanId } from './sessions.mjs';
import { showForTests, showRow } from './show.mjs';
import { WebhookRoutes } from './webhook_routes.mjs';
import { Webhooks } from './webhooks.mjs';

const searchPagesMax = 10;

const flags = {
  email: { argument: 'TEXT', about: 'of the API user; default integration@syncline.test' },
  'api-token': { argument: 'TEXT', about: 'its API token; default a random one kept in --data' },
  'client-id': { argument: 'TEXT', about: 'OAuth client id' },
  'client-secret': { argument: 'TEXT', about: 'its secret; default a random one kept in --data' },
  'token-seconds': { argument: 'N', default: '0', about: 'life of an OAuth token; 0 is for ever' },
  'account-limit': { argument: 'N', default: '700', about: 'requests a minute; 0 means no limit' },
  'export-limit': { argument: 'N', default: '10', about: 'of these, incremental exports; 0: none' },
  'endpoint-limits': { argument: 'on|off', default: 'on', about: 'the limits of other endpoints' },
  'webhook-url': { argument: 'URL', about: 'where every event is posted; others by the API' },
  'webhook-secret': { argument: 'TEXT', about: 'it is signed with; default a random one' },
};

class Zendesk extends Platform {
  tokenPath = '/oauth/tokens';
  errorReply = usualError;
  asError = asApiError;
  #schema;
  #store;
  #sessions;
  #limits;
  #resources;
  #webhookRoutes;
  #exports;
  #url;

  constructor({ options, credentials, schema, clock, store, faults, url }) {
    super();
    this.#schema = schema;
    this.#store = store;
    const lifetimeMs = options['token-seconds'] * 1000;
    this.#sessions = new Sessions({ credentials, clock, lifetimeMs });
    this.#limits = new Limits({
      clock,
      account: options['account-limit'],
      exports: options['export-limit'],
      endpointsOn: options['endpoint-limits'],
    });
    this.#url = url;
    const { email, webhook_secret: secret } = credentials;
    const endpoint = options['webhook-url'];
    const fixed = endpoint === undefined ? null : { endpoint, secret };
    const webhooks = new Webhooks({ store, faults, clock, fixed });
    const records = new Records({ schema });
    this.#resources = new ResourceRoutes({ store, clock, records, webhooks, url, email });
    this.#webhookRoutes = new WebhookRoutes({ store, user: email });
    this.#exports = new IncrementalExport({ store, clock, url });
  }

  async handle(request) {
    let headers = {};
    try {
      if (request.method === 'POST' && request.isLogin) {
        return this.#sessions.token(request);
      }
      this.#sessions.check(request);
      const resource = resourceOf(request);
      const counted = this.#limits.count(request.method, resource);
      headers = counted.headers;
      const reply = counted.refusal ?? (await this.#route(request, resource));
      return { ...reply, headers: { ...headers, ...reply.headers } };
    } catch (error) {
      const reply = asApiError(error).reply();
      return { ...reply, headers: { ...headers, ...reply.headers } };
    }
  }

  #route(request, resource) {
    const [, first, rest] = /^\/([a-z_]+)(.*)$/.exec(resource) ?? [];
    switch (first) {
      case 'tickets':
      case 'users':
      case 'organizations':
        return this.#resources.handle(request, this.#schema.find(first), rest);
      case 'deleted_tickets':
        return this.#resources.deleted(request, this.#schema.find('tickets'), rest);
      case 'incremental':
        return this.#export(request, rest);
      case 'search':
        return this.#search(request, rest);
      case 'webhooks':
        return this.#webhookRoutes.handle(request, rest);
      default:
        throw noEndpoint();
    }
  }

  #export(request, rest) {
    const [, name, cursor] = /^\/([a-z_]+)(\/cursor)?$/.exec(rest) ?? [];
    const table = this.#schema.find(name);
    if (!table || request.method !== 'GET') {
      throw noEndpoint();
    }
    return cursor ? this.#exports.byCursor(request, table) : this.#exports.byTime(request, table);
  }

  #search(request, rest) {
    const text = request.query.get('query');
    if (rest !== '' || request.method !== 'GET') {
      throw noEndpoint();
    }
    if (text === null) {
      throw badRequest('InvalidValue', 'query is missing');
    }
    if (Number(request.query.get('page') ?? 1) > searchPagesMax) {
      const description = 'Requested response size was greater than the limit of search results';
      throw new ApiError(422, { error: 'InvalidSearch', description });
    }
    const lagMs = lagOf(request);
    const rows = search(this.#schema, (table) => this.#resources.liveRows(table, lagMs), text);
    const show = ({ table, row }) => ({
      ...showRow(table, row, this.#url()),
      result_type: table.singular,
    });
    return pageReply(request, { rows, name: 'results', show, url: this.#url() });
  }

  pathClass(request) {
    return request.path
      .replace(/\.json$/, '')
      .replace(/(\/webhooks\/)[^/]+/, '$1{id}')
      .replace(/\/\d+/, '/{id}');
  }

  /** variant "json": as an endpoint's own limit answers; else as the account's, in plain text. */
  throttleReply({ variant }) {
    return this.#limits.exceeded(variant === 'json' ? 'json' : 'text');
  }

  /** For those that only know Basic: the user name and password that it takes, too. */
  ready(credentials) {
    const { email, api_token: password } = credentials;
    return { ...credentials, username: `${email}/token`, password };
  }

  expireSessions() {
    this.#sessions.expireAll();
  }

  showRow(table, row) {
    return showForTests(row);
  }

  /** create, edit or delete as a person does it; the same checks, rules, stamps and webhooks. */
  async actAsHuman(action, { object, id, fields, stamp, author }) {
    const table = this.#schema.find(object);
    if (!table) {
      throw badRequest('InvalidValue', `no object ${object}`);
    }
    const number = action === 'create' ? undefined : Number(id);
    if (number !== undefined && !this.#store.row(table.name, number)) {
      throw notFound();
    }
    const subject = fields.subject ?? 'no subject';
    const comment = action === 'create' ? { comment: { body: subject } } : {};
    const { row } = await this.#resources.write(author, table, {
      action: { create: 'create', edit: 'update', delete: 'remove' }[action],
      id: number,
      input: { ...comment, ...fields },
      userId: humanId,
      stamp,
    });
    return { id: String(row?.id ?? id), row: row ? showForTests(row) : null };
  }
}

/** The path behind /api/v2, without `.json`; "" when it is none of the API. */
function resourceOf({ path: requestPath }) {
  const [, resource] = /^\/api\/v2(\/.*?)(?:\.json)?\/?$/.exec(requestPath) ?? [];
  return resource ?? '';
}

runPlatform(Zendesk, {
  name: 'Zendesk',
  flags,
  Schema,
  schemaFile: new URL('schema.json', import.meta.url),
  credentials: {
    email: 'integration@syncline.test',
    api_token: randomSecret(),
    client_id: 'syncline',
    client_secret: randomSecret(),
    refresh_token: randomSecret(),
    webhook_secret: randomSecret(),
  },
  faults: ['expire_sessions', 'short_page', 'repeat_rows', ...webhookFaults],
});

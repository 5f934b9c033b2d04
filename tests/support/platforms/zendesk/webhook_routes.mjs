// /webhooks: what is posted where. The secret is asked for apart.

import { randomBytes } from 'node:crypto';
import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { noEndpoint, notFound, recordInvalid } from './api_error.mjs';
import { readJson } from './read_json.mjs';
import { stampText } from './values.mjs';

const table = 'webhooks';

export class WebhookRoutes {
  #store;
  #user;

  constructor({ store, user }) {
    this.#store = store;
    this.#user = user;
  }

  /** `rest`: the path behind /webhooks. */
  async handle(request, rest) {
    const [, id, part] = /^(?:\/([^/]+)(?:\/(signing_secret))?)?$/.exec(rest) ?? [];
    const name = `${request.method}${id ? ' id' : ''}${part ? ' secret' : ''}`;
    switch (name) {
      case 'GET':
        return jsonReply(200, { webhooks: this.#store.rows(table).map(show) });
      case 'POST':
        return this.#create(request);
      case 'GET id':
        return jsonReply(200, { webhook: show(this.#row(id)) });
      case 'DELETE id':
        return this.#remove(request, id);
      case 'GET id secret': {
        const secret = this.#row(id).$secret;
        return jsonReply(200, { signing_secret: { algorithm: 'SHA256', secret } });
      }
      default:
        throw noEndpoint();
    }
  }

  #row(id) {
    const row = this.#store.row(table, id);
    if (!row) {
      throw notFound();
    }
    return row;
  }

  async #create(request) {
    const { webhook = {} } = readJson(request);
    if (!/^https?:/.test(webhook.endpoint ?? '') || !URL.canParse(webhook.endpoint)) {
      const problem = { description: 'Endpoint: is invalid', error: 'InvalidValue' };
      throw recordInvalid({ endpoint: [problem] });
    }
    const id = randomBytes(13).toString('hex').toUpperCase();
    const row = await this.#store.transact(request.author(this.#user), [], (transaction) => {
      const made = {
        id,
        name: webhook.name ?? '',
        endpoint: webhook.endpoint,
        http_method: webhook.http_method ?? 'POST',
        request_format: webhook.request_format ?? 'json',
        status: webhook.status ?? 'active',
        subscriptions: webhook.subscriptions ?? [],
        created_at: stampText(transaction.stampMs),
        $secret: randomBytes(32).toString('base64url'),
      };
      transaction.write(table, id, 'create', made);
      return made;
    });
    return jsonReply(201, { webhook: show(row) });
  }

  async #remove(request, id) {
    this.#row(id);
    await this.#store.transact(request.author(this.#user), [`${table}/${id}`], (transaction) =>
      transaction.write(table, id, 'delete', null),
    );
    return emptyReply(204);
  }
}

function show({ $secret: unused, ...row }) {
  return row;
}

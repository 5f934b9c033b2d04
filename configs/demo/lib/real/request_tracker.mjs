// A person's hands and eyes at Request Tracker, by its own REST API; the person is its root, whose
// password a new instance has.
import { RtClient, custom } from '../../../../tests/support/platforms/rt/client.mjs';

const person = { user: 'root', password: 'password' };
const credentials = 'basic';

export class RequestTracker {
  #client;
  #told;

  constructor(told) {
    this.#told = told;
    this.#client = new RtClient({ url: told.url, credentials: person });
  }

  async #call(method, path, options = {}) {
    const reply = await this.#client.call(method, path, { ...options, credentials });
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.json;
  }

  async create(fields) {
    return (await this.#call('POST', '/ticket', { body: { Queue: 'General', ...fields } })).id;
  }

  edit(id, fields) { return this.#call('PUT', `/ticket/${id}`, { body: fields }); }

  /** {subject, status, and what a custom field holds by `of`}. */
  async ticket(id) {
    const shown = await this.#call('GET', `/ticket/${id}`);
    return { id: String(shown.id), subject: shown.Subject, status: shown.Status,
      creator: shown.Creator.id, of: (name) => custom(shown, name)[0] ?? null };
  }

  async tickets(query) {
    const found = await this.#call('GET', '/tickets', { query: [['query', query],
      ['orderby', 'id'], ['per_page', 100], ['fields', 'Subject,Status']] });
    return found.items;
  }

  /** How often anything was done to tickets, and of one who did it. */
  async transactions(id) {
    const which = id === undefined ? 'id > 0' : `ObjectId = ${id}`;
    const found = [];
    for (let last = 0; ;) {
      const { items } = await this.#call('GET', '/transactions', { query: [
        ['query', `ObjectType = 'RT::Ticket' AND ${which} AND id > ${last}`], ['orderby', 'id'],
        ['per_page', 100], ['fields', 'Type,Field,NewValue,Creator']] });
      if (items.length === 0) return found;
      found.push(...items);
      last = items.at(-1).id;
    }
  }

  /** What our agent did to a ticket. */
  async byUs(id) {
    return (await this.transactions(id)).filter((one) => one.Creator.id === this.#told.user);
  }
}

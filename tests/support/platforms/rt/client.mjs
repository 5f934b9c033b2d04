// Request Tracker's REST 2 as a connector speaks it: one request, its status, JSON and headers.

/** `credentials`: "token", "basic" or an Authorization header of the caller's; null for none. */
export class RtClient {
  #base;
  #schemes;

  constructor({ url, credentials: { token, user, password } }) {
    this.#base = `${url}/REST/2.0`;
    const pair = Buffer.from(`${user}:${password}`).toString('base64');
    this.#schemes = { token: `token ${token}`, basic: `Basic ${pair}` };
  }

  async call(method, path, { body, query, headers, credentials = 'token' } = {}) {
    const url = new URL(this.#base + path);
    for (const [name, value] of query ?? []) url.searchParams.append(name, value);
    const sent = { accept: 'application/json', ...headers };
    if (credentials) sent.authorization = this.#schemes[credentials] ?? credentials;
    if (body !== undefined) sent['content-type'] = 'application/json';
    const reply = await fetch(url, {
      method,
      headers: sent,
      body: typeof body === 'object' ? JSON.stringify(body) : body,
    });
    const text = await reply.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: reply.status, json, text, headers: reply.headers };
  }

  /** The id of a new ticket, as text. */
  async create(fields) {
    const made = await this.call('POST', '/ticket', { body: { Queue: 'General', ...fields } });
    if (made.status !== 201) throw new Error(`create: ${made.status} ${made.text}`);
    return made.json.id;
  }

  async show(id) {
    return (await this.call('GET', `/ticket/${id}`)).json;
  }

  /** A page of a search in TicketSQL, ordered by LastUpdated and id. */
  search(query, { page = 1, size = 100, fields = 'Subject,Status,LastUpdated' } = {}) {
    return this.call('GET', '/tickets', {
      query: [
        ['query', query], ['orderby', 'LastUpdated'], ['order', 'ASC'], ['orderby', 'id'],
        ['order', 'ASC'], ['page', page], ['per_page', size], ['fields', fields],
      ],
    });
  }

  /** Transactions of tickets behind `id`, at most 100. */
  async feed(id) {
    const page = await this.call('GET', '/transactions', {
      query: [
        ['query', `id > ${id} AND ObjectType = 'RT::Ticket'`], ['orderby', 'id'],
        ['per_page', 100], ['fields', 'Type,Field,OldValue,NewValue,ObjectId,Creator,Created'],
      ],
    });
    return page.json;
  }
}

/** The values of a custom field of a ticket or user. */
export function custom(record, name) {
  return record.CustomFields.find((field) => field.name === name).values;
}

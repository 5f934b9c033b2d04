// /tickets, /users, /organizations: lists, single records, their writes, and lookups.

import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { badRequest, invalidAttribute, noEndpoint, notFound } from './api_error.mjs';
import { idempotencyOf, knownTicket } from './idempotency.mjs';
import { pageReply } from './paging.mjs';
import { readJson } from './read_json.mjs';
import { lookupKey } from './schema.mjs';
import { agentId } from './sessions.mjs';
import { auditOf, showAgent, showComment, showRow } from './show.mjs';

const idsMax = 100;

export class ResourceRoutes {
  #parts;

  /** `parts`: store, clock, records, webhooks, url(), email (of the API's user). */
  constructor(parts) {
    this.#parts = parts;
  }

  /** `rest`: the path behind /tickets and the like. */
  async handle(request, table, rest) {
    const [, id, part] = /^\/(\d+)(?:\/(\w+))?$/.exec(rest) ?? [];
    if (id !== undefined) {
      return this.#one(request, table, { id: Number(id), part });
    }
    switch (`${request.method} ${rest}`) {
      case 'GET ':
        return this.#list(request, table);
      case 'POST ':
        return this.#create(request, table);
      case 'GET /show_many':
        return this.#showMany(request, table);
      case 'GET /me':
        return this.#me(table);
      case 'GET /search':
        return this.#lookUp(request, table);
      case 'POST /create_or_update':
        return this.#createOrUpdate(request, table);
      default:
        if (/^\/[^/]+$/.test(rest) && request.method !== 'POST') {
          throw invalidAttribute('id', 'Invalid parameter: id must be an integer');
        }
        throw noEndpoint();
    }
  }

  async #one(request, table, { id, part }) {
    if (part === 'comments' && table.name === 'tickets' && request.method === 'GET') {
      return this.#comments(request, id);
    }
    if (part !== undefined) {
      throw noEndpoint();
    }
    switch (request.method) {
      case 'GET':
        return this.#show(request, table, id);
      case 'PUT':
        return this.#update(request, table, id);
      case 'DELETE':
        return this.#remove(request, table, id);
      default:
        throw noEndpoint();
    }
  }

  /** GET /deleted_tickets, PUT /deleted_tickets/<id>/restore. */
  async deleted(request, table, rest) {
    if (request.method === 'GET' && rest === '') {
      const rows = this.#parts.store.rows(table.name).filter((row) => row.status === 'deleted');
      const show = ({ id, subject, updated_at: deletedAt, $was }) => ({
        id,
        subject,
        deleted_at: deletedAt,
        previous_state: $was,
        actor: { id: agentId, name: 'Integration' },
      });
      return this.#page(request, { rows, name: 'deleted_tickets', show });
    }
    const [, id] = /^\/(\d+)\/restore$/.exec(rest) ?? [];
    if (request.method !== 'PUT' || id === undefined) {
      throw noEndpoint();
    }
    await this.#write(request, table, { id: Number(id), action: 'restore' });
    return emptyReply(200);
  }

  /** The rows that lists and lookups show; `lagMs` reads an older state. */
  liveRows(table, lagMs) {
    return this.#parts.store
      .rows(table.name, lagMs)
      .filter((row) => row.status !== 'deleted' && row.active !== false);
  }

  #list(request, table) {
    const wanted = request.query.get('external_id');
    const rows = this.liveRows(table, lagOf(request)).filter(
      (row) => wanted === null || lookupKey(row.external_id) === lookupKey(wanted),
    );
    return this.#tablePage(request, table, sorted(rows, request.query));
  }

  #lookUp(request, table) {
    const terms = [...request.query].filter(([name]) => ['external_id', 'name'].includes(name));
    const text = request.query.get('query');
    if (table.name === 'tickets' || (terms.length === 0 && text === null)) {
      throw badRequest('InvalidValue', 'query or external_id is missing');
    }
    const words = (text ?? '').toLowerCase().replace(/^(email|name):/, '');
    const rows = this.liveRows(table, lagOf(request)).filter(
      (row) =>
        terms.every(([name, value]) => lookupKey(row[name]) === lookupKey(value)) &&
        [row.name, row.email].some((value) => (lookupKey(value) ?? '').includes(words)),
    );
    return this.#tablePage(request, table, rows);
  }

  #showMany(request, table) {
    const name = request.query.has('external_ids') ? 'external_ids' : 'ids';
    const values = (request.query.get(name) ?? '').split(',').filter(Boolean);
    if (values.length === 0 || values.length > idsMax) {
      throw badRequest('InvalidValue', `${name}: between 1 and ${idsMax} are needed`);
    }
    const field = name === 'ids' ? 'id' : 'external_id';
    const wanted = new Set(values.map(lookupKey));
    const isWanted = (row) => wanted.has(lookupKey(row[field]));
    const rows = this.liveRows(table, lagOf(request)).filter(isWanted);
    return this.#tablePage(request, table, rows);
  }

  #me(table) {
    if (table.name !== 'users') {
      throw invalidAttribute('id', 'Invalid parameter: id must be an integer');
    }
    return jsonReply(200, { user: showAgent(this.#parts.email, this.#parts.url()) });
  }

  #show(request, table, id) {
    if (table.name === 'users' && id === agentId) {
      return this.#me(table);
    }
    const row = this.#parts.store.rowAsOf(table.name, id, lagOf(request));
    if (!row || row.status === 'deleted') {
      throw notFound();
    }
    return jsonReply(200, { [table.singular]: this.#shown(table, row) });
  }

  #comments(request, id) {
    const row = this.#parts.store.row('tickets', id);
    if (!row || row.status === 'deleted') {
      throw notFound();
    }
    return this.#page(request, { rows: row.$comments, name: 'comments', show: showComment });
  }

  async #create(request, table) {
    const input = readJson(request)[table.singular];
    if (input === undefined) {
      throw badRequest('ParameterMissing', `${table.singular} is missing`);
    }
    const idempotency = table.name === 'tickets' ? idempotencyOf(request, this.#parts.clock) : null;
    const { row, isKnown } = await this.#write(request, table, {
      action: 'create',
      input,
      idempotency,
    });
    const shown = isKnown ? this.#parts.store.oldest(table.name, row.id) : row;
    const lookup = idempotency ? { 'x-idempotency-lookup': isKnown ? 'hit' : 'miss' } : {};
    const body = { [table.singular]: this.#shown(table, shown) };
    if (table.name === 'tickets') {
      body.audit = auditOf(null, shown);
    }
    const location = `${this.#parts.url()}/api/v2/${table.name}/${row.id}.json`;
    return jsonReply(201, body, { Location: location, ...lookup });
  }

  /** By id, external id or (users) email; 201 when the record is new, 200 when it was there. */
  async #createOrUpdate(request, table) {
    if (table.name === 'tickets') {
      throw noEndpoint();
    }
    const input = readJson(request)[table.singular] ?? {};
    const names = ['id', 'external_id', 'email'].filter((name) => lookupKey(input[name]) !== null);
    const found = this.liveRows(table, lagOf(request)).find((row) =>
      names.some((name) => lookupKey(row[name]) === lookupKey(input[name])),
    );
    const action = found ? 'update' : 'create';
    const { row } = await this.#write(request, table, { id: found?.id, action, input });
    return jsonReply(found ? 200 : 201, { [table.singular]: this.#shown(table, row) });
  }

  async #update(request, table, id) {
    const { store } = this.#parts;
    // A body without the object's name around it is taken, and changes nothing.
    const input = readJson(request)[table.singular] ?? {};
    const { row, before } = await this.#write(request, table, { id, action: 'update', input });
    const body = { [table.singular]: this.#shown(table, row ?? store.row(table.name, id)) };
    if (table.name === 'tickets') {
      body.audit = auditOf(before, row);
    }
    return jsonReply(200, body);
  }

  async #remove(request, table, id) {
    const { row } = await this.#write(request, table, { id, action: 'remove' });
    return table.name === 'users'
      ? jsonReply(200, { user: this.#shown(table, row) })
      : emptyReply(204);
  }

  /** `task`: {action, id, input, idempotency}. {row, before, isKnown}. */
  #write(request, table, task) {
    const author = request.author(this.#parts.email);
    return this.write(author, table, { ...task, userId: agentId });
  }

  /** The same for whomever: commits, then tells the webhooks. */
  async write(author, table, { action, id, input, idempotency = null, userId, stamp }) {
    const { store, clock, records, webhooks } = this.#parts;
    const locks = id === undefined ? [] : [`${table.name}/${id}`];
    if (idempotency) {
      locks.push(`idempotency/${idempotency.key}`);
    }
    const done = await store.transact(author, locks, (transaction) => {
      const known = idempotency && knownTicket(transaction, idempotency, clock);
      if (known) {
        return { row: transaction.row(table.name, known), before: null, isKnown: true };
      }
      if (action === 'create') {
        const row = records.create(transaction, table, { input, userId, idempotency });
        return { row, before: null, mutations: transaction.mutations };
      }
      const before = store.row(table.name, id);
      const row =
        action === 'update'
          ? records.update(transaction, table, id, { input, userId, stamp })
          : records[action](transaction, table, id);
      return { row, before, mutations: transaction.mutations };
    });
    for (const { table: name, id: changed, after } of done.mutations ?? []) {
      webhooks.committed(name, changed === done.before?.id ? done.before : null, after);
    }
    return done;
  }

  #tablePage(request, table, rows) {
    const show = (row) => this.#shown(table, row);
    return this.#page(request, { rows, name: table.name, show });
  }

  #page(request, { rows, name, show }) {
    return pageReply(request, { rows, name, show, url: this.#parts.url() });
  }

  #shown(table, row) {
    return showRow(table, row, this.#parts.url());
  }
}

/** How old the state is that a read sees. */
export function lagOf(request) {
  return request.takeFault('read_lag')?.delay_ms ?? 0;
}

/** `sort_by`, `sort_order` of lists by offset. */
function sorted(rows, query) {
  const name = query.get('sort_by');
  if (name === null) {
    return rows;
  }
  const sign = query.get('sort_order') === 'desc' ? -1 : 1;
  const compare = (a, b) => (a[name] === b[name] ? 0 : a[name] < b[name] ? -1 : 1);
  return [...rows].sort((a, b) => sign * (compare(a, b) || a.id - b.id));
}

// The methods of models that may be called from outside, with the names of their parameters.

import { accessError, httpError, missingError, userError, valueError } from './api_error.mjs';
import { compileDomain, mentions } from './domain.mjs';
import { fieldOf } from './schema.mjs';
import { readField, showValue } from './values.mjs';

/** Name -> parameters, those that must be there, whether ids make no sense, what right it takes. */
const signatures = {
  search: { takes: ['domain', 'offset', 'limit', 'order'], needs: ['domain'], alone: true },
  search_count: { takes: ['domain', 'limit'], needs: ['domain'], alone: true },
  search_read: {
    takes: ['domain', 'fields', 'offset', 'limit', 'order', 'load'],
    needs: [],
    alone: true,
  },
  read: { takes: ['fields', 'load'], needs: [] },
  create: { takes: ['vals_list'], needs: ['vals_list'], alone: true, right: 'create' },
  write: { takes: ['vals'], needs: ['vals'], right: 'modify' },
  unlink: { takes: [], needs: [], right: 'delete' },
  action_archive: { takes: [], needs: [], right: 'modify' },
  action_unarchive: { takes: [], needs: [], right: 'modify' },
};
const contextGet = { takes: [], needs: [], alone: true };

export class Methods {
  #schema;
  #store;
  #records;
  #uid;

  constructor({ schema, store, records, uid }) {
    this.#schema = schema;
    this.#store = store;
    this.#records = records;
    this.#uid = uid;
  }

  /** The return value of one call, which is one transaction. */
  async call(request, model, name, { ids = [], context = {}, ...parameters }) {
    const signature = this.#signature(model, name);
    if (signature.alone && ids.length > 0) {
      throw httpError(422, `cannot call ${model.name}.${name} with ids`);
    }
    bind(signature, parameters);
    this.#allow(model, signature.right ?? 'access');
    const of = { request, model, ids, context, lagMs: 0, ...parameters };
    if (!signature.right) {
      of.lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    }
    switch (name) {
      case 'search':
        return this.#search(of).map((row) => row.id);
      case 'search_count':
        return this.#search(of).length;
      case 'search_read':
        return this.#show(of, this.#search({ ...of, domain: of.domain ?? [] }));
      case 'read':
        return this.#read(of);
      case 'create':
        return this.#create(of);
      case 'context_get':
        return { lang: 'en_US', tz: 'Europe/Brussels', uid: this.#uid };
      default:
        return this.#change(of, name);
    }
  }

  #signature(model, name) {
    if (model.name === 'res.users' && name === 'context_get') {
      return contextGet;
    }
    if (name.startsWith('_')) {
      const method = `'${model.name}.${name}'`;
      throw accessError(`Private methods (such as ${method}) cannot be called remotely.`);
    }
    if (!Object.hasOwn(signatures, name)) {
      throw httpError(404, `The method '${model.name}.${name}' does not exist`);
    }
    return signatures[name];
  }

  #allow(model, right) {
    if (model.access === 'none' || (model.access === 'read' && right !== 'access')) {
      const records = `'${model.label}' (${model.name}) records.`;
      throw accessError(`You are not allowed to ${right} ${records}\n`);
    }
  }

  #search({ request, model, domain, context, offset, limit, order, lagMs }) {
    const database = {
      schema: this.#schema,
      row: (name, id) => this.#store.row(name, String(id)),
    };
    const accepts = compileDomain(database, model, domain);
    const hidesArchived =
      fieldOf(model, 'active') && context.active_test !== false && !mentions(domain, 'active');
    const rows = this.#store
      .rows(model.name, lagMs)
      .filter((row) => accepts(row) && (!hidesArchived || row.active))
      .sort(comparer(model, order));
    let page = rows.slice(offset ?? 0, limit ? (offset ?? 0) + limit : undefined);
    const short = request.takeFault('short_page');
    if (short) {
      page = page.slice(0, Math.max(0, page.length - (short.rows ?? 1)));
    }
    return page;
  }

  #read(of) {
    const rows = of.ids.map((id) => this.#store.rowAsOf(of.model.name, String(id), of.lagMs));
    if (rows.includes(null)) {
      throw missingError(of.model.name, of.ids.filter((_, i) => rows[i] === null));
    }
    return this.#show(of, rows);
  }

  #show({ model, fields, load }, rows) {
    const names = fields?.length > 0 ? fields : Object.keys(model.fields);
    for (const name of names) {
      if (!fieldOf(model, name)) {
        throw valueError(`Invalid field '${name}' on '${model.name}'`);
      }
    }
    const nameOf = (target, id) => this.#store.row(target, String(id))?.name ?? '';
    return rows.map((row) => {
      const shown = { id: row.id };
      for (const name of names) {
        const field = fieldOf(model, name);
        const value = showValue(field, readField(field, row, name), nameOf);
        shown[name] = load === null && Array.isArray(value) ? value[0] : value;
      }
      return shown;
    });
  }

  async #create({ request, model, vals_list: list }) {
    const inputs = Array.isArray(list) ? list : [list];
    const rows = await this.#store.transact(request.author('bot'), [], (transaction) =>
      inputs.map((input) => this.#records.create(transaction, model, { input, uid: this.#uid })),
    );
    return rows.map((row) => row.id);
  }

  async #change({ request, model, ids, vals }, name) {
    const keys = ids.map((id) => `${model.name}/${id}`);
    await this.#store.transact(request.author('bot'), keys, (transaction) => {
      if (name === 'unlink') {
        this.#records.unlink(transaction, model, ids);
        return;
      }
      const input = name === 'write' ? vals : { active: name === 'action_unarchive' };
      this.#records.write(transaction, model, ids, { input, uid: this.#uid });
    });
    return true;
  }
}

/** Python's own check of a call. */
function bind({ takes, needs }, parameters) {
  const unknown = Object.keys(parameters).find((name) => !takes.includes(name));
  if (unknown !== undefined) {
    throw httpError(422, `got an unexpected keyword argument '${unknown}'`);
  }
  const missing = needs.find((name) => !Object.hasOwn(parameters, name));
  if (missing !== undefined) {
    throw httpError(422, `missing a required argument: '${missing}'`);
  }
}

function comparer(model, order) {
  const columns = order ? parseOrder(model, order) : model.order;
  return (left, right) => {
    for (const [name, direction] of columns) {
      const a = left[name] ?? null;
      const b = right[name] ?? null;
      if (a !== b) {
        // Where there is nothing it comes last, as in the database, and first the other way round.
        const before = b === null || (a !== null && a < b);
        return before === (direction === 'asc') ? -1 : 1;
      }
    }
    return 0;
  };
}

function parseOrder(model, order) {
  return order.split(',').map((part) => {
    const [, name, direction = 'asc'] = /^\s*(\w+)(?:\s+(asc|desc))?\s*$/i.exec(part) ?? [];
    if (!name) {
      throw userError(`Invalid "order" specified (${order}).`);
    }
    const field = fieldOf(model, name);
    if (!field || (field.computed && !field.own)) {
      throw valueError(`Invalid field '${name}' on '${model.name}'`);
    }
    return [name, direction.toLowerCase()];
  });
}

// The tests' door, under /__control/: arm faults, act as a person, read the commit-ordered log.
// No platform has it; it is not authenticated and the server listens on loopback only.

import { jsonReply, ReplyError } from './reply.mjs';

export class Control {
  #platform;
  #store;
  #faults;
  #clock;
  #requests = new Map();

  constructor({ platform, store, faults, clock }) {
    this.#platform = platform;
    this.#store = store;
    this.#faults = faults;
    this.#clock = clock;
  }

  count(request, status) {
    const name = `${request.method} ${this.#platform.pathClass(request)}`;
    const entry = this.#requests.get(name) ?? { count: 0, statuses: {} };
    entry.count += 1;
    entry.statuses[status] = (entry.statuses[status] ?? 0) + 1;
    this.#requests.set(name, entry);
  }

  async handle(request) {
    const name = `${request.method} ${request.path.slice('/__control/'.length)}`;
    const routes = {
      'GET log': () => this.#readLog(request),
      'GET requests': () => Object.fromEntries(this.#requests),
      'GET rows': () => this.#readRows(request),
      'GET faults': () => this.#faults.list(),
      'POST fault': () => this.#arm(request.json()),
      'POST clear': () => this.#clear(),
      'POST clock': () => this.#setClock(request.json()),
      'POST create': () => this.#act('create', request.json()),
      'POST edit': () => this.#act('edit', request.json()),
      'POST delete': () => this.#act('delete', request.json()),
    };
    if (!Object.hasOwn(routes, name)) {
      return jsonReply(404, { error: `no ${name}; there are: ${Object.keys(routes).join(', ')}` });
    }
    try {
      return jsonReply(200, await routes[name]());
    } catch (error) {
      if (error instanceof ReplyError) {
        return error.reply;
      }
      return jsonReply(400, { error: error.message });
    }
  }

  #arm(fault) {
    this.#faults.arm(fault);
    if (fault.kind === 'down') {
      this.#platform.dropPolls?.();
    }
    if (fault.kind === 'expire_events' || fault.kind === 'forget_clients') {
      this.#faults.take(fault.kind, { method: '', url: '', isLogin: false });
      this.#platform.disturbEvents(fault.kind);
    }
    // Without a path to wait for, sessions and locators end now; nothing has to match first.
    if (fault.path === undefined && fault.method === undefined) {
      if (fault.kind === 'expire_sessions') {
        this.#faults.take(fault.kind, { method: '', url: '', isLogin: false });
        this.#platform.expireSessions();
      }
      if (fault.kind === 'expire_locators') {
        this.#faults.take(fault.kind, { method: '', url: '', isLogin: false });
        this.#platform.expireLocators();
      }
    }
    return this.#faults.list();
  }

  #clear() {
    this.#faults.clear();
    this.#requests.clear();
    return {};
  }

  #setClock({ skew_ms: skewMs }) {
    if (!Number.isInteger(skewMs)) {
      throw new Error('skew_ms: a whole number');
    }
    this.#clock.setSkew(skewMs);
    return { now: new Date(this.#clock.nowMs()).toISOString() };
  }

  #readLog(request) {
    const after = Number(request.query.get('after') ?? 0);
    return { log: this.#store.log(after).map((entry) => this.#shown(entry)) };
  }

  #shown(entry) {
    const show = (row) => (row ? this.#platform.showRow(entry.table, row) : null);
    return { ...entry, before: show(entry.before), after: show(entry.after) };
  }

  #readRows(request) {
    const table = request.query.get('object');
    return { rows: this.#store.rows(table).map((row) => this.#platform.showRow(table, row)) };
  }

  /** {object, id, fields, stamp?, hold_ms?}: what a person does in the platform's own screens. */
  async #act(action, input) {
    const { object, id, fields = {}, stamp = 'normal', hold_ms: holdMs = 0 } = input;
    if (!['normal', 'system', 'none'].includes(stamp)) {
      throw new Error('stamp: normal, system or none');
    }
    const author = { actor: 'human', user: 'human', userAgent: 'browser', headers: {}, holdMs };
    try {
      return await this.#platform.actAsHuman(action, { object, id, fields, stamp, author });
    } catch (error) {
      throw new ReplyError(this.#platform.asError(error).reply());
    }
  }
}

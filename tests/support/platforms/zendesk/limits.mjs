// Requests a minute: the account's limit, and those that single endpoints have of their own.

import { rateExceeded } from './api_error.mjs';

const minuteMs = 60_000;

const endpoints = [
  { name: 'incremental', method: 'GET', path: /^\/incremental\// },
  { name: 'tickets-index', method: 'GET', path: /^\/tickets$/, perMinute: 100, isShown: true },
  { name: 'tickets-update', method: 'PUT', path: /^\/tickets\/\d+$/, perMinute: 100 },
  { name: 'organizations-update', method: 'PUT', path: /^\/organizations\/\d+$/, perMinute: 5 },
];

export class Limits {
  #clock;
  #account;
  #exports;
  #endpointsOn;
  #startMs = 0;
  #counts = new Map();

  /** `account`, `exports`: requests a minute, 0 for no limit; `endpointsOn`: the others' too. */
  constructor({ clock, account, exports, endpointsOn }) {
    this.#clock = clock;
    this.#account = account;
    this.#exports = exports;
    this.#endpointsOn = endpointsOn;
  }

  /** Counts a request; {headers, refusal}, where the refusal is a reply with 429, or null. */
  count(method, path) {
    const nowMs = this.#clock.nowMs();
    const startMs = Math.floor(nowMs / minuteMs) * minuteMs;
    if (startMs !== this.#startMs) {
      this.#startMs = startMs;
      this.#counts.clear();
    }
    const resets = Math.max(1, Math.ceil((startMs + minuteMs - nowMs) / 1000));
    const account = this.#take('account', this.#account);
    const headers = account.total === 0 ? {} : accountHeaders(account, resets);
    if (account.isOver) {
      return { headers, refusal: refusal('text', headers, resets) };
    }
    const endpoint = endpoints.find((one) => one.method === method && one.path.test(path));
    if (endpoint === undefined) {
      return { headers, refusal: null };
    }
    const own = this.#take(endpoint.name, this.#perMinute(endpoint));
    if (endpoint.isShown && own.total > 0) {
      headers[`zendesk-ratelimit-${endpoint.name}`] =
        `total=${own.total}; remaining=${own.remaining}; resets=${resets}`;
    }
    return { headers, refusal: own.isOver ? refusal('json', headers, resets) : null };
  }

  /** 429 as the account's limit gives it, or with `kind` "json" as an endpoint's. */
  exceeded(kind) {
    const resets = Math.ceil((minuteMs - (this.#clock.nowMs() % minuteMs)) / 1000);
    const headers = accountHeaders({ total: this.#account || 700, remaining: 0 }, resets);
    return refusal(kind, headers, resets);
  }

  #perMinute({ name, perMinute }) {
    if (name === 'incremental') {
      return this.#exports;
    }
    return this.#endpointsOn ? perMinute : 0;
  }

  #take(name, total) {
    const used = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, used);
    return { total, remaining: Math.max(0, total - used), isOver: total > 0 && used > total };
  }
}

function accountHeaders({ total, remaining }, resets) {
  return {
    'X-Rate-Limit': String(total),
    'X-Rate-Limit-Remaining': String(remaining),
    'ratelimit-limit': String(total),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resets),
  };
}

function refusal(kind, headers, resets) {
  return rateExceeded(kind, { ...headers, 'Retry-After': String(resets) });
}

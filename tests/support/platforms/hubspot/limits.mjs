// Calls of an app in ten seconds and in a day, and searches of an account in a second. All go by
// the platform's clock; 0 is no limit. A search counts for the others too, and tells none of them.

import { rateLimited } from './api_error.mjs';

const dayMs = 24 * 60 * 60 * 1000;
const windowMs = 10_000;

export class Limits {
  #clock;
  #burst;
  #search;
  #daily;
  #calls = [];
  #searches = [];
  #day = { number: -1, count: 0 };

  constructor({ clock, burst, search, daily }) {
    this.#clock = clock;
    this.#burst = burst;
    this.#search = search;
    this.#daily = daily;
  }

  /** Counts a call; the headers that tell of the limits, or 429 thrown. */
  count(isSearch) {
    const now = this.#clock.nowMs();
    const number = Math.floor(now / dayMs);
    if (this.#day.number !== number) {
      this.#day = { number, count: 0 };
    }
    this.#day.count += 1;
    if (this.#daily > 0 && this.#day.count > this.#daily) {
      throw rateLimited('DAILY');
    }
    this.#calls = within(this.#calls, now, windowMs);
    if (this.#burst > 0 && this.#calls.length > this.#burst) {
      throw rateLimited('TEN_SECONDLY_ROLLING');
    }
    if (!isSearch) {
      return this.#headers();
    }
    this.#searches = within(this.#searches, now, 1_000);
    if (this.#search > 0 && this.#searches.length > this.#search) {
      throw rateLimited('SECONDLY');
    }
    return {};
  }

  #headers() {
    const headers = {};
    if (this.#burst > 0) {
      headers['X-HubSpot-RateLimit-Max'] = String(this.#burst);
      headers['X-HubSpot-RateLimit-Remaining'] = String(this.#burst - this.#calls.length);
      headers['X-HubSpot-RateLimit-Interval-Milliseconds'] = String(windowMs);
    }
    if (this.#daily > 0) {
      headers['X-HubSpot-RateLimit-Daily'] = String(this.#daily);
      headers['X-HubSpot-RateLimit-Daily-Remaining'] = String(this.#daily - this.#day.count);
    }
    return headers;
  }
}

/** The moments of the last `spanMs`, with this one. */
function within(moments, now, spanMs) {
  return [...moments.filter((moment) => moment > now - spanMs && moment <= now), now];
}

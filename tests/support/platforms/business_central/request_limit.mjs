// Requests of one user in a window that slides, by the platform's clock.

import { tooMany } from './api_error.mjs';

export class RequestLimit {
  #clock;
  #limit;
  #windowMs;
  #timesMs = [];

  /** `limit` 0: none. */
  constructor({ clock, limit, windowMs }) {
    this.#clock = clock;
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** Counts a request; throws 429 where it is one too many, which does not count. */
  count() {
    if (this.#limit === 0) {
      return;
    }
    const nowMs = this.#clock.nowMs();
    this.#timesMs = this.#timesMs.filter((timeMs) => timeMs > nowMs - this.#windowMs);
    if (this.#timesMs.length >= this.#limit) {
      throw tooMany(this.#limit);
    }
    this.#timesMs.push(nowMs);
  }
}

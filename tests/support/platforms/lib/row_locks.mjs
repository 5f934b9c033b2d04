// One writer per row at a time, first come first served, with a limit on the wait. Only a held
// (late) transaction keeps a lock across ticks, so without that fault nobody ever waits.

export class LockTimeout extends Error {
  constructor(key) {
    super(`row lock not obtained: ${key}`);
    this.key = key;
  }
}

export class RowLocks {
  #queues = new Map();

  /** Locks all `keys`; returns the function that releases them. Throws LockTimeout holding none. */
  async acquireAll(keys, limitMs) {
    const releases = [];
    const releaseAll = () => releases.splice(0).forEach((release) => release());
    try {
      for (const key of [...new Set(keys)].sort()) {
        releases.push(await this.#acquire(key, limitMs));
      }
    } catch (error) {
      releaseAll();
      throw error;
    }
    return releaseAll;
  }

  async #acquire(key, limitMs) {
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    const ticket = {};
    queue.push(ticket);
    if (queue[0] !== ticket) {
      await this.#waitTurn(key, queue, ticket, limitMs);
    }
    return () => this.#release(key, queue);
  }

  async #waitTurn(key, queue, ticket, limitMs) {
    let timer;
    try {
      await new Promise((resolve, reject) => {
        ticket.grant = resolve;
        timer = setTimeout(() => {
          queue.splice(queue.indexOf(ticket), 1);
          reject(new LockTimeout(key));
        }, limitMs);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #release(key, queue) {
    queue.shift();
    if (queue.length > 0) {
      queue[0].grant();
    } else {
      this.#queues.delete(key);
    }
  }
}

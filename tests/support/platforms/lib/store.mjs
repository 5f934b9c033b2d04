// The platform's database: tables of rows, every version kept, one disk line per transaction.
// Rows are immutable objects; a write replaces them. Order of commit is the order of the log.

import { DiskLog } from './disk_log.mjs';
import { RowLocks } from './row_locks.mjs';
import { Transaction } from './transaction.mjs';
import { waitMs } from './clock.mjs';

const lockWaitDefaultMs = 10_000;

export class Store {
  #clock;
  #disk;
  #tables = new Map();
  #indexes = new Map();
  #log = [];
  #counters = {};
  #open = new Set();
  #locks = new RowLocks();
  #lockWaitMs;
  #transactions = 0;
  #listeners = [];

  /**
   * `indexes`: [{table, field, key(value, row)}]; key gives the text looked up, or null for "not
   * indexed". Rows on disk are replayed before this returns. `lockWaitMs`: how long a writer waits
   * for another.
   */
  constructor({ directory, clock, indexes = [], lockWaitMs = lockWaitDefaultMs }) {
    this.#clock = clock;
    this.#lockWaitMs = lockWaitMs;
    for (const index of indexes) {
      this.#indexes.set(`${index.table}.${index.field}`, { ...index, ids: new Map() });
    }
    const { log, entries, cutBytes } = DiskLog.open(directory, 'commits.jsonl');
    this.#disk = log;
    this.cutBytes = cutBytes;
    entries.forEach((entry) => this.#apply(entry));
  }

  close() {
    this.#disk.close();
  }

  /** The newest committed version of a row, or null when there is none or it was removed. */
  row(table, id) {
    return newest(this.#tables.get(table)?.get(id));
  }

  /** The first committed version of a row that there is or was, or null. */
  oldest(table, id) {
    return this.#tables.get(table)?.get(id)?.[0].row ?? null;
  }

  /** All committed rows of a table in order of creation; `lagMs` reads an older state. */
  rows(table, lagMs = 0) {
    const records = this.#tables.get(table);
    if (!records) {
      return [];
    }
    const asOfMs = this.#clock.rawMs() - lagMs;
    const result = [];
    for (const versions of records.values()) {
      const row = lagMs > 0 ? versionAsOf(versions, asOfMs) : newest(versions);
      if (row) {
        result.push(row);
      }
    }
    return result;
  }

  rowAsOf(table, id, lagMs) {
    const versions = this.#tables.get(table)?.get(id);
    if (!versions) {
      return null;
    }
    return lagMs > 0 ? versionAsOf(versions, this.#clock.rawMs() - lagMs) : newest(versions);
  }

  /** Ids of the committed rows whose indexed field has `value`. */
  find(table, field, value) {
    const index = this.#indexes.get(`${table}.${field}`);
    return [...(index.ids.get(index.key(value, {})) ?? [])];
  }

  indexKey(table, field, value, row) {
    return this.#indexes.get(`${table}.${field}`).key(value, row);
  }

  counter(name) {
    return this.#counters[name] ?? 0;
  }

  /** Every applied mutation after number `after`, in order of commit. */
  log(after = 0) {
    return this.#log.slice(after);
  }

  /** Calls `listener` with the new entries of the log after each commit. */
  onCommit(listener) {
    this.#listeners.push(listener);
  }

  /** When the oldest transaction still open began, or null. */
  oldestOpenMs() {
    let oldest = null;
    for (const { startedMs } of this.#open) {
      oldest = oldest === null ? startedMs : Math.min(oldest, startedMs);
    }
    return oldest;
  }

  /**
   * Runs `work(transaction)` (synchronous) with `lockKeys` held and commits what it staged. The
   * stamp is taken before `author.holdMs` passes and the rows appear after it: a late commit.
   * `author`: {actor, user, userAgent, headers, holdMs, onCommit}. A throw commits nothing.
   */
  async transact(author, lockKeys, work) {
    const release = await this.#locks.acquireAll(lockKeys, this.#lockWaitMs);
    const open = { startedMs: this.#clock.nowMs() };
    this.#open.add(open);
    try {
      if (author.holdMs > 0) {
        await waitMs(author.holdMs);
      }
      const transaction = new Transaction(this, open.startedMs);
      const result = work(transaction);
      if (transaction.mutations.length > 0) {
        this.#commit(transaction, author);
      }
      return result;
    } finally {
      this.#open.delete(open);
      release();
    }
  }

  #commit(transaction, author) {
    const entry = {
      transaction: this.#transactions + 1,
      committed_at: new Date(this.#clock.nowMs()).toISOString(),
      committed_ms: this.#clock.rawMs(),
      started_at: new Date(transaction.stampMs).toISOString(),
      actor: author.actor,
      user: author.user,
      user_agent: author.userAgent ?? '',
      headers: author.headers ?? {},
      counters: transaction.counters,
      mutations: transaction.mutations,
    };
    this.#disk.append(entry);
    const before = this.#log.length;
    this.#apply(entry);
    this.#listeners.forEach((listener) => listener(this.#log.slice(before)));
    author.onCommit?.(entry.mutations.length);
  }

  #apply(entry) {
    const { mutations, counters, committed_ms: committedMs, ...about } = entry;
    this.#transactions = entry.transaction;
    Object.assign(this.#counters, counters);
    for (const { table, id, op, after } of mutations) {
      const records = this.#tables.get(table) ?? new Map();
      this.#tables.set(table, records);
      const versions = records.get(id) ?? [];
      records.set(id, versions);
      const before = newest(versions);
      versions.push({ committedMs, row: after });
      this.#reindex(table, id, before, after);
      const n = this.#log.length + 1;
      this.#log.push(loggedMutation({ n, about, table, id, op, before, after }));
    }
  }

  #reindex(table, id, before, after) {
    for (const index of this.#indexes.values()) {
      if (index.table !== table) {
        continue;
      }
      const oldKey = before ? index.key(before[index.field], before) : null;
      const newKey = after ? index.key(after[index.field], after) : null;
      if (oldKey === newKey) {
        continue;
      }
      if (oldKey !== null) {
        index.ids.get(oldKey)?.delete(id);
      }
      if (newKey !== null) {
        index.ids.set(newKey, (index.ids.get(newKey) ?? new Set()).add(id));
      }
    }
  }
}

function loggedMutation({ n, about, table, id, op, before, after }) {
  const { transaction, committed_at: at, started_at, actor, user, user_agent, headers } = about;
  return {
    n,
    at,
    started_at,
    transaction,
    table,
    id,
    op,
    before,
    after,
    actor,
    user,
    user_agent,
    headers,
  };
}

function newest(versions) {
  return versions && versions.length > 0 ? versions[versions.length - 1].row : null;
}

function versionAsOf(versions, asOfMs) {
  for (let i = versions.length - 1; i >= 0; i -= 1) {
    if (versions[i].committedMs <= asOfMs) {
      return versions[i].row;
    }
  }
  return null;
}

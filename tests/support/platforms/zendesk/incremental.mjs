// The incremental export. By cursor: rows in order of (stamp, id) behind a position, without those
// of the last minute. By time: rows from a second on, which repeat at every boundary.

import { jsonReply } from '../lib/reply.mjs';
import { badRequest, noEndpoint } from './api_error.mjs';
import { decodeCursor, encodeCursor } from './paging.mjs';
import { lagOf } from './resource_routes.mjs';
import { showExported } from './show.mjs';

const settleSeconds = 60;
const pageMax = 1_000;
const byCursor = ['tickets', 'users'];

export class IncrementalExport {
  #store;
  #clock;
  #url;

  constructor({ store, clock, url }) {
    this.#store = store;
    this.#clock = clock;
    this.#url = url;
  }

  /** GET /incremental/<table>/cursor. */
  byCursor(request, table) {
    if (!byCursor.includes(table.name)) {
      throw noEndpoint();
    }
    const position = this.#position(request);
    const settled = this.#settled(request, table);
    const rows = settled.filter((row) => isBehind(row, position));
    const size = pageSize(request);
    let page = rows.slice(0, size);
    const short = request.takeFault('short_page');
    if (short) {
      page = page.slice(0, Math.max(1, page.length - (short.rows ?? 1)));
    }
    const last = page.at(-1);
    const cursor = last
      ? encodeCursor(`${last.$stamp}.0`, last.id)
      : encodeCursor(`${position.stamp}.0`, position.id);
    const repeated = repeatedRows(request, settled, page);
    return jsonReply(200, {
      [table.name]: [...repeated, ...page].map((row) => showExported(table, row, this.#url())),
      after_url: this.#link(request, { cursor }),
      after_cursor: cursor,
      before_url: null,
      before_cursor: null,
      end_of_stream: page.length === rows.length,
    });
  }

  /** GET /incremental/<table>. More than a page when so many share the last second of it. */
  byTime(request, table) {
    const start = this.#startTime(request);
    const rows = this.#settled(request, table).filter((row) => row.$stamp >= start);
    const size = pageSize(request);
    const lastStamp = rows[Math.min(size, rows.length) - 1]?.$stamp ?? null;
    const page = rows.filter((row) => row.$stamp <= lastStamp);
    const isEnd = page.length === rows.length;
    return jsonReply(200, {
      [table.name]: page.map((row) => showExported(table, row, this.#url())),
      count: page.length,
      next_page: lastStamp === null ? null : this.#link(request, { start_time: lastStamp }),
      end_time: lastStamp,
      end_of_stream: isEnd,
    });
  }

  /** The rows that are told by now, in their order. */
  #settled(request, table) {
    const newest = Math.floor(this.#clock.nowMs() / 1000) - settleSeconds;
    const withDeleted = request.query.get('exclude_deleted') !== 'true';
    return this.#store
      .rows(table.name, lagOf(request))
      .filter((row) => row.$stamp <= newest && (withDeleted || row.status !== 'deleted'))
      .sort((a, b) => a.$stamp - b.$stamp || a.id - b.id);
  }

  #position(request) {
    const { query } = request;
    const { key, id } = decodeCursor(query.get('cursor')) ?? {};
    if (/^\d+(\.\d+)?$/.test(key ?? '')) {
      return { stamp: Math.floor(Number(key)), id };
    }
    // With a start_time a cursor that is none does no harm: node-zendesk sends `undefined`.
    if (query.has('cursor') && !query.has('start_time')) {
      throw badRequest('InvalidValue', 'cursor is invalid');
    }
    return { stamp: this.#startTime(request), id: 0 };
  }

  #startTime(request) {
    const text = request.query.get('start_time') ?? '';
    if (!/^\d+$/.test(text)) {
      throw badRequest('InvalidValue', 'start_time is missing or no Unix time');
    }
    if (Number(text) > this.#clock.nowMs() / 1000 - settleSeconds) {
      const description = 'Too recent start_time. Use a start_time older than 60 seconds';
      throw badRequest('StartTimeTooRecent', description);
    }
    return Number(text);
  }

  #link(request, changes) {
    const query = new URLSearchParams(request.query);
    query.delete('start_time');
    Object.entries(changes).forEach(([name, value]) => query.set(name, String(value)));
    return `${this.#url()}${request.path}?${query}`;
  }
}

function isBehind(row, { stamp, id }) {
  return row.$stamp > stamp || (row.$stamp === stamp && row.id > id);
}

/** The fault `repeat_rows`: rows that the page before ended with come again. */
function repeatedRows(request, settled, page) {
  const fault = page.length > 0 ? request.takeFault('repeat_rows') : null;
  if (!fault) {
    return [];
  }
  const at = settled.indexOf(page[0]);
  return settled.slice(Math.max(0, at - (fault.rows ?? 1)), at);
}

function pageSize({ query }) {
  const text = query.get('per_page');
  const asked = text !== null && /^\d+$/.test(text) ? Number(text) : pageMax;
  return Math.min(pageMax, Math.max(1, asked));
}

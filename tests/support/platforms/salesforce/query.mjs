// query, queryAll and their further pages. A locator keeps the ids the query found, in order; a
// page shows the rows as they are when it is fetched, without those deleted meanwhile.

import { randomBytes } from 'node:crypto';
import { jsonReply } from '../lib/reply.mjs';
import { ApiError } from './api_error.mjs';
import { planQuery } from './soql_plan.mjs';
import { parseSoql } from './soql_parser.mjs';
import { showValue } from './values.mjs';

const batchSizeMax = 2_000;
const batchSizeMin = 200;
const locatorsMax = 200;

export class Query {
  #schema;
  #store;
  #clock;
  #lifetimeMs;
  #locators = new Map();

  constructor({ schema, store, clock, locatorLifetimeMs }) {
    this.#schema = schema;
    this.#store = store;
    this.#clock = clock;
    this.#lifetimeMs = locatorLifetimeMs;
  }

  expireLocators() {
    this.#locators.clear();
  }

  /** GET query?q= or queryAll?q=; `withDeleted` tells which. */
  start(request, version, withDeleted) {
    const text = request.query.get('q');
    if (text === null) {
      throw new ApiError(400, 'MALFORMED_QUERY', 'A query string has to be specified');
    }
    const tree = parseSoql(text);
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const readRow = (objectName, id) => this.#store.rowAsOf(objectName, id, lagMs);
    const plan = planQuery(this.#schema, tree, readRow);
    let rows = this.#store
      .rows(plan.object.name, lagMs)
      .filter((row) => (withDeleted || !row.IsDeleted) && plan.accepts(row));
    if (plan.compare) {
      rows.sort(plan.compare);
    }
    rows = rows.slice(plan.offset, plan.limit === null ? undefined : plan.offset + plan.limit);
    if (plan.isCount) {
      return jsonReply(200, { totalSize: rows.length, done: true, records: [] });
    }
    const batchSize = batchSizeOf(request);
    const records = rows.slice(0, batchSize).map((row) => show(plan, row, version));
    const reply = { totalSize: rows.length, done: rows.length <= batchSize };
    if (!reply.done) {
      const ids = rows.map(({ Id }) => Id);
      const locator = this.#keep({ plan, ids, withDeleted });
      reply.nextRecordsUrl = nextUrl(version, locator, batchSize);
    }
    return jsonReply(200, { ...reply, records });
  }

  /** GET query/<locator>-<offset> */
  more(request, version, name) {
    const [, locator, offsetText] = /^(\w+)-(\d+)$/.exec(name) ?? [];
    const kept = this.#locators.get(locator);
    if (!kept || this.#clock.rawMs() - kept.startedMs > this.#lifetimeMs) {
      this.#locators.delete(locator);
      throw new ApiError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
    }
    const { plan, ids, withDeleted } = kept;
    const offset = Number(offsetText);
    const batchSize = batchSizeOf(request);
    const records = ids
      .slice(offset, offset + batchSize)
      .map((id) => this.#store.row(plan.object.name, id))
      .filter((row) => row && (withDeleted || !row.IsDeleted))
      .map((row) => show(plan, row, version));
    const reply = { totalSize: ids.length, done: offset + batchSize >= ids.length };
    if (!reply.done) {
      reply.nextRecordsUrl = nextUrl(version, locator, offset + batchSize);
    }
    return jsonReply(200, { ...reply, records });
  }

  #keep(entry) {
    const locator = `0r8${randomBytes(16).toString('hex').slice(0, 15)}`;
    this.#locators.set(locator, { ...entry, startedMs: this.#clock.rawMs() });
    if (this.#locators.size > locatorsMax) {
      this.#locators.delete(this.#locators.keys().next().value);
    }
    return locator;
  }
}

function nextUrl(version, locator, offset) {
  return `/services/data/v${version}/query/${locator}-${offset}`;
}

/** Sforce-Query-Options: batchSize=N is a hint kept within 200 and 2,000. */
function batchSizeOf(request) {
  const wanted = /batchSize\s*=\s*(\d+)/i.exec(request.headers['sforce-query-options'] ?? '')?.[1];
  return wanted ? Math.min(batchSizeMax, Math.max(batchSizeMin, Number(wanted))) : batchSizeMax;
}

export function attributesOf(object, id, version) {
  return { type: object.name, url: `/services/data/v${version}/sobjects/${object.name}/${id}` };
}

function show(plan, row, version) {
  const record = { attributes: attributesOf(plan.object, row.Id, version) };
  for (const { path, field, read, reference, parent } of plan.columns) {
    if (!reference) {
      record[path[0]] = showValue(field, read(row));
    } else if (row[reference.name] === null) {
      record[path[0]] = null;
    } else {
      record[path[0]] ??= { attributes: attributesOf(parent, row[reference.name], version) };
      record[path[0]][path[1]] = showValue(field, read(row));
    }
  }
  return record;
}

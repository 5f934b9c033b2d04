// /crm/v3/objects/<type>/batch/{read,create,update,archive}: up to 100 records in one call.
//
// A value that is refused refuses the whole batch, unless each input has an objectWriteTraceId of
// its own: then the others are done, and a 207 tells of each failure by that id. What is not there
// is told by its id in a 207 either way. A body without `inputs` is done without a word.

import { emptyReply, jsonReply } from '../lib/reply.mjs';
import { ApiError, asApiError, badJson, invalid, notFound } from './api_error.mjs';
import { locate } from './object_routes.mjs';
import { readJson } from './read_json.mjs';
import { showRow } from './show.mjs';
import { momentText } from './values.mjs';

const inputsMax = 100;

export class BatchRoutes {
  #parts;

  /** `parts`: store, records, clock, user, multiStatus (whether trace ids are heeded). */
  constructor(parts) {
    this.#parts = parts;
  }

  async handle(request, type, action) {
    if (!['read', 'create', 'update', 'archive'].includes(action)) {
      throw new ApiError(404, null, 'resource not found');
    }
    const body = readJson(request);
    const inputs = inputsOf(body, action);
    if (action === 'read') {
      return this.#read(request, type, { body, inputs });
    }
    const { store, user } = this.#parts;
    const author = request.author(user);
    const keys = inputs.filter(({ id }) => id).map(({ id }) => `${type.name}/${id}`);
    const outcome = await store.transact(author, keys, (transaction) =>
      this.#write(transaction, type, { action, inputs }),
    );
    if (action === 'archive') {
      return emptyReply(204);
    }
    return this.#reply(request, outcome, action === 'create' ? 201 : 200);
  }

  #read(request, type, { body, inputs }) {
    const names = Array.isArray(body.properties) ? body.properties.map(String) : null;
    const lagMs = request.takeFault('read_lag')?.delay_ms ?? 0;
    const { store } = this.#parts;
    const results = [];
    const missing = [];
    for (const { id } of inputs) {
      const row = store.rowAsOf(type.name, locate(store, type, id, body.idProperty), lagMs);
      if (row && !row.archived) {
        results.push(showRow(type, row, names));
      } else {
        missing.push({ id });
      }
    }
    return this.#reply(request, { results, errors: missingErrors(type, missing) }, 200);
  }

  #write(transaction, type, { action, inputs }) {
    const { records, multiStatus } = this.#parts;
    const traces = new Set(inputs.map((input) => input.objectWriteTraceId));
    const byTrace = multiStatus && !traces.has(undefined) && traces.size === inputs.length;
    const results = [];
    const errors = [];
    const missing = [];
    for (const input of inputs) {
      const { id, properties, objectWriteTraceId } = input;
      const traced = objectWriteTraceId === undefined ? {} : { objectWriteTraceId };
      try {
        const row = writeOne(records, transaction, type, { action, id, properties });
        if (row) {
          results.push({ ...showRow(type, row, Object.keys(properties)), ...traced });
        }
      } catch (error) {
        const failure = asApiError(error);
        if (failure.category === 'OBJECT_NOT_FOUND') {
          missing.push(input);
        } else if (byTrace) {
          errors.push(failure.ofBatch({ objectWriteTraceId: [objectWriteTraceId] }));
        } else {
          throw failure;
        }
      }
    }
    return { results, errors: [...errors, ...missingErrors(type, missing)] };
  }

  #reply(request, { results, errors }, status) {
    let told = results;
    const lost = request.takeFault('result_missing');
    if (lost) {
      told = told.slice(0, Math.max(0, told.length - (lost.rows ?? 1)));
    }
    if (request.takeFault('results_reversed')) {
      told = [...told].reverse();
    }
    const now = momentText(this.#parts.clock.nowMs());
    const body = { status: 'COMPLETE', results: told, startedAt: now, completedAt: now };
    return errors.length > 0
      ? jsonReply(207, { ...body, numErrors: errors.length, errors })
      : jsonReply(status, body);
  }
}

function writeOne(records, transaction, type, { action, id, properties }) {
  switch (action) {
    case 'create':
      return records.create(transaction, type, properties);
    case 'archive':
      return records.archive(transaction, type, id);
    default: {
      const row = transaction.row(type.name, id);
      if (!row || row.archived) {
        throw notFound(id);
      }
      return records.update(transaction, type, id, properties);
    }
  }
}

function inputsOf(body, action) {
  const inputs = body.inputs ?? [];
  const isObject = (input) => input !== null && typeof input === 'object';
  if (!Array.isArray(inputs) || !inputs.every(isObject)) {
    throw badJson('inputs is no list of objects');
  }
  if (inputs.length > inputsMax) {
    throw invalid(`The maximum number of allowed inputs is ${inputsMax}`);
  }
  if (action === 'create') {
    return inputs;
  }
  const ids = inputs.map(({ id }) => String(id ?? ''));
  if (ids.includes('')) {
    throw badJson('some required attributes are not set [id]');
  }
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  if (twice.length > 0) {
    const context = { ids: [...new Set(twice)] };
    const message = `Duplicate IDs found in batch input: [${context.ids.join(', ')}].`;
    throw invalid(`${message} IDs must be unique`, { context });
  }
  return inputs.map((input, i) => ({ ...input, id: ids[i] }));
}

function missingErrors(type, missing) {
  if (missing.length === 0) {
    return [];
  }
  const traces = missing.map((input) => input.objectWriteTraceId).filter(Boolean);
  const context = { ids: missing.map(({ id }) => id) };
  return [
    {
      status: 'error',
      category: 'OBJECT_NOT_FOUND',
      message: `Could not get some ${type.label} objects, they may be deleted or not exist.`,
      context: traces.length > 0 ? { ...context, objectWriteTraceId: traces } : context,
    },
  ];
}

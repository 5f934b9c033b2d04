// composite/sobjects: up to 200 records in one call, answered 200 with a result per record in the
// order asked. One call is one transaction; a record that fails leaves the others in place unless
// allOrNone.

import { jsonReply } from '../lib/reply.mjs';
import { ApiError, asApiError, notFound } from './api_error.mjs';
import { normaliseId } from './record_id.mjs';
import { fieldOf } from './schema.mjs';

const recordsMax = 200;
const chunksMax = 10;
const retrievedMax = 2_000;

export class Collections {
  #schema;
  #store;
  #records;

  constructor({ schema, store, records }) {
    this.#schema = schema;
    this.#store = store;
    this.#records = records;
  }

  create(input, author) {
    const records = this.#checked(input);
    return this.#run({ input, records, author, lockKeys: [] }, (transaction, record) => {
      const object = this.#objectOf(record);
      const id = this.#records.create(transaction, object, record, author.userId);
      return { id, success: true, errors: [] };
    });
  }

  update(input, author) {
    const records = this.#checked(input);
    const lockKeys = records.map((record) => lockKey(this.#find(record), idOf(record)));
    return this.#run({ input, records, author, lockKeys }, (transaction, record) => {
      const object = this.#objectOf(record);
      const id = idOf(record) ?? missingId();
      const fields = without(record, 'id');
      this.#records.update(transaction, object, id, { input: fields, by: author.userId });
      return { id, success: true, errors: [] };
    });
  }

  upsert(input, author, { object, field }) {
    const records = this.#checked(input);
    const valueOf = (record) => record[keyLike(record, field.name)] ?? null;
    const lockKeys = records.flatMap((record) =>
      valueOf(record) === null
        ? []
        : this.#store
            .find(object.name, field.name, valueOf(record))
            .map((id) => lockKey(object, id)),
    );
    return this.#run({ input, records, author, lockKeys }, (transaction, record) => {
      if (this.#objectOf(record) !== object) {
        throw new ApiError(400, 'INVALID_FIELD', `every record must be of type ${object.name}`);
      }
      const value = valueOf(record);
      if (value === null) {
        const message = `${field.name} not specified`;
        throw new ApiError(400, 'MISSING_ARGUMENT', message, [field.name]);
      }
      const fields = without(record, field.name);
      const request = { field, value, input: fields, by: author.userId };
      const result = this.#records.upsert(transaction, object, request);
      if (result.several) {
        const message = `More than one record found for external id field: [${result.several}]`;
        throw new ApiError(300, 'DUPLICATE_EXTERNAL_ID', message, []);
      }
      return { id: result.id, success: true, errors: [], created: result.created };
    });
  }

  remove({ ids, allOrNone }, author) {
    const records = checkSize(ids.map((text) => ({ id: normaliseId(text) })));
    const objectFor = (id) =>
      this.#schema.objects().find(({ keyPrefix }) => id?.startsWith(keyPrefix));
    const lockKeys = records.map(({ id }) => lockKey(objectFor(id), id));
    const input = { allOrNone };
    return this.#run({ input, records, author, lockKeys }, (transaction, { id }) => {
      const object = objectFor(id) ?? missingId();
      this.#records.remove(transaction, object, id, author.userId);
      return { id, success: true, errors: [] };
    });
  }

  /** Rows in the order of `ids`, null where there is none; `show` renders one. */
  retrieve({ ids, fields }, object, { show, lagMs }) {
    if (!Array.isArray(ids) || !Array.isArray(fields) || ids.length > retrievedMax) {
      throw new ApiError(400, 'MALFORMED_QUERY', `ids (at most ${retrievedMax}) and fields needed`);
    }
    const columns = fields.map((name) => {
      const field = fieldOf(object, name);
      if (!field) {
        const message = `No such column '${name}' on sobject of type ${object.name}`;
        throw new ApiError(400, 'INVALID_FIELD', message);
      }
      return field;
    });
    return jsonReply(
      200,
      ids.map((text) => {
        const row = this.#store.rowAsOf(object.name, normaliseId(text), lagMs);
        return row && !row.IsDeleted ? show(row, columns) : null;
      }),
    );
  }

  async #run({ input, records, author, lockKeys }, each) {
    const keys = lockKeys.filter((key) => key !== null);
    const results = await this.#store.transact(author, keys, (transaction) => {
      const all = records.map((record) => outcome(() => each(transaction, record)));
      if (input.allOrNone === true && all.some(({ success }) => !success)) {
        transaction.abandon();
        return all.map((result) => (result.success ? rolledBack() : result));
      }
      return all;
    });
    return jsonReply(200, results);
  }

  #checked(input) {
    if (!Array.isArray(input?.records)) {
      throw new ApiError(400, 'MISSING_ARGUMENT', 'records: an array is required');
    }
    checkSize(input.records);
    let chunks = 0;
    input.records.forEach((record, i) => {
      const type = record?.attributes?.type;
      chunks += i === 0 || type !== input.records[i - 1]?.attributes?.type ? 1 : 0;
    });
    if (chunks > chunksMax) {
      throw new ApiError(400, 'LIMIT_EXCEEDED', `more than ${chunksMax} chunks of one type`);
    }
    return input.records;
  }

  #find(record) {
    return this.#schema.find(record?.attributes?.type ?? '');
  }

  #objectOf(record) {
    const object = this.#find(record);
    if (!object) {
      const message = `sObject type '${record?.attributes?.type}' is not supported.`;
      throw new ApiError(400, 'INVALID_TYPE', message);
    }
    return object;
  }
}

function outcome(work) {
  try {
    return work();
  } catch (error) {
    return asApiError(error).result();
  }
}

function rolledBack() {
  const message =
    'Record rolled back because not all records were valid and the request was using ' +
    'AllOrNone header';
  const statusCode = 'ALL_OR_NONE_OPERATION_ROLLED_BACK';
  return { success: false, errors: [{ statusCode, message, fields: [] }] };
}

function checkSize(records) {
  if (records.length > recordsMax) {
    const message = `record limit reached. cannot submit more than ${recordsMax} records`;
    throw new ApiError(400, 'EXCEEDED_ID_LIMIT', message);
  }
  return records;
}

export function lockKey(object, id) {
  return object && id ? `${object.name}/${id}` : null;
}

function missingId() {
  throw notFound('Provided id does not name a record');
}

function keyLike(record, name) {
  return Object.keys(record).find((key) => key.toLowerCase() === name.toLowerCase());
}

function idOf(record) {
  return normaliseId(record[keyLike(record, 'id')]);
}

function without(record, name) {
  const { [keyLike(record, name)]: dropped, ...rest } = record;
  return rest;
}

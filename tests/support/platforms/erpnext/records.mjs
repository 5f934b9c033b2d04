// Writes of documents on a transaction: names, stamps, validation, submission, unique fields.

import { FrappeError, notFound, validationError } from './api_error.mjs';
import { fieldOf } from './schema.mjs';
import { acceptValue, collationKey, stampText } from './values.mjs';

export class Records {
  #schema;
  #utcOffsetMinutes;

  constructor({ schema, utcOffsetMinutes }) {
    this.#schema = schema;
    this.#utcOffsetMinutes = utcOffsetMinutes;
  }

  /** Stages a new document and returns it. Unknown names in `input` are passed over. */
  create(transaction, doctype, { input, user }) {
    const row = { docstatus: 0, idx: 0 };
    for (const [name, field] of Object.entries(doctype.fields)) {
      if (!field.own) {
        row[name] = acceptValue(doctype, name, input[name] ?? field.default ?? null);
      }
    }
    const name = this.#name(transaction, doctype, row);
    const stamp = stampText(transaction.stampMs, this.#utcOffsetMinutes);
    const stamps = { creation: stamp, modified: stamp, owner: user, modified_by: user };
    const saved = { name, ...stamps, ...row };
    this.#validate(transaction, doctype, saved);
    transaction.write(doctype.name, name, 'create', saved);
    return saved;
  }

  /** Stages the changed document. The stamp moves even if nothing does. `stamp`: normal, none. */
  update(transaction, doctype, current, { input, user, stamp = 'normal' }) {
    // A document that says when it was read is only written over as of then.
    if (input.modified !== undefined && shown(input.modified) !== shown(current.modified)) {
      const why = 'Document has been modified after you have opened it';
      throw validationError(why, 'TimestampMismatchError');
    }
    const changes = {};
    for (const [name, value] of Object.entries(input)) {
      if (fieldOf(doctype, name) && !doctype.fields[name].own) {
        changes[name] = acceptValue(doctype, name, value);
      }
    }
    const docstatus = submission(doctype, current, { ...changes, docstatus: input.docstatus });
    const modified = stampText(transaction.stampMs, this.#utcOffsetMinutes);
    const stamps = stamp === 'none' ? {} : { modified, modified_by: user };
    const saved = { ...current, ...changes, docstatus, ...stamps };
    this.#validate(transaction, doctype, saved);
    transaction.write(doctype.name, saved.name, 'update', saved);
    return saved;
  }

  remove(transaction, doctype, row) {
    if (row.docstatus === 1) {
      throw validationError('Submitted Record cannot be deleted. You must Cancel it first.');
    }
    for (const other of this.#schema.doctypes()) {
      const links = Object.keys(other.fields).filter(
        (name) => other.fields[name].to === doctype.name,
      );
      const linking = links.flatMap((name) => transaction.find(other.name, name, row.name));
      if (linking.length > 0) {
        const why = `${doctype.name} ${row.name} is linked with ${other.name} ${linking[0]}`;
        throw validationError(`Cannot delete because ${why}`, 'LinkExistsError');
      }
    }
    transaction.write(doctype.name, row.name, 'delete', null);
  }

  /** By a field, numbered where the name is taken and the DocType says so; or by a series. */
  #name(transaction, doctype, row) {
    const { by, numbered, series, digits } = doctype.naming;
    if (series) {
      return series + String(transaction.next(doctype.name)).padStart(digits, '0');
    }
    const wanted = String(row[by] ?? '').trim();
    if (wanted === '') {
      throw mandatory(doctype, wanted, by);
    }
    if (/[<>]/.test(wanted)) {
      throw validationError("Name cannot contain special characters like '<>'", 'NameError');
    }
    if (transaction.find(doctype.name, 'name', wanted).length === 0) {
      return wanted;
    }
    if (!numbered) {
      throw new FrappeError(409, 'DuplicateEntryError', `${doctype.name} ${wanted} already exists`);
    }
    return `${wanted} - ${transaction.next(`${doctype.name}/${collationKey(wanted)}`)}`;
  }

  #validate(transaction, doctype, row) {
    for (const [name, field] of Object.entries(doctype.fields)) {
      const value = row[name];
      if (field.required && (value === null || value === '')) {
        throw mandatory(doctype, row.name, name);
      }
      if (field.to && value && transaction.find(field.to, 'name', value).length === 0) {
        throw validationError(`Could not find ${name}: ${value}`, 'LinkValidationError');
      }
      if (field.unique && value !== null) {
        const others = transaction.find(doctype.name, name, value);
        if (others.some((other) => other !== row.name)) {
          const why = `${doctype.name} ${name} must be unique`;
          throw validationError(why, 'UniqueValidationError');
        }
      }
    }
  }
}

/** The document as the database finds it: names compare without case. */
export function documentOf(source, doctype, name) {
  const [found] = source.find(doctype.name, 'name', name);
  if (found === undefined) {
    throw notFound(doctype.name, name);
  }
  return source.row(doctype.name, found);
}

function mandatory(doctype, name, field) {
  return validationError(`[${doctype.name}, ${name}]: ${field}`, 'MandatoryError');
}

function shown(stamp) {
  return String(stamp).replace(/\.000000$/, '');
}

/** 0 draft, 1 submitted, 2 cancelled; the new one. */
function submission(doctype, current, { docstatus, ...changes }) {
  const wanted = docstatus === undefined || !doctype.submittable ? current.docstatus : docstatus;
  const step = `${current.docstatus}${wanted}`;
  if (step === '22') {
    throw validationError('Cannot edit cancelled document');
  }
  if (!['00', '01', '11', '12'].includes(step)) {
    const why = `Cannot change docstatus from ${current.docstatus} to ${wanted}`;
    throw validationError(why, 'DocstatusTransitionError');
  }
  const changed = Object.keys(changes).find(
    (name) => changes[name] !== current[name] && !doctype.fields[name].on_submit,
  );
  if (step === '11' && changed !== undefined) {
    const why = `Not allowed to change ${changed} after submission`;
    throw validationError(why, 'UpdateAfterSubmitError');
  }
  return wanted;
}

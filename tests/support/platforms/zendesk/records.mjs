// Writes of tickets, users and organizations on a transaction: checks, rules, stamps, comments.

import { applyRules } from '../lib/automation.mjs';
import { invalidAttribute, notFound, recordInvalid, updateConflict } from './api_error.mjs';
import { lookupKey } from './schema.mjs';
import { agentId, humanId } from './sessions.mjs';
import { ValueProblem, acceptValue, emptyValue, stampText } from './values.mjs';

export class Records {
  #schema;

  constructor({ schema }) {
    this.#schema = schema;
  }

  /** Stages a new row and returns it. `idempotency`: {key, ...} that a ticket is made under. */
  create(transaction, table, { input, userId, idempotency = null }) {
    const given = withRequester(this.#schema, transaction, table, { input, userId, records: this });
    const start = Object.fromEntries(
      Object.entries(table.fields).map(([name, field]) => [name, initialValue(field, userId)]),
    );
    const values = { ...start, ...accept(transaction, table, given, start) };
    const id = table.first_id - 1 + transaction.next(table.name);
    const comment = table.name === 'tickets' ? readComment(given) : null;
    this.#check(transaction, table, { id, values, comment, isNew: true });
    const stamp = stampText(transaction.stampMs);
    const row = {
      id,
      ...this.#ruled(table, values),
      created_at: stamp,
      updated_at: stamp,
      $stamp: seconds(transaction),
    };
    if (table.name === 'users') {
      row.active = true;
    }
    if (table.name === 'tickets') {
      row.description = comment.body;
      row.$comments = [made(transaction, comment, { userId, stamp })];
      row.$audit = transaction.next('audits');
      row.$idempotency = idempotency;
    }
    transaction.write(table.name, id, 'create', row);
    return row;
  }

  /**
   * Stages the changed row; a save that changes nothing stages nothing. `stamp`: "normal", "system"
   * (moves only what the export goes by), "none".
   */
  update(transaction, table, id, { input, userId, stamp = 'normal' }) {
    const current = live(transaction, table, id);
    if (table.name === 'tickets') {
      checkSafeUpdate(current, input);
    }
    const accepted = accept(transaction, table, input, current);
    const comment = table.name === 'tickets' ? readComment({ comment: input.comment }) : null;
    const values = this.#ruled(table, { ...current, ...accepted });
    const isSame = Object.keys(accepted).every((name) => isEqual(values[name], current[name]));
    if (isSame && comment === null) {
      return current;
    }
    this.#check(transaction, table, { id, values, comment, current });
    const row = stamped(transaction, { ...values, updated_at: current.updated_at }, stamp);
    if (table.name === 'tickets') {
      const said = { userId, stamp: stampText(transaction.stampMs) };
      const added = comment === null ? [] : [made(transaction, comment, said)];
      row.$comments = [...current.$comments, ...added];
      row.$audit = transaction.next('audits');
    }
    transaction.write(table.name, id, 'update', row);
    return row;
  }

  /** A ticket goes to the deleted ones, a user becomes inactive, an organization is gone. */
  remove(transaction, table, id) {
    const current = live(transaction, table, id);
    if (table.name === 'organizations') {
      transaction.write(table.name, id, 'delete', null);
      return null;
    }
    const gone =
      table.name === 'tickets' ? { status: 'deleted', $was: current.status } : { active: false };
    const row = stamped(transaction, { ...current, ...gone }, 'normal');
    transaction.write(table.name, id, 'delete', row);
    return row;
  }

  /** Takes a ticket out of the deleted ones. */
  restore(transaction, table, id) {
    const current = transaction.row(table.name, id);
    if (!current || current.status !== 'deleted') {
      throw notFound();
    }
    const row = stamped(transaction, { ...current, status: current.$was }, 'normal');
    transaction.write(table.name, id, 'update', row);
    return row;
  }

  #ruled(table, values) {
    const ruled = applyRules(this.#schema.rules, table.name, values);
    const isAssigned = table.name === 'tickets' && ruled.assignee_id !== null;
    return isAssigned && ruled.status === 'new' ? { ...ruled, status: 'open' } : ruled;
  }

  #check(transaction, table, { id, values, comment, current = null, isNew = false }) {
    const details = {};
    for (const [name, field] of Object.entries(table.fields)) {
      const value = values[name];
      if (field.required && value === null) {
        note(details, name, 'BlankValue', 'cannot be blank');
      }
      if (field.unique && isTaken(transaction, table, { name, value, id })) {
        note(details, name, 'DuplicateValue', `${value} is already being used`);
      }
      const isChanged = value !== current?.[name];
      if (field.type === 'reference' && isChanged && !exists(transaction, field.to, value)) {
        note(details, name, 'InvalidValue', 'is invalid');
      }
    }
    if (isNew && table.name === 'tickets' && comment === null) {
      details.base = [{ description: 'Description: cannot be blank', error: 'BlankValue' }];
    }
    if (table.name === 'tickets' && current?.status === 'closed') {
      note(details, 'status', 'InvalidValue', 'closed prevents ticket update');
    }
    if (Object.keys(details).length > 0) {
      throw recordInvalid(details);
    }
  }
}

/** The row, or 404 when there is none or it was deleted (a deleted user can still be read). */
function live(transaction, table, id) {
  const row = transaction.row(table.name, id);
  if (!row || row.status === 'deleted' || row.active === false) {
    throw notFound();
  }
  return row;
}

function checkSafeUpdate(current, { safe_update: safe, updated_stamp: stamp }) {
  if (safe === undefined || stamp === undefined) {
    return;
  }
  const readMs = Date.parse(stamp);
  if (Number.isNaN(readMs)) {
    throw invalidAttribute('updated_stamp', 'It is no time.');
  }
  // Whatever `safe_update` says: false has the same effect as true.
  if (Math.floor(readMs / 1000) < Date.parse(current.updated_at) / 1000) {
    throw updateConflict();
  }
}

/** `requester: {name, email}` in place of requester_id: the user of that address, or a new one. */
function withRequester(schema, transaction, table, { input, userId, records }) {
  const requester = input?.requester;
  if (table.name !== 'tickets' || !requester?.email) {
    return input;
  }
  const found = transaction.find('users', 'email', String(requester.email).trim());
  if (found.length > 0) {
    return { ...input, requester_id: found[0] };
  }
  const { name = requester.email, email } = requester;
  const users = schema.find('users');
  const user = records.create(transaction, users, { input: { name, email }, userId });
  return { ...input, requester_id: user.id };
}

/** Names that the table does not have are ignored without a word. */
function accept(transaction, table, input, current) {
  const values = {};
  const details = {};
  for (const [name, value] of Object.entries(input ?? {})) {
    const field = Object.hasOwn(table.fields, name) ? table.fields[name] : null;
    if (!field || value === undefined) {
      continue;
    }
    try {
      values[name] = acceptValue(field, value, current[name]);
    } catch (error) {
      if (!(error instanceof ValueProblem)) {
        throw error;
      }
      note(details, name, error.error, error.message);
    }
  }
  if (Object.keys(details).length > 0) {
    throw recordInvalid(details);
  }
  return values;
}

function note(details, name, error, text) {
  const words = name.replace(/_id$/, '').replaceAll('_', ' ');
  const label = words[0].toUpperCase() + words.slice(1);
  details[name] = [...(details[name] ?? []), { description: `${label}: ${text}`, error }];
}

function initialValue(field, userId) {
  if (field.default === 'me') {
    return userId;
  }
  return field.default ?? emptyValue(field);
}

function isTaken(transaction, table, { name, value, id }) {
  if (lookupKey(value) === null) {
    return false;
  }
  const others = transaction.find(table.name, name, value).filter((other) => other !== id);
  return others.some((other) => transaction.row(table.name, other).active !== false);
}

function exists(transaction, tableName, id) {
  return [null, agentId, humanId].includes(id) || transaction.row(tableName, id) !== null;
}

/** {body, isPublic, authorId} of `comment` or, for a new ticket, `description`; null for none. */
function readComment({ comment, description }) {
  const body = comment?.body ?? comment?.html_body ?? description;
  if (typeof body !== 'string' || body.trim() === '') {
    return null;
  }
  return { body, isPublic: comment?.public !== false, authorId: comment?.author_id ?? null };
}

function made(transaction, { body, isPublic, authorId }, { userId, stamp }) {
  const author = authorId ?? userId;
  const id = transaction.next('comments');
  return { id, body, public: isPublic, author_id: author, created_at: stamp };
}

function stamped(transaction, row, kind) {
  if (kind === 'none') {
    return row;
  }
  const moved = { ...row, $stamp: seconds(transaction) };
  return kind === 'system' ? moved : { ...moved, updated_at: stampText(transaction.stampMs) };
}

function seconds(transaction) {
  return Math.floor(transaction.stampMs / 1000);
}

function isEqual(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

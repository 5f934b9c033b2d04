// Odoo's errors: {"name", "message", "arguments", "context", "debug"}, named by the Python class.
// What a proxy in front of it says is a page.

import { encodeJson, textReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

const reasons = {
  400: ['BadRequest', 'Bad Request'],
  401: ['Unauthorized', 'Invalid apikey'],
  403: ['Forbidden', 'Forbidden'],
  404: ['NotFound', 'Not Found'],
  409: ['Conflict', 'Conflict'],
  412: ['PreconditionFailed', 'Precondition Failed'],
  422: ['UnprocessableEntity', 'Unprocessable Entity'],
};
const proxyReasons = {
  429: 'Too Many Requests',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};

export class OdooError extends Error {
  /** `name`: the Python class with its module; `args`: its arguments, the message by default. */
  constructor(status, name, message, { args = [message], headers = {} } = {}) {
    super(message);
    this.status = status;
    this.pythonName = name;
    this.args = args;
    this.headers = headers;
  }

  reply() {
    const debug = `Traceback (most recent call last):\n${this.pythonName}: ${this.message}\n`;
    const body = { name: this.pythonName, message: this.message, arguments: this.args };
    return answer({ ...body, context: {}, debug }, this.status, this.headers);
  }
}

/** A 2xx or an error as JSON, with the header as it is written there. */
export function answer(value, status = 200, headers = {}) {
  const contentType = 'application/json; charset=utf-8';
  return { status, headers, body: encodeJson(value), contentType };
}

export function httpError(status, message, headers = {}) {
  const [name, usual] = reasons[status];
  const text = message ?? usual;
  const more = { args: [text, status], headers };
  return new OdooError(status, `werkzeug.exceptions.${name}`, text, more);
}

/** Python's own, which nobody foresaw: 500, and the transaction is rolled back. */
export function valueError(message) {
  return new OdooError(500, 'builtins.ValueError', message);
}

export function userError(message) {
  return new OdooError(422, 'odoo.exceptions.UserError', message);
}

/** A constraint, of Python or of the database. */
export function validationError(message) {
  return new OdooError(422, 'odoo.exceptions.ValidationError', message);
}

export function accessError(message) {
  return new OdooError(403, 'odoo.exceptions.AccessError', message);
}

export function missingError(model, ids) {
  const message =
    'Record does not exist or has been deleted.\n' +
    `(Record: ${model}(${ids.join(', ')},), User: 2)`;
  return new OdooError(404, 'odoo.exceptions.MissingError', message);
}

export function asOdooError(error) {
  if (error instanceof OdooError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    const name = 'psycopg2.errors.SerializationFailure';
    return new OdooError(500, name, 'could not serialize access due to concurrent update\n');
  }
  throw error;
}

/** What the server says in HTML, before it knows that JSON is spoken, or a proxy in its place. */
export function page(status, title, text = '') {
  const body =
    `<!doctype html>\n<html lang=en>\n<title>${status} ${title}</title>\n` +
    `<h1>${title}</h1>\n<p>${text}</p>\n`;
  return textReply(status, body, 'text/html; charset=utf-8');
}

/** The usual body of a status, for faults. */
export function usualError(status) {
  if (proxyReasons[status]) {
    return page(status, proxyReasons[status]);
  }
  if (reasons[status]) {
    return httpError(status).reply();
  }
  return new OdooError(status, 'builtins.Exception', 'Something went wrong').reply();
}

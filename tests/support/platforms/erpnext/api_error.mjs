// Frappe's errors: {"exc_type", "exception", "exc", "_server_messages"}, the last two JSON as text.
// A 404 tells its type and message alone. Who does not ask for JSON gets a page.

import { jsonReply, textReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

const proxyReasons = {
  404: 'Not Found',
  412: 'Precondition Failed',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};

export class FrappeError extends Error {
  /** `type`: the class; `module`: where it is from, if not Frappe's own. */
  constructor(status, type, message, { module = 'frappe.exceptions', headers = {} } = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.module = module;
    this.headers = headers;
  }

  reply(asJson = true) {
    if (!asJson) {
      return { ...page(this.status, this.type), headers: this.headers };
    }
    const exception = `${this.module}.${this.type}: ${this.message}`;
    const shown = JSON.stringify({ message: this.message, title: 'Message', raise_exception: 1 });
    const more = {
      exception,
      exc: JSON.stringify([`Traceback (most recent call last):\n${exception}\n`]),
    };
    const body = {
      exc_type: this.type,
      ...(this.status === 404 ? {} : more),
      _server_messages: JSON.stringify([shown]),
    };
    return jsonReply(this.status, body, this.headers);
  }
}

export function validationError(message, type = 'ValidationError') {
  return new FrappeError(417, type, message);
}

export function notFound(doctype, name) {
  return new FrappeError(404, 'DoesNotExistError', `${doctype} ${name} not found`);
}

export function notPermitted(message = 'Not permitted') {
  return new FrappeError(403, 'PermissionError', message);
}

/** What the database says of a column that it does not have. */
export function unknownColumn(doctype, name) {
  const message = `(1054, "Unknown column 'tab${doctype}.${name}' in 'WHERE'")`;
  return new FrappeError(500, 'OperationalError', message, { module: 'pymysql.err' });
}

export function tooManyRequests(resetSeconds) {
  const headers = {
    'X-RateLimit-Limit': '600000000',
    'X-RateLimit-Remaining': '0',
    'X-RateLimit-Reset': String(resetSeconds),
    'Retry-After': String(resetSeconds),
  };
  return new FrappeError(429, 'TooManyRequestsError', '', { headers });
}

export function asFrappeError(error) {
  if (error instanceof FrappeError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    const why = '(1205, "Lock wait timeout exceeded; try restarting transaction")';
    return new FrappeError(500, 'QueryTimeoutError', why);
  }
  throw error;
}

export function page(status, title) {
  const body = `<!DOCTYPE html>\n<html><head><title>${title}</title></head>\n</html>\n`;
  return textReply(status, body, 'text/html; charset=utf-8');
}

/** The usual body of a status, for faults. */
export function usualError(status) {
  if (proxyReasons[status]) {
    return page(status, proxyReasons[status]);
  }
  return new FrappeError(status, 'Exception', `HTTP ${status}`, { module: 'builtins' }).reply();
}

// Salesforce errors: arrays with `errorCode` at the top level, `statusCode` inside a collection.

import { jsonReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

export class ApiError extends Error {
  constructor(status, errorCode, message, fields) {
    super(message);
    this.status = status;
    this.errorCode = errorCode;
    this.fields = fields;
  }

  reply() {
    const { message, errorCode, fields } = this;
    const error = fields ? { message, errorCode, fields } : { message, errorCode };
    return jsonReply(this.status, [error]);
  }

  /** The same error as one row's result in a collection. */
  result() {
    const error = { statusCode: this.errorCode, message: this.message, fields: this.fields ?? [] };
    return { success: false, errors: [error] };
  }
}

/** Turns what a handler threw into an ApiError, or rethrows what is not the client's doing. */
export function asApiError(error) {
  if (error instanceof ApiError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    const message = 'unable to obtain exclusive access to this record';
    return new ApiError(400, 'UNABLE_TO_LOCK_ROW', message, []);
  }
  throw error;
}

export function notFound(message = 'The requested resource does not exist') {
  return new ApiError(404, 'NOT_FOUND', message);
}

export function sessionInvalid() {
  return new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
}

const injected = {
  401: ['INVALID_SESSION_ID', 'Session expired or invalid'],
  403: ['REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'],
  500: ['UNKNOWN_EXCEPTION', 'An unexpected error occurred.'],
  503: ['SERVER_UNAVAILABLE', 'Server is temporarily unavailable.'],
};

/** The usual body of a status, for faults; the gateway's (502, 504) are HTML-less and empty. */
export function usualError(status) {
  if (status === 502 || status === 504) {
    return { status, headers: {}, body: '', contentType: null };
  }
  const [errorCode, message] = injected[status] ?? ['UNKNOWN_EXCEPTION', `HTTP ${status}`];
  return new ApiError(status, errorCode, message).reply();
}

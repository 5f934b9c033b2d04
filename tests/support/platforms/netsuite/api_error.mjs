// NetSuite errors: {"type", "title", "status", "o:errorDetails": [{"detail", "o:errorCode", ...}]}.

import { jsonReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export class ApiError extends Error {
  /** `place`: where in the request it is, as {"o:errorPath": "email"}. */
  constructor(status, code, detail, place = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.place = place;
  }

  reply(headers = {}) {
    const { status, code, message: detail, place } = this;
    const body = {
      type: 'https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html',
      title: titles[status] ?? `HTTP ${status}`,
      status,
      'o:errorDetails': [{ detail, ...place, 'o:errorCode': code }],
    };
    const contentType = 'application/vnd.oracle.resource+json; type=error; charset=UTF-8';
    return { ...jsonReply(status, body, headers), contentType };
  }
}

export function asApiError(error) {
  if (error instanceof ApiError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    return recordChanged();
  }
  throw error;
}

export function invalidQuery(what) {
  const detail = `Invalid search query. Search error occurred: ${what}`;
  return new ApiError(400, 'INVALID_PARAMETER', detail, { 'o:errorQueryParam': 'q' });
}

export function invalidParameter(name, detail) {
  return new ApiError(400, 'INVALID_PARAMETER', detail, { 'o:errorQueryParam': name });
}

export function invalidHeader(name, detail) {
  return new ApiError(400, 'INVALID_HEADER', detail, { 'o:errorHeader': name });
}

export function invalidContent(detail, path) {
  const place = path === undefined ? {} : { 'o:errorPath': path };
  return new ApiError(400, 'INVALID_CONTENT', `Error while accessing a resource. ${detail}`, place);
}

export function userError(detail) {
  return new ApiError(400, 'USER_ERROR', `Error while accessing a resource. ${detail}`);
}

export function notFound() {
  const detail = 'The record instance does not exist. Provide a valid record instance ID.';
  return new ApiError(404, 'NONEXISTENT_ID', detail);
}

export function recordChanged() {
  return new ApiError(409, 'RCRD_HAS_BEEN_CHANGED', 'Record has been changed');
}

export function tooMany() {
  const detail = 'Concurrent request limit exceeded. Request blocked.';
  return new ApiError(429, 'CONCURRENCY_LIMIT_EXCEEDED', detail);
}

export function invalidLogin() {
  const detail = 'Invalid login attempt. For more details, see the Login Audit Trail.';
  return new ApiError(401, 'INVALID_LOGIN', detail);
}

const usual = {
  401: invalidLogin,
  403: () => new ApiError(403, 'INSUFFICIENT_PERMISSION', 'Permission Violation'),
  404: notFound,
  409: recordChanged,
  429: tooMany,
};

/** The usual body of a status, for faults. */
export function usualError(status) {
  const other = () => new ApiError(status, 'UNEXPECTED_ERROR', 'An unexpected error occurred');
  return (usual[status] ?? other)().reply();
}

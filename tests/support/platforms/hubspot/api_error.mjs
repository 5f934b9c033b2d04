// HubSpot errors: {"status": "error", "message", "correlationId", "category"}, some with more.

import { randomUUID } from 'node:crypto';
import { jsonReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

export class ApiError extends Error {
  /** `more`: what stands in the body beside the four, as `context` or `policyName`. */
  constructor(status, category, message, more = {}) {
    super(message);
    this.status = status;
    this.category = category;
    this.more = more;
  }

  reply() {
    const { category, message, more } = this;
    const correlationId = randomUUID();
    const named = category === null ? {} : { category };
    const body = { status: 'error', message, correlationId, ...named, ...more };
    return jsonReply(this.status, body);
  }

  /** As one of the `errors` of a batch. */
  ofBatch(context) {
    return { status: 'error', category: this.category, message: this.message, context };
  }
}

export function asApiError(error) {
  if (error instanceof ApiError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    return new ApiError(423, 'LOCKED', 'The record is locked by another request');
  }
  throw error;
}

export function invalid(message, more) {
  return new ApiError(400, 'VALIDATION_ERROR', message, more);
}

export function badJson(what) {
  return invalid(`Invalid input JSON on line 1, column 1: ${what}`);
}

export function notFound(id) {
  return /^\d+$/.test(id)
    ? new ApiError(404, 'OBJECT_NOT_FOUND', 'resource not found')
    : new ApiError(404, 'OBJECT_NOT_FOUND', 'Object not found.  objectId are usually numeric.', {
        context: { id: [id] },
      });
}

export function notAuthenticated() {
  const message = 'Authentication credentials not found';
  return new ApiError(401, 'INVALID_AUTHENTICATION', message);
}

export function tokenExpired(seconds) {
  const message = `The OAuth token used to make this call expired ${seconds} second(s) ago.`;
  return new ApiError(401, 'EXPIRED_AUTHENTICATION', message);
}

/** policy: TEN_SECONDLY_ROLLING, SECONDLY or DAILY. Its body has no category. */
export function rateLimited(policyName) {
  const message = `You have reached your ${policyName.toLowerCase()} limit.`;
  return new ApiError(429, null, message, { errorType: 'RATE_LIMIT', policyName });
}

const usual = {
  403: ['MISSING_SCOPES', 'This app has not been granted all required scopes'],
  409: ['CONFLICT', 'Contact already exists. Existing ID: 101'],
  423: ['LOCKED', 'The record is locked by another request'],
  477: ['MIGRATION_IN_PROGRESS', 'The account is being moved'],
  500: ['INTERNAL_ERROR', 'internal error'],
};

/** The usual body of a status, for faults. */
export function usualError(status) {
  if (status === 401) {
    return notAuthenticated().reply();
  }
  const [category, message] = usual[status] ?? [null, `HTTP ${status}`];
  const reply = new ApiError(status, category, message).reply();
  return status === 477 ? { ...reply, headers: { 'Retry-After': '120' } } : reply;
}

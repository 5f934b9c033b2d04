// ServiceNow errors: {"error": {"message", "detail"}, "status": "failure"}.

import { jsonReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

export class ApiError extends Error {
  constructor(status, message, detail = null, headers = {}) {
    super(message);
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }

  reply() {
    const error = { message: this.message, detail: this.detail };
    return jsonReply(this.status, { error, status: 'failure' }, this.headers);
  }
}

export function asApiError(error) {
  if (error instanceof ApiError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    return cancelled();
  }
  throw error;
}

export function noRecord() {
  const detail = "Record doesn't exist or ACL restricts the record retrieval";
  return new ApiError(404, 'No Record found', detail);
}

export function notAuthenticated() {
  const detail = 'Required to provide Auth information';
  const headers = { 'WWW-Authenticate': 'BASIC realm="Service-now"' };
  return new ApiError(401, 'User Not Authenticated', detail, headers);
}

export function operationFailed(detail) {
  return new ApiError(403, 'Operation Failed', detail);
}

const cancelledMessage = 'Transaction cancelled: maximum execution time exceeded';
const cancelledDetail =
  'maximum execution time exceeded Check logs for error trace or enable ' +
  'glide.rest.debug property to verify REST request processing';

export function cancelled() {
  return new ApiError(500, cancelledMessage, cancelledDetail);
}

/** What a cancelled transaction leaves at the end of a page it had begun to send. */
export function cancelledTail() {
  const error = { message: cancelledMessage, detail: cancelledDetail };
  return `"error":${JSON.stringify(error)},"status":"failure"}`;
}

/** The usual body of a status, for faults. */
export function usualError(status) {
  if (status === 401) {
    return notAuthenticated().reply();
  }
  if (status === 500) {
    return cancelled().reply();
  }
  return new ApiError(status, `HTTP ${status}`, null).reply();
}

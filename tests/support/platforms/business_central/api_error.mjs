// Business Central errors: {"error": {"code", "message"}}, the message with a correlation id.

import { randomUUID } from 'node:crypto';
import { QueryProblem } from '../lib/odata_filter.mjs';
import { ValueProblem } from '../lib/odata_values.mjs';
import { jsonReply, textReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

export const jsonType = 'application/json; odata.metadata=minimal; odata.streaming=true';

export class ApiError extends Error {
  constructor(status, code, message, headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  reply() {
    const message = `${this.message}  CorrelationId:  ${randomUUID()}.`;
    return jsonReply(this.status, { error: { code: this.code, message } }, this.headers);
  }
}

export function asApiError(error) {
  if (error instanceof ApiError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    const text = 'The operation could not complete because the record was locked by another user.';
    return new ApiError(500, 'Internal_ServerError', text);
  }
  if (error instanceof QueryProblem) {
    return queryError(error);
  }
  if (error instanceof ValueProblem) {
    return valueError(error);
  }
  throw error;
}

function queryError({ kind, message, property }) {
  switch (kind) {
    case 'property':
      return unknownProperty(property);
    case 'unsupported':
      return new ApiError(501, 'BadRequest_MethodNotImplemented', message);
    case 'literal':
      return new ApiError(400, 'BadRequest', message);
    default:
      return new ApiError(400, 'BadRequest_NotFound', `Error in query syntax: ${message}`);
  }
}

function unknownProperty(name) {
  const text = `Could not find a property named '${name}' on type 'Microsoft.NAV.customer'.`;
  return new ApiError(400, 'BadRequest', text);
}

export function notOfType(name) {
  const text =
    `The property '${name}' does not exist on type 'Microsoft.NAV.customer'. ` +
    'Make sure to only use property names that are defined by the type.';
  return new ApiError(400, 'BadRequest', text);
}

function valueError({ kind, property, value, limit }) {
  switch (kind) {
    case 'length':
      return new ApiError(
        400,
        'Application_StringExceededLength',
        `The length of the string is ${[...value].length}, but it must be less than or equal to ` +
          `${limit} characters. Value: ${value}`,
      );
    case 'choice':
      return new ApiError(
        400,
        'Application_EvaluateException',
        `The value "${value}" can't be evaluated into type Option.`,
      );
    default:
      return new ApiError(400, 'BadRequest', `Cannot convert the value of '${property}'.`);
  }
}

export function orOnDistinctFields() {
  const text = "The 'OR' operator is not supported on distinct fields on an OData filter.";
  return new ApiError(501, 'BadRequest_MethodNotImplemented', text);
}

export function noSegment(name) {
  const text = `Resource not found for the segment '${name}'.`;
  return new ApiError(404, 'BadRequest_ResourceNotFound', text);
}

export function noRecord(set, id) {
  const values = `SystemId='{${id.toUpperCase()}}'`;
  const text = `The ${set.label} does not exist. Identification fields and values: ${values}`;
  return new ApiError(404, 'Internal_RecordNotFound', text);
}

export function sameKey(set, name, value) {
  const values = `${name}='${value}'`;
  const text = `The ${set.label} already exists. Identification fields and values: ${values}`;
  return new ApiError(400, 'Internal_EntityWithSameKeyExists', text);
}

export function changedMeanwhile() {
  const text = 'Another user has already changed the record.';
  return new ApiError(409, 'Request_EntityChanged', text);
}

export function tokenMissing() {
  const text =
    'Could not validate the client concurrency token required by the service. ' +
    'Please provide a valid token in the client request.';
  return new ApiError(400, 'BadRequest_InvalidToken', text);
}

export function pageIsGone() {
  return new ApiError(400, 'SkipTokenIsNoLongerValid', 'The skip token is no longer valid.');
}

export function notAuthenticated() {
  const text = 'The server has rejected the client credentials.';
  const headers = { 'WWW-Authenticate': 'Bearer' };
  return new ApiError(401, 'Authentication_InvalidCredentials', text, headers);
}

export function tooMany(limit) {
  const text = `Too many requests reached. Actual (${limit + 1}). Maximum (${limit}).`;
  return new ApiError(429, 'Application_TooManyRequests', text);
}

/** The usual body of a status, for faults. */
export function usualError(status) {
  switch (status) {
    case 401:
      return notAuthenticated().reply();
    case 408:
      return new ApiError(
        408,
        'RequestTimeout',
        'The operation was canceled because it took longer than the specified threshold.',
      ).reply();
    case 409:
    case 412:
      return { ...changedMeanwhile().reply(), status };
    case 429:
      return tooMany(6000).reply();
    case 500:
      return new ApiError(500, 'Internal_ServerError', 'Unexpected error').reply();
    default:
      // Of the gateway.
      return textReply(status, `<html><body><h1>${status}</h1></body></html>`, 'text/html');
  }
}

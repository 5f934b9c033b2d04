// Errors of an OData V4 service of SAP Gateway; what never reaches the service is text or HTML.

import { randomBytes } from 'node:crypto';
import { QueryProblem } from '../lib/odata_filter.mjs';
import { ValueProblem } from '../lib/odata_values.mjs';
import { jsonReply, textReply } from '../lib/reply.mjs';
import { LockTimeout } from '../lib/row_locks.mjs';

export const jsonType = 'application/json;odata.metadata=minimal;charset=utf-8';

export class ApiError extends Error {
  constructor(status, code, message, { details = [], headers = {} } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }

  reply() {
    const category = this.status < 500 ? 'Client_Error' : 'Provider_Application_Error';
    const error = {
      code: this.code,
      message: this.message,
      '@SAP__common.ExceptionCategory': category,
      details: this.details.map(([code, message]) => ({
        code,
        message,
        '@SAP__common.numericSeverity': 4,
      })),
      innererror: { ErrorDetails: innerDetails() },
    };
    const headers = { 'OData-Version': '4.0', ...this.headers };
    return { ...jsonReply(this.status, { error }, headers), contentType: jsonType };
  }
}

function innerDetails() {
  const now = new Date().toISOString();
  const timestamp = `${now.slice(0, 19).replace(/[-T:]/g, '')}.${now.slice(20, 23)}000`;
  return {
    '@SAP__common.Application': {
      ComponentId: 'BC-ESI-ESF-GW',
      ServiceRepository: 'SRVD_A2X',
      ServiceId: 'BP',
      ServiceVersion: '0001',
    },
    '@SAP__common.TransactionId': randomBytes(16).toString('hex').toUpperCase(),
    '@SAP__common.Timestamp': timestamp,
  };
}

/** Thrown for a reply that is no OData error. */
export class PlainError extends Error {
  constructor(reply) {
    super(`reply ${reply.status}`);
    this.kept = reply;
  }

  reply() {
    return this.kept;
  }
}

export function asApiError(error) {
  if (error instanceof ApiError || error instanceof PlainError) {
    return error;
  }
  if (error instanceof LockTimeout) {
    return locked(error.key);
  }
  if (error instanceof QueryProblem) {
    return queryError(error);
  }
  if (error instanceof ValueProblem) {
    return badBody(error.message);
  }
  throw error;
}

function queryError({ kind, message, property }) {
  if (kind === 'unsupported') {
    return new ApiError(501, '/IWBEP/CM_V4_RUNTIME/032', message);
  }
  if (kind === 'property') {
    const text = `Property '${property}' does not exist in type 'BusinessPartnerType'`;
    return new ApiError(400, '/IWBEP/CM_V4S_RUN/037', text);
  }
  return new ApiError(400, '/IWBEP/CM_V4S_RUN/038', `Invalid filter: ${message}`);
}

/** `key`: entity set and id of the record. An enqueue lock does not wait. */
export function locked(key) {
  const id = key.split('/')[1].replace(/^0+/, '');
  return new ApiError(
    400,
    'R1/001',
    `Business partner ${id} is currently being processed by MILLER`,
  );
}

export function badBody(detail) {
  return new ApiError(400, 'CX_SXML_PARSE_ERROR', 'Error while parsing an XML stream', {
    details: [
      [
        '/IWCOR/CX_OD_BAD_REQUEST/005056A509B11ED1B9BF94F386DD82E6',
        'The Data Services Request could not be understood due to malformed syntax',
      ],
      ['/IWCOR/CX_OD_EP_PROPERTY_ERROR/005056A509B11ED1BF822D2D0917DA04', detail],
    ],
  });
}

export function noEntity(set) {
  const text = `The requested entity of type '${set}' cannot be accessed. It does not exist.`;
  return new ApiError(404, '/IWBEP/CM_V4_APPS/002', text);
}

export function notPublished(group) {
  return new ApiError(404, '/IWBEP/CM_V4_COS/014', `Service group '${group}' not published`);
}

export function changedMeanwhile() {
  const text = 'The state of the resource (entity) was already changed (If-Match)';
  return new ApiError(412, '/IWBEP/CM_V4_RUNTIME/021', text);
}

export function conditionRequired() {
  const text = 'The request requires a condition (If-Match)';
  return new ApiError(428, '/IWBEP/CM_V4_RUNTIME/022', text);
}

export function csrfRequired() {
  const headers = { 'x-csrf-token': 'Required' };
  const text = 'CSRF token validation failed';
  return new PlainError(textReply(403, text, 'text/plain;charset=utf-8', headers));
}

export function notLoggedOn() {
  const realm = 'SAP NetWeaver Application Server [X01/100]';
  const headers = { 'WWW-Authenticate': `Basic realm="${realm}"` };
  return new PlainError(page(401, 'Anmeldung fehlgeschlagen', headers));
}

function page(status, title, headers = {}) {
  const body = `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  return textReply(status, body, 'text/html;charset=utf-8', headers);
}

/** The usual body of a status, for faults. */
export function usualError(status) {
  switch (status) {
    case 401:
      return notLoggedOn().reply();
    case 403:
      return new ApiError(403, '/IWFND/CM_MGW/096', 'No authorization').reply();
    case 404:
      return noEntity('BusinessPartnerType').reply();
    case 412:
      return changedMeanwhile().reply();
    case 429:
      return new ApiError(429, '429', 'Too many requests').reply();
    case 500:
      return new ApiError(500, 'SY/530', 'An exception was raised').reply();
    default:
      // Of the web dispatcher, before a work process.
      return page(status, status === 503 ? 'Service Unavailable' : `${status} Error`);
  }
}

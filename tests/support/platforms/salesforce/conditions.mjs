// Conditional requests. Dates compare whole seconds of LastModifiedDate; entity tags exist for
// objects whose schema says so (Account). DELETE takes no conditions.

import { createHash } from 'node:crypto';
import { emptyReply, ReplyError } from '../lib/reply.mjs';
import { ApiError } from './api_error.mjs';

export function entityTag(object, row) {
  if (!object.etag) {
    return null;
  }
  return `"${createHash('sha1').update(JSON.stringify(row)).digest('base64')}--gzip"`;
}

export function validators(object, row) {
  const headers = { 'Last-Modified': new Date(row.LastModifiedDate).toUTCString() };
  const tag = entityTag(object, row);
  return tag ? { ...headers, ETag: tag } : headers;
}

/** Throws 412, 304 (GET) or 400 (a date that is none, on a write) unless the row satisfies all. */
export function checkConditions(request, object, row) {
  const { headers } = request;
  const unmodified = readDate(request, 'if-unmodified-since');
  const modified = readDate(request, 'if-modified-since');
  const lastSeconds = Math.floor(row.LastModifiedDate / 1000);
  const tag = entityTag(object, row);
  if (unmodified !== null && lastSeconds > unmodified) {
    throw preconditionFailed();
  }
  if (tag && headers['if-match'] && !lists(headers['if-match'], tag)) {
    throw preconditionFailed();
  }
  const sameTag = tag && headers['if-none-match'] && lists(headers['if-none-match'], tag);
  if (sameTag || (modified !== null && lastSeconds <= modified)) {
    if (request.method === 'GET') {
      throw new ReplyError(emptyReply(304));
    }
    throw preconditionFailed();
  }
}

function lists(header, tag) {
  return header.trim() === '*' || header.split(',').some((part) => part.trim() === tag);
}

function readDate(request, name) {
  const text = request.headers[name];
  if (text === undefined) {
    return null;
  }
  const milliseconds = Date.parse(text);
  if (!Number.isNaN(milliseconds)) {
    return Math.floor(milliseconds / 1000);
  }
  if (request.method === 'GET') {
    return null;
  }
  throw new ApiError(400, 'INVALID_HEADER', `${name}: not an HTTP date`);
}

function preconditionFailed() {
  return new ApiError(412, 'PRECONDITION_FAILED', 'The record has been modified');
}

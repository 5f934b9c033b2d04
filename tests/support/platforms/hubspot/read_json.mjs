// The body of a write or a search.

import { ApiError, badJson } from './api_error.mjs';

export function readJson(request) {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type)) {
    throw new ApiError(415, null, `Content-Type ${type || 'is missing; it'} is not supported`);
  }
  let body;
  try {
    body = request.json();
  } catch (error) {
    throw badJson(error.message);
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw badJson('an object is expected');
  }
  return body;
}

// The body of a request.

import { notParsed } from './api_error.mjs';

/** The JSON object of the body; {} when the request does not say that it is JSON. */
export function readJson(request) {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return {};
  }
  let value;
  try {
    value = request.json();
  } catch {
    throw notParsed();
  }
  return value !== null && typeof value === 'object' ? value : {};
}

// The body of a write or a query.

import { ApiError, invalidContent } from './api_error.mjs';

export function readJson(request) {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/(json|vnd\.oracle\.resource\+json)\b/i.test(type)) {
    const what = type || 'None';
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', `${what} is no supported Content-Type`);
  }
  try {
    return request.json();
  } catch (error) {
    throw invalidContent(`Invalid JSON: ${error.message}`);
  }
}

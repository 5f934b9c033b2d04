// For tests: one request with fetch, and its reply as a plain value.

/** {status, headers, text, body}; an object as `body` is sent as JSON. */
export async function httpCall(url, { method, headers = {}, body }) {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parse(text) };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // No body, or a fault's HTML or cut body: the test looks at `text`.
  }
}

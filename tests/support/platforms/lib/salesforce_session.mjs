// For tests: a logged-in session with fetch, as thin as can be.

const version = '/services/data/v62.0';

export async function loginSalesforce(platform, form = {}) {
  const { client_id: id, client_secret: secret } = platform.credentials;
  const all = { grant_type: 'client_credentials', client_id: id, client_secret: secret, ...form };
  const response = await fetch(`${platform.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(all),
  });
  return { status: response.status, body: await response.json() };
}

/** Returns call(method, path, body?, headers?) -> {status, headers, body}. */
export async function salesforceSession(platform) {
  const {
    body: { access_token: token },
  } = await loginSalesforce(platform);
  return async (method, path, body, headers = {}) => {
    const response = await fetch(
      `${platform.url}${path.startsWith('/services') ? '' : version}${path}`,
      {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: typeof body === 'object' ? JSON.stringify(body) : body,
      },
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text ? parse(text) : null,
    };
  };
}

export function soql(text) {
  return `/query?q=${encodeURIComponent(text)}`;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // A fault's HTML or cut body: the test looks at `text`.
  }
}

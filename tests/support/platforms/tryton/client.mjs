// Tryton's JSON-RPC as a connector speaks it: one call, its status and its result or error.

/** `authorization`: "session" (logged in at first use), or a header of the caller's, or null. */
export class TrytonClient {
  #credentials;
  #session;

  constructor({ credentials }) {
    this.#credentials = credentials;
  }

  get basic() {
    const { user, password } = this.#credentials;
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  /** The user's id and the session's key. */
  login(parameters = { password: this.#credentials.password }, user = this.#credentials.user) {
    const login = { id: 1, method: 'common.db.login', params: [user, parameters, 'en'] };
    return this.post(login, null);
  }

  /** The header of `session`, an answer to a login. */
  header([id, key]) {
    const text = `${this.#credentials.user}:${id}:${key}`;
    return `Session ${Buffer.from(text).toString('base64')}`;
  }

  async post(body, authorization = 'session') {
    let header = authorization;
    if (authorization === 'session') {
      this.#session ??= this.header((await this.login()).json.result);
      header = this.#session;
    }
    const reply = await fetch(this.#credentials.api, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(header ? { authorization: header } : {}),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await reply.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: reply.status, text, json, headers: reply.headers };
  }

  /** The whole answer to `method` of a model; the context is added where there is none. */
  call(method, params, context = {}) {
    return this.post({ id: 1, method: `model.${method}`, params: [...params, context] });
  }

  /** What a call gives; an error is thrown. */
  async result(method, params, context) {
    const reply = await this.call(method, params, context);
    if (reply.json?.result === undefined) throw new Error(`${method}: ${reply.text}`);
    return reply.json.result;
  }

  /** What a call refuses with. */
  async error(method, params, context) {
    const reply = await this.call(method, params, context);
    if (reply.status !== 200 || !reply.json.error) throw new Error(`no error: ${reply.text}`);
    return reply.json.error;
  }

  async read(model, id, fields) {
    return (await this.result(`${model}.read`, [[id], fields]))[0];
  }
}

/** A datetime of an answer as text that sorts as it does, and that searches understand. */
export function momentText(moment) {
  const pad = (number, width) => String(number).padStart(width, '0');
  const day = [pad(moment.year, 4), pad(moment.month, 2), pad(moment.day, 2)].join('-');
  const time = [moment.hour, moment.minute, moment.second].map((one) => pad(one, 2)).join(':');
  return `${day} ${time}.${pad(moment.microsecond, 6)}`;
}

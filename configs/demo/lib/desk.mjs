// The demo's hands and eyes at a stand-in platform: edits as a person there would make them, and
// what the platform itself says it holds and was told.
export class Desk {
  constructor(url) { this.url = url; }

  async #control(method, path, body) {
    const response = await fetch(`${this.url}/__control/${path}`, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  async create(object, fields) {
    const made = await this.#control('POST', 'create', { object, fields });
    return made.id ?? made.Id ?? made.sys_id;
  }

  edit(object, id, fields) { return this.#control('POST', 'edit', { object, id, fields }); }
  fault(fault) { return this.#control('POST', 'fault', fault); }
  clear() { return this.#control('POST', 'clear', {}); }

  async rows(object) {
    const answer = await this.#control('GET', `rows?object=${object}`);
    return answer.rows;
  }

  async find(object, field, value) {
    return (await this.rows(object)).find((row) => row[field] === value) ?? null;
  }

  /** Every mutation the platform really applied, in the order of its commits. */
  async log() {
    const answer = await this.#control('GET', 'log');
    return answer.log ?? answer.entries;
  }

  /** How many mutations of a record there are, or of everything. */
  async mutations(id) {
    const entries = await this.log();
    return entries.filter((entry) => id === undefined || entry.id === id).length;
  }
}

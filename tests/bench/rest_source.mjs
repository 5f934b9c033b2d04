// A REST platform of very many records that costs next to nothing: each is made when it is asked
// for. It speaks what configs/profiles/generic.toml describes.
import http from 'node:http';

const perSecond = 1_000; // Records that changed in one second.

const row = (i, changed) => ({ id: `r${i}`, a: `${i}${'x'.repeat(40)}`, b: 'y'.repeat(40),
  c: 'z'.repeat(40), d: 'w'.repeat(28), n: i, stage: 'open', amount: '1250.75',
  updated_at: changed });

export class RestSource {
  static async open(records) {
    const source = new RestSource();
    source.records = records;
    // All of them before now, on whole seconds.
    source.began = Math.floor(Date.now() / 1_000) - Math.ceil(records / perSecond) - 3_600;
    source.server = http.createServer((request, response) => source.answer(request, response));
    await new Promise((resolve) => { source.server.listen(0, '127.0.0.1', resolve); });
    source.port = source.server.address().port;
    return source;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** How many changed before that time. */
  before(text) {
    const seconds = Math.ceil(Date.parse(text) / 1_000) - this.began;
    return Math.min(this.records, Math.max(0, seconds * perSecond));
  }

  answer(request, response) {
    const url = new URL(request.url, 'http://127.0.0.1');
    const body = url.pathname === '/v1/items' ? this.page(url.searchParams)
      : url.pathname === '/v1/me' ? {} : null;
    response.writeHead(body ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body ?? { error: { code: 'not_found' } }));
  }

  page(query) {
    const from = query.get('updated_from');
    const until = query.get('updated_before');
    const first = Math.max(Number(query.get('page') || 0), from ? this.before(from) : 0);
    const end = until ? this.before(until) : this.records;
    const next = Math.min(end, first + Number(query.get('limit') || 100));
    const data = [];
    for (let i = first; i < next; i += 1) {
      const changed = new Date((this.began + Math.floor(i / perSecond)) * 1_000).toISOString();
      data.push(row(i, changed.replace(/\.\d+/, '')));
    }
    return { data, next_page: next < end ? String(next) : null };
  }
}

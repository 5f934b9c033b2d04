// A person's hands and eyes at Tryton, by its own API: what the demo does there and what it holds.
const decimal = (text) => ({ __class__: 'Decimal', decimal: text });
export const number = (value) => (value === null ? null : Number(value.decimal));

export class Tryton {
  #client;
  #told;

  constructor(client, told) {
    this.#client = client;
    this.#told = told;
  }

  get person() { return this.#told.person; }

  #context() { return { company: this.#told.company }; }

  #search(model, domain, fields, context = {}) {
    return this.#client.result(`${model}.search_read`,
      [domain, 0, 1000, [['id', 'ASC']], fields], { ...this.#context(), ...context });
  }

  /** What a program needs to know to sell. */
  async places() {
    const [{ id: warehouse }] = await this.#search('stock.location', [['type', '=', 'warehouse']],
      ['name']);
    return { company: this.#told.company, currency: this.#told.currency, warehouse };
  }

  /** Parties of that name, or whose name begins so with a `%`. */
  parties(name) {
    return this.#search('party.party', [['name', 'like', name]],
      ['name', 'code', 'credit_limit_amount', 'write_date', 'create_date', '_timestamp']);
  }

  async party(id) {
    return (await this.#search('party.party', [['id', '=', Number(id)]],
      ['name', 'code', 'credit_limit_amount', '_timestamp']))[0] ?? null;
  }

  #call(method, ...params) { return this.#client.call(method, params, this.#context()); }

  async #done(method, ...params) {
    const { json, status, text } = await this.#call(method, ...params);
    if (status !== 200 || json?.error) throw new Error(`${method}: ${status} ${text}`);
    return json.result;
  }

  rename(id, name) { return this.#done('party.party.write', [Number(id)], { name }); }

  limit(id, amount) {
    return this.#done('party.party.write', [Number(id)], { credit_limit_amount: decimal(amount) });
  }

  deleteParty(id) { return this.#done('party.party.delete', [Number(id)]); }

  /** Where goods and invoices go to. */
  address(party, street, city) {
    return this.#done('party.address.create', [{ party: Number(party), street, city }]);
  }

  sales(reference) {
    return this.#search('sale.sale', [['reference', '=', reference]], ['number', 'state', 'party',
      'untaxed_amount', 'shipment_state', 'invoice_state', 'shipments', 'invoices']);
  }

  async product(code) {
    const { warehouse } = await this.places();
    return (await this.#search('product.product', [['code', '=', code]],
      ['list_price', 'quantity', 'forecast_quantity'], { locations: [warehouse] }))[0];
  }

  /** The warehouse sends what a sale has planned: picked, packed, gone. */
  async ship(sale) {
    for (const step of ['wait', 'assign_try', 'pick', 'pack', 'done']) {
      await this.#done(`stock.shipment.out.${step}`, sale.shipments);
    }
  }

  /** The stamps of everything that Syncline could write. */
  async stamps() {
    const parties = await this.#search('party.party', [], ['_timestamp']);
    const sales = await this.#search('sale.sale', [], ['_timestamp']);
    return JSON.stringify([parties, sales].map((rows) => rows.map((row) => row._timestamp)));
  }
}

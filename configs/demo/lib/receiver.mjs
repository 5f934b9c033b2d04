// Who is told of business events by signed HTTP requests: what it took, as it says itself.
export class Receiver {
  constructor(url) { this.url = url; }

  /** {id, type, key, data}, or with `fault` where the signature is wrong; as they came. */
  async received() {
    const response = await fetch(`${this.url}/__control/received`);
    return (await response.json()).received;
  }

  async find(type, key) {
    return (await this.received()).find((one) => one.type === type && one.key === key) ?? null;
  }
}

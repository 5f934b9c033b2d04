// The platform's clock. Stamps and the Date header come from here, so a skewed platform is skewed
// everywhere a client can see it. `rawMs` is the unskewed clock, for durations inside the server.

export class Clock {
  #skewMs;

  constructor(skewMs = 0) {
    this.#skewMs = skewMs;
  }

  get skewMs() {
    return this.#skewMs;
  }

  setSkew(skewMs) {
    this.#skewMs = skewMs;
  }

  /** Milliseconds since 1970 as this platform believes them to be. */
  nowMs() {
    return Date.now() + this.#skewMs;
  }

  rawMs() {
    return Date.now();
  }
}

export function waitMs(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Numbers from a seed, so that a run can be repeated as far as real processes allow. */
export class Random {
  constructor(seed) { this.state = seed >>> 0; }

  below(limit) {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }

  pick(list) { return list[this.below(list.length)]; }
}

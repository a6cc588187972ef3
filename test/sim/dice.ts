/**
 * Seeded chance. Everything that is drawn in the simulator comes from here, so that a seed tells the
 * whole run; a draw that belongs to one thing forks a die of its own, so that taking another thing
 * out of a plan does not move it.
 */

export class Dice {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(label: string) {
    const hash = Bun.hash.wyhash(label);
    this.#a = Number(hash & 0xffff_ffffn);
    this.#b = Number((hash >> 32n) & 0xffff_ffffn);
    this.#c = 0x9e37_79b9;
    for (let warm = 0; warm < 12; warm += 1) this.#next();
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.#next() / 4_294_967_296;
  }

  /** Uniform integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  /** Between `low` and `high`, small values as likely per octave as large ones. */
  spread(low: number, high: number): number {
    return Math.round(low * (high / low) ** this.unit());
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const one = list[this.int(0, list.length - 1)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }

  /** `sfc32`: small, fast, and good enough to draw faults with. */
  #next(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }
}

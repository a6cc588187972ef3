/**
 * Looks for the highest rate that holds: doubles until one does not, then halves the distance in
 * proportion until good and bad are close. A rate that fails is tried once more before it counts,
 * because one pause of the machine fails a short step; a step in which the load generator itself
 * was late says nothing about the subject and is repeated, within bounds.
 */

/** Where the search begins and when it ends. */
export type RateSearchOptions = {
  readonly startPerSecond: number;
  readonly maxPerSecond: number;
  /** Ends when `lowest bad ÷ highest good` is at most this. */
  readonly precision: number;
};

/**
 * What trying a rate showed. `hopeless`: so far off that trying again is pointless; `disturbed`: it
 * failed, but the load was not offered as planned.
 */
export type RateOutcome = "held" | "failed" | "hopeless" | "disturbed";

const minPerSecond = 10;
const triesMax = 2;
const disturbancesMax = 3;

/** Asks for rates and is told what they showed, until it has found the highest that holds. */
export class RateSearch {
  readonly #options: RateSearchOptions;
  #good = 0;
  #bad = Number.POSITIVE_INFINITY;
  #next: number;
  #failures = 0;
  #disturbances = 0;

  constructor(options: RateSearchOptions) {
    this.#options = options;
    this.#next = options.startPerSecond;
  }

  /** The rate to try now; undefined when the search is over. */
  get next(): number | undefined {
    if (this.#good >= this.#options.maxPerSecond || this.#bad <= minPerSecond) return undefined;
    return this.#bad / this.#good <= this.#options.precision ? undefined : this.#next;
  }

  /** The highest rate that held so far; 0 when none did. */
  get sustained(): number {
    return this.#good;
  }

  /** True when the search ended at its upper limit, so that the subject may hold more. */
  get limited(): boolean {
    return this.#good >= this.#options.maxPerSecond;
  }

  /** What trying {@link next} showed. */
  report(outcome: RateOutcome): void {
    if (outcome === "disturbed" && this.#disturbances < disturbancesMax) {
      this.#disturbances += 1;
      return;
    }
    if (outcome === "failed" || outcome === "disturbed") {
      this.#failures += 1;
      if (this.#failures < triesMax) return;
    }
    if (outcome === "held") this.#good = this.#next;
    else this.#bad = this.#next;
    this.#failures = 0;
    this.#disturbances = 0;
    this.#next = Math.round(this.#choose());
  }

  #choose(): number {
    if (this.#bad === Number.POSITIVE_INFINITY) {
      return Math.min(this.#good * 2, this.#options.maxPerSecond);
    }
    return this.#good === 0 ? this.#bad / 2 : Math.sqrt(this.#good * this.#bad);
  }
}

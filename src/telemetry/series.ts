/**
 * Keeps the number of label sets of a metric bounded, and finds a set's bound children by one map
 * lookup. Names that clients or operators choose (route, provider, model) are open labels: once a
 * metric has its fill of sets, new ones count under `other`, so no client can grow our memory.
 */

export const OTHER = "other";

export class BoundedSeries<S> {
  readonly #setsMax: number;
  readonly #openLabels: number;
  readonly #make: (labels: readonly string[]) => S;
  readonly #named = new Map<string, S>();
  readonly #others = new Map<string, S>();

  /** The first `openLabels` of a set's labels are open; `make` binds the children of a new set. */
  constructor(setsMax: number, openLabels: number, make: (labels: readonly string[]) => S) {
    this.#setsMax = setsMax;
    this.#openLabels = openLabels;
    this.#make = make;
  }

  /** The children of a label set, made at its first use; those of `other` when there is no room. */
  of(labels: readonly string[]): S {
    const key = labels.join("\0");
    const known = this.#named.get(key);
    if (known !== undefined) return known;
    if (this.#named.size >= this.#setsMax) return this.#other(labels);
    const made = this.#make(labels);
    this.#named.set(key, made);
    return made;
  }

  /** Every set made so far. */
  *all(): Generator<S> {
    yield* this.#named.values();
    yield* this.#others.values();
  }

  #other(labels: readonly string[]): S {
    // The labels that are not open have few values; should they ever have many, they give way too.
    const full = this.#others.size >= this.#setsMax;
    const closed = labels.map((label, at) => (full || at < this.#openLabels ? OTHER : label));
    const key = closed.join("\0");
    const known = this.#others.get(key);
    if (known !== undefined) return known;
    const made = this.#make(closed);
    this.#others.set(key, made);
    return made;
  }
}

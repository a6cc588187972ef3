/**
 * Calls that are answered in steps: all of them together do one step, then the thread takes the
 * messages that came meanwhile, then the next of them does one.
 *
 * Invariant: between two messages lies at most one step, however many calls are under way.
 */

/** Work that lets the thread do other things at each `yield`. */
export type Steps<T> = Generator<undefined, T>;

type Walk = {
  readonly steps: Steps<unknown>;
  readonly done: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
};

export class Walks {
  readonly #later: (step: () => void) => void;
  readonly #walks: Walk[] = [];

  /** `later` runs what it is given after the messages that are waiting. */
  constructor(later: (step: () => void) => void) {
    this.#later = later;
  }

  /** The first step is not done now either. `failed` gets what a step throws. */
  start(walk: Walk): void {
    this.#walks.push(walk);
    if (this.#walks.length === 1) this.#later(() => this.#step());
  }

  #step(): void {
    const [walk] = this.#walks;
    if (walk === undefined) return;
    const isOver = advance(walk);
    this.#walks.shift();
    if (!isOver) this.#walks.push(walk);
    if (this.#walks.length > 0) this.#later(() => this.#step());
  }
}

function advance({ steps, done, failed }: Walk): boolean {
  try {
    const { done: isOver, value } = steps.next();
    if (isOver === true) done(value);
    return isOver === true;
  } catch (error) {
    failed(error);
    return true;
  }
}

/** Who waits until everything up to a mark is written. */
import type { Mark } from "./queue.ts";

export class Waiters {
  #waiting: { readonly mark: Mark; readonly done: () => void }[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  add(mark: Mark): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ mark, done });
    });
  }

  /** Resolves those whose mark is reached. */
  wake(reached: Mark): void {
    this.#waiting = this.#waiting.filter(({ mark, done }) => {
      const isReached = mark.ledger <= reached.ledger && mark.rows <= reached.rows;
      if (isReached) done();
      return !isReached;
    });
  }
}

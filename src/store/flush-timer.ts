/**
 * When the next batch is composed: soon, which is when this turn of the event loop and everything
 * it set off has run, or within some milliseconds. At most one timer is set at a time.
 */
import type { Clock, Timer } from "../base/clock.ts";

export class FlushTimer {
  readonly #clock: Clock;
  readonly #flush: () => void;
  #isSoon = false;
  #later: { readonly timer: Timer; readonly dueMs: number } | null = null;

  constructor(clock: Clock, flush: () => void) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** Not a microtask: promises that an acknowledgement resolved must have been followed first. */
  soon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      this.#flush();
    });
  }

  within(delayMs: number): void {
    if (this.#isSoon) return;
    const dueMs = this.#clock.monotonicMs() + delayMs;
    if (this.#later !== null) {
      if (this.#later.dueMs <= dueMs) return;
      this.#later.timer.cancel();
    }
    const timer = this.#clock.after(delayMs, () => {
      this.#later = null;
      this.#flush();
    });
    this.#later = { timer, dueMs };
  }

  cancel(): void {
    this.#later?.timer.cancel();
    this.#later = null;
  }
}

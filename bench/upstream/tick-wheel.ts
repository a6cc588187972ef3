/**
 * One timer for all streams: tasks wait in buckets of a millisecond, and only the earliest bucket
 * arms a real timer. A thousand streams at one frame per 20 ms cost at most one wake-up per
 * millisecond. A task never runs early, and tasks of one bucket run in the order they were added.
 */

import type { Clock, Timer } from "../../src/base/clock.ts";

/** A task that waits for its turn; give it back to {@link TickWheel.cancel} to forget it. */
export type Waiting = { readonly tickMs: number; task: (() => void) | undefined };

/** Tasks by the millisecond they are due in. */
export class TickWheel {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Waiting>>();
  #timer: Timer | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Monotonic milliseconds, on the scale that {@link at} takes. */
  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Runs `task` once when `dueMs` has come. */
  at(dueMs: number, task: () => void): Waiting {
    const waiting: Waiting = { tickMs: Math.ceil(dueMs), task };
    const bucket = this.#buckets.get(waiting.tickMs);
    if (bucket === undefined) {
      this.#buckets.set(waiting.tickMs, new Set([waiting]));
    } else {
      bucket.add(waiting);
    }
    if (waiting.tickMs < this.#armedForMs) {
      this.#arm(waiting.tickMs);
    }
    return waiting;
  }

  /** Runs `task` once after `delayMs`. */
  after(delayMs: number, task: () => void): Waiting {
    return this.at(this.nowMs() + delayMs, task);
  }

  /** Forgets the task and all that it holds; nothing happens when it has run already. */
  cancel(waiting: Waiting): void {
    // Its bucket may be the one that is firing and so no longer be found: the empty task tells.
    waiting.task = undefined;
    const bucket = this.#buckets.get(waiting.tickMs);
    if (bucket?.delete(waiting) === true && bucket.size === 0) {
      this.#buckets.delete(waiting.tickMs);
    }
  }

  /** Forgets every task. */
  stop(): void {
    this.#buckets.clear();
    this.#timer?.cancel();
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  /** Replaces the armed timer; the caller knows that this tick is the earliest. */
  #arm(tickMs: number): void {
    this.#timer?.cancel();
    this.#armedForMs = tickMs;
    this.#timer = this.#clock.after(Math.max(0, tickMs - this.nowMs()), () => this.#fire());
  }

  /** Runs all that is due; what these tasks add, even for right now, waits for the next firing. */
  #fire(): void {
    const nowMs = this.nowMs();
    const due = [...this.#buckets.keys()].filter((tickMs) => tickMs <= nowMs).sort((a, b) => a - b);
    this.#armedForMs = Number.POSITIVE_INFINITY;
    for (const tickMs of due) {
      const bucket = this.#buckets.get(tickMs);
      this.#buckets.delete(tickMs);
      for (const waiting of bucket ?? []) {
        waiting.task?.();
      }
    }
    this.#armNext();
  }

  /** Looks for the earliest bucket; there are as many as there are different milliseconds. */
  #armNext(): void {
    let next = this.#armedForMs;
    for (const tickMs of this.#buckets.keys()) {
      next = Math.min(next, tickMs);
    }
    if (next < this.#armedForMs) {
      this.#arm(next);
    }
  }
}

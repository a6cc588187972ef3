/**
 * Whether a stream brings enough: tokens generated in each stretch of time that was spent waiting for the
 * provider. Time in which a slow client holds the reading back is not the provider's and does not count.
 */
import type { Clock } from "../base/clock.ts";
import type { Deadline, Watchdog } from "./watchdog.ts";

export type ThroughputMin = { readonly tokensPerSecond: number; readonly overMs: number };

export class ThroughputWatch {
  readonly #clock: Clock;
  readonly #enough: number;
  readonly #overMs: number;
  readonly #tokens: () => number;
  readonly #onTooLow: () => void;
  readonly #deadline: Deadline;
  #tokensBefore: number;
  /** What is left of the stretch. */
  #leftMs: number;
  #waitsSinceMs = 0;

  /** `tokens` counts what was generated so far. */
  constructor(
    { clock, watchdog }: { readonly clock: Clock; readonly watchdog: Watchdog },
    { tokensPerSecond, overMs }: ThroughputMin,
    tokens: () => number,
    onTooLow: () => void,
  ) {
    this.#clock = clock;
    this.#enough = (tokensPerSecond * overMs) / 1_000;
    this.#overMs = overMs;
    this.#tokens = tokens;
    this.#onTooLow = onTooLow;
    this.#deadline = watchdog.deadline(() => this.#judge());
    this.#tokensBefore = tokens();
    this.#leftMs = overMs;
  }

  /** From here on we wait for the provider. */
  wait(): void {
    this.#waitsSinceMs = this.#clock.monotonicMs();
    this.#deadline.arm(this.#leftMs);
  }

  /** Something came. */
  pause(): void {
    this.#deadline.pause();
    this.#leftMs -= this.#clock.monotonicMs() - this.#waitsSinceMs;
  }

  stop(): void {
    this.#deadline.disarm();
  }

  /** The stretch is over, within a wait: the next one begins. */
  #judge(): void {
    const tokens = this.#tokens();
    if (tokens - this.#tokensBefore < this.#enough) {
      this.#onTooLow();
      return;
    }
    this.#tokensBefore = tokens;
    this.#leftMs = this.#overMs;
    this.wait();
  }
}

/**
 * What keeps the ledger from being written, and when to try again. While there is trouble no hold
 * is taken, so the pauses may grow without anybody waiting for them.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { GatewayError } from "../base/error.ts";

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 2_000;
/** What a client is told at least, so that it does not come back between two tries. */
export const RETRY_AFTER_MIN_MS = 1_000;

export class Trouble {
  readonly #clock: Clock;
  readonly #retry: () => void;
  #detail: string | null = null;
  #pauseMs = 0;
  #timer: Timer | null = null;

  /** `retry` is called when a pause is over. */
  constructor(clock: Clock, retry: () => void) {
    this.#clock = clock;
    this.#retry = retry;
  }

  /** For operators; null when all is well. */
  get detail(): string | null {
    return this.#detail;
  }

  /** True when a batch may be tried. */
  get isPauseOver(): boolean {
    return this.#timer === null;
  }

  /** What a caller gets instead; `why` is for the log when there is no trouble. */
  refusal(why: string): GatewayError {
    const retryAfterMs = Math.max(RETRY_AFTER_MIN_MS, this.#pauseMs);
    return new GatewayError("ledger_unavailable", { retryAfterMs }, this.#detail ?? why);
  }

  /** Notes a failure and pauses, longer each time in a row. */
  begin(detail: string): void {
    this.#detail = detail;
    this.#pauseMs = Math.min(Math.max(PAUSE_MIN_MS, this.#pauseMs * 2), PAUSE_MAX_MS);
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#pauseMs, () => {
      this.#timer = null;
      this.#retry();
    });
  }

  /** Goes on at once: the last try got something done although the trouble is still there. */
  cutPause(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#retry();
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#detail = null;
    this.#pauseMs = 0;
  }
}

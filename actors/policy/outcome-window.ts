/**
 * Exact counts of a provider's outcomes over the last 30 seconds, in a ring of one-second buckets,
 * and the times of the last failures in a row. Exact counts over a fixed window have no blind spot;
 * a decaying average forgets at a rate that nobody can reason about.
 *
 * The structure belongs to one actor and changes only through `countOutcome`. It is asked before a
 * failure is counted, so that a chart can choose its next state first. A success never trips.
 */

const SECONDS = 30;
const OUTCOMES_MIN = 20;
const BAD_SHARE = 0.5;
const CONSECUTIVE_MAX = 10;
const CONSECUTIVE_SPAN_MS = 60_000;

export type OutcomeWindow = {
  /** The second that each bucket counts, since the epoch. */
  readonly seconds: Float64Array;
  readonly all: Uint32Array;
  readonly bad: Uint32Array;
  /** When the last failures without a success between them were reported, oldest first. */
  readonly badInARow: number[];
};

export function createOutcomeWindow(): OutcomeWindow {
  return {
    seconds: new Float64Array(SECONDS),
    all: new Uint32Array(SECONDS),
    bad: new Uint32Array(SECONDS),
    badInARow: [],
  };
}

export type OutcomeCounts = { readonly all: number; readonly bad: number };

/** What was counted in the 30 seconds that end with `atMs`. */
export function countsAt(window: OutcomeWindow, atMs: number): OutcomeCounts {
  const second = Math.floor(atMs / 1_000);
  let all = 0;
  let bad = 0;
  for (let index = 0; index < SECONDS; index += 1) {
    const age = second - (window.seconds[index] ?? 0);
    // A bucket from the future is left by a clock that stepped back.
    if (age < 0 || age >= SECONDS) continue;
    all += window.all[index] ?? 0;
    bad += window.bad[index] ?? 0;
  }
  return { all, bad };
}

/** Whether one more failure at `atMs` is too much: half of at least 20, or 10 in a row in 60 s. */
export function wouldTrip(window: OutcomeWindow, atMs: number): boolean {
  const { all, bad } = countsAt(window, atMs);
  if (all + 1 >= OUTCOMES_MIN && (bad + 1) / (all + 1) >= BAD_SHARE) return true;
  const firstMs = window.badInARow.at(1 - CONSECUTIVE_MAX);
  return firstMs !== undefined && atMs - firstMs <= CONSECUTIVE_SPAN_MS;
}

export function countOutcome(window: OutcomeWindow, isBad: boolean, atMs: number): void {
  const second = Math.floor(atMs / 1_000);
  const index = second % SECONDS;
  if (window.seconds[index] !== second) {
    window.seconds[index] = second;
    window.all[index] = 0;
    window.bad[index] = 0;
  }
  window.all[index] = (window.all[index] ?? 0) + 1;
  if (!isBad) {
    window.badInARow.length = 0;
    return;
  }
  window.bad[index] = (window.bad[index] ?? 0) + 1;
  window.badInARow.push(atMs);
  if (window.badInARow.length > CONSECUTIVE_MAX) window.badInARow.shift();
}

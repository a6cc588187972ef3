/**
 * How many attempts may be repeated at a provider where they failed: an outage must not be answered
 * with a multiple of the load. Each first attempt earns a tenth of a repeat. Where few come, a small
 * reserve is refilled by time, so that a lone failure can still be repeated.
 *
 * Invariant: over any span, repeats ≤ first attempts / 10 + seconds / 5 + what was there before,
 * which is at most `retryBudgetMax`. Amounts are integers of 1/10,000 repeat.
 *
 * The structure belongs to the lanes of one provider and changes only through the functions here.
 */
import { LIMITS } from "../../src/base/limits.ts";

const REPEAT_UNITS = 10_000;
const EARNED_UNITS = REPEAT_UNITS / 10;
/** A fifth of a repeat each second. */
const REFILL_UNITS_PER_MS = 2;
const RESERVE_UNITS = LIMITS.retryReserve * REPEAT_UNITS;
const UNITS_MAX = LIMITS.retryBudgetMax * REPEAT_UNITS;

export type RetryBudget = { units: number; atMs: number };

export function createRetryBudget(atMs: number): RetryBudget {
  return { units: RESERVE_UNITS, atMs };
}

/** Time refills the reserve and nothing above it. A clock that stepped back refills nothing. */
function unitsAt({ units, atMs: sinceMs }: RetryBudget, atMs: number): number {
  if (units >= RESERVE_UNITS) return units;
  const refilled = Math.floor(Math.max(0, atMs - sinceMs) * REFILL_UNITS_PER_MS);
  return Math.min(RESERVE_UNITS, units + refilled);
}

export function mayRepeat(budget: RetryBudget, atMs: number): boolean {
  return unitsAt(budget, atMs) >= REPEAT_UNITS;
}

/** Milliseconds until time alone allows a repeat; 0 when one is allowed now. */
export function repeatWaitMs(budget: RetryBudget, atMs: number): number {
  const missing = REPEAT_UNITS - unitsAt(budget, atMs);
  return missing <= 0 ? 0 : Math.ceil(missing / REFILL_UNITS_PER_MS);
}

export function earnRepeat(budget: RetryBudget, atMs: number): void {
  budget.units = Math.min(UNITS_MAX, unitsAt(budget, atMs) + EARNED_UNITS);
  budget.atMs = atMs;
}

/** Whether it may be taken was asked before. */
export function takeRepeat(budget: RetryBudget, atMs: number): void {
  budget.units = Math.max(0, unitsAt(budget, atMs) - REPEAT_UNITS);
  budget.atMs = atMs;
}

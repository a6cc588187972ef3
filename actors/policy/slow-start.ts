/**
 * The first half minute of a breaker that has closed: a provider that has just recovered gets its
 * traffic back in steps, so that it is not knocked over again. The share is counted, not drawn: of
 * every ten, the first passes.
 *
 * The structure belongs to one actor and changes only through `countStart`.
 */
import { LIMITS } from "../../src/base/limits.ts";

/** Percent of the attempts that pass, step by step; after the last, all. */
const PERCENT_BY_STEP = [10, 25, 50] as const;

export type SlowStart = {
  readonly sinceMs: number;
  /** The step that the counts are of. */
  step: number;
  asked: number;
  passed: number;
};

export function createSlowStart(atMs: number): SlowStart {
  return { sinceMs: atMs, step: 0, asked: 0, passed: 0 };
}

function stepAt({ sinceMs }: SlowStart, atMs: number): number {
  return Math.floor((atMs - sinceMs) / LIMITS.slowStartStepMs);
}

/** Percent that pass at `atMs`; 100 when it is over, or when the clock stepped back behind it. */
export function startPercent(slow: SlowStart, atMs: number): number {
  return PERCENT_BY_STEP[stepAt(slow, atMs)] ?? 100;
}

export function passesStart(slow: SlowStart, atMs: number): boolean {
  const percent = startPercent(slow, atMs);
  if (percent === 100) return true;
  const isSameStep = stepAt(slow, atMs) === slow.step;
  const asked = isSameStep ? slow.asked : 0;
  const passed = isSameStep ? slow.passed : 0;
  return passed < Math.ceil(((asked + 1) * percent) / 100);
}

export function countStart(slow: SlowStart, hasPassed: boolean, atMs: number): void {
  const step = stepAt(slow, atMs);
  if (step !== slow.step) {
    slow.step = step;
    slow.asked = 0;
    slow.passed = 0;
  }
  slow.asked += 1;
  if (hasPassed) slow.passed += 1;
}

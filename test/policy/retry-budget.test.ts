/** Guarantee: repeats stay below a tenth of the first attempts, but for a small reserve. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createRetryBudget,
  earnRepeat,
  mayRepeat,
  repeatWaitMs,
  takeRepeat,
  type RetryBudget,
} from "../../actors/policy/retry-budget.ts";
import { LIMITS } from "../../src/base/limits.ts";

/** Repeats for as long as it may; how often that was. */
function exhaust(budget: RetryBudget, atMs: number): number {
  let taken = 0;
  while (mayRepeat(budget, atMs)) {
    takeRepeat(budget, atMs);
    taken += 1;
  }
  return taken;
}

describe("a retry budget", () => {
  test("begins with its reserve, which time refills: one in five seconds", () => {
    const budget = createRetryBudget(0);
    expect(exhaust(budget, 0)).toBe(5);
    expect(repeatWaitMs(budget, 0)).toBe(5_000);
    expect([mayRepeat(budget, 4_999), mayRepeat(budget, 5_000)]).toEqual([false, true]);
    expect(exhaust(budget, 3_600_000)).toBe(5);
  });

  test("earns a repeat with ten first attempts, up to a bound that time never fills", () => {
    const budget = createRetryBudget(0);
    exhaust(budget, 0);
    for (let first = 0; first < 10; first += 1) earnRepeat(budget, 0);
    expect(exhaust(budget, 0)).toBe(1);
    for (let first = 0; first < 10_000; first += 1) earnRepeat(budget, 0);
    expect(exhaust(budget, 0)).toBe(LIMITS.retryBudgetMax);
  });

  test("does not refill when the wall clock steps back, and goes on from there", () => {
    const budget = createRetryBudget(100_000);
    exhaust(budget, 100_000);
    earnRepeat(budget, 50_000);
    expect(mayRepeat(budget, 50_000)).toBe(false);
    expect(mayRepeat(budget, 54_500)).toBe(true);
  });

  test("bounds the repeats of any course of attempts, whatever its pace", () => {
    const step = fc.record({ waitMs: fc.nat(3_000), isRepeat: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2_000, size: "max" }), (steps) => {
        const budget = createRetryBudget(0);
        let atMs = 0;
        let firsts = 0;
        let repeats = 0;
        for (const { waitMs, isRepeat } of steps) {
          atMs += waitMs;
          if (!isRepeat) {
            firsts += 1;
            earnRepeat(budget, atMs);
          } else if (mayRepeat(budget, atMs)) {
            repeats += 1;
            takeRepeat(budget, atMs);
          }
          expect(repeats).toBeLessThanOrEqual(
            LIMITS.retryReserve + firsts / 10 + atMs / 5_000 + 1e-9,
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  test("tells a wait that is true when it is obeyed", () => {
    fc.assert(
      fc.property(fc.nat(9), fc.nat(60_000), (firsts, atMs) => {
        const budget = createRetryBudget(0);
        exhaust(budget, 0);
        for (let first = 0; first < firsts; first += 1) earnRepeat(budget, 0);
        const waitMs = repeatWaitMs(budget, atMs);
        expect(mayRepeat(budget, atMs + waitMs)).toBe(true);
        if (waitMs > 0) expect(mayRepeat(budget, atMs + waitMs - 1)).toBe(false);
      }),
    );
  });
});

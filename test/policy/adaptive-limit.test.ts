/** Guarantee: the limit follows a provider's complaints down and its answers up, and goes when it is of no use. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../src/base/limits.ts";
import {
  afterClean,
  afterCongestion,
  createAdaptiveLimit,
  isOutgrown,
  type AdaptiveLimit,
} from "../../actors/policy/adaptive-limit.ts";

function clean(limit: AdaptiveLimit, times: number): void {
  for (let each = 0; each < times; each += 1) afterClean(limit);
}

describe("the limit", () => {
  test("is not there before the first complaint, and clean outcomes bring none", () => {
    const limit = createAdaptiveLimit(0);
    clean(limit, 1_000);
    expect(limit).toMatchObject({ atOnce: null, clean: 0 });
  });

  test("begins a tenth below what was under way, never below the floor", () => {
    const limit = createAdaptiveLimit(100);
    afterCongestion(limit, 100, 0, 10);
    expect(limit.atOnce).toBe(90);
    const small = createAdaptiveLimit(3);
    afterCongestion(small, 3, 0, 10);
    expect(small.atOnce).toBe(LIMITS.adaptiveFloor);
  });

  test("falls once for all complaints of one round trip", () => {
    const limit = createAdaptiveLimit(100);
    for (let each = 0; each < 100; each += 1) afterCongestion(limit, 100 - each, 0, 10 + each);
    expect(limit.atOnce).toBe(90);
    afterCongestion(limit, 90, 11, 200);
    expect(limit.atOnce).toBe(81);
  });

  test("falls from what was used, where that is less than it allows", () => {
    const limit = createAdaptiveLimit(100);
    afterCongestion(limit, 100, 0, 10);
    afterCongestion(limit, 20, 11, 20);
    expect(limit.atOnce).toBe(18);
  });

  test("rises by one for each window of clean outcomes", () => {
    const limit = createAdaptiveLimit(100);
    afterCongestion(limit, 10, 0, 10);
    clean(limit, 8);
    expect(limit.atOnce).toBe(9);
    clean(limit, 1);
    expect(limit.atOnce).toBe(10);
    clean(limit, 10);
    expect(limit.atOnce).toBe(11);
  });

  test("is gone when it is beyond twice of what was ever under way", () => {
    const limit = createAdaptiveLimit(10);
    afterCongestion(limit, 10, 0, 10);
    for (let atOnce = 9; atOnce < 20; atOnce += 1) clean(limit, atOnce);
    clean(limit, 19);
    expect([limit.atOnce, isOutgrown(limit)]).toEqual([20, true]);
    clean(limit, 1);
    expect(limit.atOnce).toBeNull();
  });

  test("settles around a provider's capacity that it does not know", () => {
    const CAPACITY = 40;
    const limit = createAdaptiveLimit(200);
    const seen: number[] = [];
    for (let round = 1; round <= 400; round += 1) {
      const used = Math.min(200, limit.atOnce ?? 200);
      const atMs = round * 100;
      for (let each = 0; each < used; each += 1) {
        if (each < CAPACITY) afterClean(limit);
        else afterCongestion(limit, used, atMs - 50, atMs);
      }
      if (round > 100) seen.push(used);
    }
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(CAPACITY * 0.85);
    expect(Math.max(...seen)).toBeLessThanOrEqual(CAPACITY + 2);
  });

  test("stays between the floor and the use, whatever happens", () => {
    const anySteps = fc.array(
      fc.record({
        isClean: fc.boolean(),
        inFlight: fc.integer({ min: 1, max: 500 }),
        ageMs: fc.integer({ min: 0, max: 2_000 }),
      }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(anySteps, (steps) => {
        const limit = createAdaptiveLimit(500);
        let atMs = 0;
        for (const { isClean, inFlight, ageMs } of steps) {
          atMs += 100;
          if (isClean) afterClean(limit);
          else afterCongestion(limit, inFlight, atMs - ageMs, atMs);
          const { atOnce } = limit;
          if (atOnce === null) continue;
          expect(Number.isInteger(atOnce)).toBe(true);
          expect(atOnce).toBeGreaterThanOrEqual(LIMITS.adaptiveFloor);
          expect(atOnce).toBeLessThanOrEqual(2 * 500);
        }
      }),
    );
  });
});

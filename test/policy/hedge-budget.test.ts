/** Guarantee: in no minute are more of a route's requests hedged than its share of them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { countRequest, createHedgeBudget, takeHedge } from "../../actors/policy/hedge-budget.ts";

const NOW_MS = 1_800_000_000_000;

describe("a hedge budget", () => {
  test("gives its share of the last minute's requests, and no more", () => {
    const budget = createHedgeBudget();
    for (let each = 0; each < 19; each += 1) countRequest(budget, NOW_MS);
    expect(takeHedge(budget, 5, NOW_MS)).toBe(false);
    countRequest(budget, NOW_MS);
    expect(takeHedge(budget, 5, NOW_MS)).toBe(true);
    expect(takeHedge(budget, 5, NOW_MS + 59_000)).toBe(false);
  });

  test("forgets requests and hedges after a minute", () => {
    const budget = createHedgeBudget();
    for (let each = 0; each < 20; each += 1) countRequest(budget, NOW_MS);
    expect(takeHedge(budget, 5, NOW_MS)).toBe(true);
    expect(takeHedge(budget, 5, NOW_MS + 60_000)).toBe(false);
    for (let each = 0; each < 20; each += 1) countRequest(budget, NOW_MS + 65_000);
    expect(takeHedge(budget, 5, NOW_MS + 65_000)).toBe(true);
  });

  test("hedges every request where all may be", () => {
    const budget = createHedgeBudget();
    for (let each = 0; each < 100; each += 1) {
      countRequest(budget, NOW_MS + each * 100);
      expect(takeHedge(budget, 100, NOW_MS + each * 100)).toBe(true);
    }
  });

  test("keeps to the share whenever requests come", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20_000), { maxLength: 200 }),
        fc.integer({ min: 1, max: 100 }),
        (gaps, percentMax) => {
          const budget = createHedgeBudget();
          const requests: number[] = [];
          const hedges: number[] = [];
          let atMs = NOW_MS;
          for (const gap of gaps) {
            atMs += gap;
            countRequest(budget, atMs);
            requests.push(atMs);
            const takes = takeHedge(budget, percentMax, atMs);
            if (takes) hedges.push(atMs);
            const recent = (times: number[]): number =>
              times.filter((time) => time > atMs - 60_000).length;
            if (!takes) continue;
            expect(recent(hedges) * 100).toBeLessThanOrEqual(recent(requests) * percentMax);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

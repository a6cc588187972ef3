/** Distributions keep what they were given, to the precision that they promise. */
import { describe, expect, test } from "bun:test";
import { addedBy, Distribution } from "../../bench/statistics.ts";

function distributionOf(values: readonly number[], figures: 3 | 4 = 3): Distribution {
  const distribution = new Distribution(figures);
  for (const value of values) distribution.recordMs(value);
  return distribution;
}

function highestPercentile(count: number): number | undefined {
  return distributionOf(oneToThousand.slice(0, count)).curve().at(-1)?.percentile;
}

const oneToThousand = Array.from({ length: 1_000 }, (_, index) => index + 1);

describe("a distribution", () => {
  test("summarises its values within a thousandth", () => {
    const summary = distributionOf(oneToThousand).summary();
    const wanted = {
      count: 1_000,
      meanMs: 500.5,
      p50Ms: 500,
      p90Ms: 900,
      p95Ms: 950,
      p99Ms: 990,
      p999Ms: 999,
      maxMs: 1_000,
    };
    for (const [name, value] of Object.entries(wanted)) {
      const measured = summary[name as keyof typeof wanted];
      expect(Math.abs(measured - value) / value).toBeLessThan(0.001);
    }
  });

  test("tells two microseconds apart at twenty milliseconds when it keeps four figures", () => {
    const fine = distributionOf([20, 20.002], 4);
    expect([fine.percentileMs(1), fine.percentileMs(100)]).toEqual([20, 20.002]);
  });

  test("keeps what is too small or too large at its ends", () => {
    const ends = distributionOf([0, -5, 1e12]);
    expect(ends.percentileMs(1)).toBe(0.001);
    expect(ends.percentileMs(100) / 3_600_000).toBeCloseTo(1, 2);
  });

  test("is the same from parts as from the whole", () => {
    const parts = [oneToThousand.slice(0, 300), oneToThousand.slice(300)];
    const sum = new Distribution();
    for (const part of parts) sum.add(distributionOf(part));
    expect(sum.summary()).toEqual(distributionOf(oneToThousand).summary());
  });

  test("says zero of nothing", () => {
    expect(new Distribution().summary()).toEqual({
      count: 0,
      meanMs: 0,
      p50Ms: 0,
      p90Ms: 0,
      p95Ms: 0,
      p99Ms: 0,
      p999Ms: 0,
      maxMs: 0,
    });
  });

  test("draws its curve only as far as ten values stand behind a point", () => {
    expect([20, 100, 1_000].map((count) => highestPercentile(count))).toEqual([50, 90, 99]);
  });
});

test("what is added is the difference of percentiles, below zero when it was faster", () => {
  const slow = distributionOf([2, 2, 2]).summary();
  const fast = distributionOf([1.5, 1.5, 1.5]).summary();
  const added = addedBy(slow, fast);
  expect(added.p99Ms).toBeCloseTo(0.5, 2);
  expect(addedBy(fast, slow).p50Ms).toBeCloseTo(-0.5, 2);
});

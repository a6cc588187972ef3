/** The search for the highest rate that holds ends close below it, and forgives one bad moment. */
import { describe, expect, test } from "bun:test";
import { type RateOutcome, RateSearch } from "../../bench/rate-search.ts";

const options = { startPerSecond: 100, maxPerSecond: 10_000, precision: 1.1 };

function search(
  holds: (ratePerSecond: number, attempt: number) => boolean,
  otherwise: RateOutcome = "failed",
) {
  const rates: number[] = [];
  const found = new RateSearch(options);
  for (let rate = found.next; rate !== undefined; rate = found.next) {
    const attempt = rates.filter((tried) => tried === rate).length + 1;
    rates.push(rate);
    found.report(holds(rate, attempt) ? "held" : otherwise);
  }
  return { rates, sustained: found.sustained, limited: found.limited };
}

describe("a rate search", () => {
  test("ends within its precision of the truth", () => {
    for (const truth of [130, 777, 2_345, 9_000]) {
      const { sustained, limited, rates } = search((rate) => rate <= truth);
      expect(sustained).toBeLessThanOrEqual(truth);
      expect(sustained * 1.1 + 1).toBeGreaterThan(truth);
      expect([limited, rates.length < 25]).toEqual([false, true]);
    }
  });

  test("doubles while the rate holds, then halves the distance in proportion", () => {
    const { rates } = search((rate) => rate <= 500, "hopeless");
    expect(rates).toEqual([100, 200, 400, 800, 566, 476, 519]);
  });

  test("tries a failed rate once more before it believes it", () => {
    const { rates, sustained } = search((rate, attempt) => rate <= 500 && attempt > 1 - (rate % 2));
    expect(rates.slice(0, 4)).toEqual([100, 100, 200, 200]);
    expect(sustained).toBeGreaterThan(450);
  });

  test("repeats a disturbed step, but not without end", () => {
    const late = search((rate, attempt) => rate <= 500 && attempt === 4, "disturbed");
    expect(late.rates.slice(0, 5)).toEqual([100, 100, 100, 100, 200]);
    expect(late.sustained).toBeGreaterThan(450);
    const never = search(() => false, "disturbed");
    expect(never.rates.filter((rate) => rate === 100)).toEqual([100, 100, 100, 100, 100]);
    expect(never.sustained).toBe(0);
  });

  test("goes down when the first rate is too high, and finds nothing where nothing holds", () => {
    expect(search((rate) => rate <= 40).sustained).toBeGreaterThan(35);
    expect(search(() => false)).toEqual({
      rates: [100, 100, 50, 50, 25, 25, 13, 13, 7, 7],
      sustained: 0,
      limited: false,
    });
  });

  test("stops at its upper limit and says so", () => {
    const { rates, sustained, limited } = search(() => true);
    expect([rates.at(-1), sustained, limited]).toEqual([10_000, 10_000, true]);
  });
});

/** Guarantee: a threshold passes at exactly its part of the amount, up to the largest amounts. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { alertMark, alertMarks, orderedThresholds } from "../../actors/policy/alert.ts";
import { NANO_USD_MAX } from "../../src/base/units.ts";
import { number, table } from "./table.ts";

const MARKS = table(
  ["amount", "ppm", "mark", "why"],
  `
  amount           | ppm     | mark             | why
  1000             | 500000  | 500              | half
  1001             | 500000  | 501              | half of an odd amount, upwards
  1000             | 1000000 | 1000             | all of it
  1000             | 1500000 | 1500             | more than all of it
  3                | 1       | 1                | a little of a little is still something
  0                | 1000000 | 1                | of nothing every posting is too much
  9007199254740991 | 1000000 | 9007199254740991 | the largest amount
  9007199254740991 | 999999  | 9007190247541737 | a millionth less, beyond the doubles
  `,
);

describe("a threshold", () => {
  for (const { amount, ppm, mark, why } of MARKS) {
    test(`of ${ppm} millionths of ${amount} passes at ${mark}: ${why}`, () => {
      expect(alertMark(number(amount), number(ppm))).toBe(number(mark));
    });
  }

  test("passes where exact fractions say so, for any amount", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat(20_000), fc.integer({ min: 2 ** 33 - 9, max: NANO_USD_MAX })),
        fc.integer({ min: 1, max: 2_000_000 }),
        (amount, ppm) => {
          const mark = BigInt(alertMark(amount, ppm));
          const reached = BigInt(amount) * BigInt(ppm);
          if (amount * ppm > NANO_USD_MAX * 1_000_000) return;
          expect(mark * 1_000_000n >= reached).toBe(true);
          expect(mark === 1n || (mark - 1n) * 1_000_000n < reached).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test("thresholds are taken in ascending order and once each, and must be some", () => {
  expect(orderedThresholds([1_000_000, 500_000, 1_000_000])).toEqual([500_000, 1_000_000]);
  expect(alertMarks(200, [500_000, 1_000_000])).toEqual([100, 200]);
  for (const wrong of [0, -1, 0.5, Number.NaN]) {
    expect(() => orderedThresholds([wrong])).toThrow("not a threshold");
  }
});

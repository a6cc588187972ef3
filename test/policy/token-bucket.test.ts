/** Guarantees: a refused request is told the exact wait, and no minute lets too much through. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  clampedTokens,
  createBucket,
  fillOf,
  giveBack,
  remainingTokens,
  resetMs,
  take,
  usedTokens,
  waitMs,
  type Bucket,
} from "../../actors/policy/token-bucket.ts";
import { number, numberOrNull, table } from "./table.ts";

const START_MS = 1_760_000_000_000;

/** A bucket that holds `level` tokens at START_MS. */
function bucketAt(perMinute: number, capacity: number | null, level: number): Bucket {
  return createBucket(perMinute, capacity, { level, atMs: START_MS }, START_MS);
}

const WAITS = table(
  ["perMinute", "capacity", "level", "afterMs", "asked", "waitMs", "remaining", "resetMs"],
  `
  perMinute | capacity | level | afterMs | asked | waitMs  | remaining | resetMs
  60        | -        | 60    | 0       | 1     | 0       | 60        | 0
  60        | 10       | 10    | 0       | 1     | 0       | 10        | 0
  60        | 10       | 0     | 0       | 1     | 1000    | 0         | 10000
  60        | 10       | 0     | 999     | 1     | 1       | 0         | 9001
  60        | 10       | 0     | 1000    | 1     | 0       | 1         | 9000
  60        | 10       | 0     | 99999   | 1     | 0       | 10        | 0
  7         | -        | 0     | 0       | 1     | 8572    | 0         | 60000    # 60,000 / 7, upwards
  200       | -        | 200   | 0       | 9000  | 0       | 200       | 0        # larger than the bucket
  200       | -        | 199   | 0       | 9000  | 300     | 199       | 300      # waits until it is full
  200       | -        | -400  | 0       | 100   | 150000  | 0         | 180000   # pays its debt first
  200       | -        | -400  | 0       | 0     | 0       | 0         | 180000   # asks for nothing
  60        | 0        | 0     | 0       | 1     | 1000    | 0         | 1000     # a burst of 0 is one of 1
  0         | 5        | 0     | 0       | 1     | -       | 0         | 0        # a limit of 0 never lets pass
  `,
);

describe("a token bucket", () => {
  for (const row of WAITS) {
    test(`of ${row.perMinute}/min with ${row.level} left, ${row.afterMs} ms on, asked for ${row.asked}`, () => {
      const bucket = bucketAt(number(row.perMinute), numberOrNull(row.capacity), number(row.level));
      const atMs = START_MS + number(row.afterMs);
      expect({
        waitMs: waitMs(bucket, number(row.asked), atMs),
        remaining: remainingTokens(bucket, atMs),
        resetMs: resetMs(bucket, atMs),
      }).toEqual({
        waitMs: numberOrNull(row.waitMs),
        remaining: number(row.remaining),
        resetMs: number(row.resetMs),
      });
    });
  }

  test("begins full, with a minute's worth or its burst", () => {
    expect(remainingTokens(createBucket(60, null, null, START_MS), START_MS)).toBe(60);
    expect(remainingTokens(createBucket(60, 10, null, START_MS), START_MS)).toBe(10);
  });

  test("carries its fill over to an edited limit, cut to the new capacity", () => {
    const drained = take(createBucket(60, null, null, START_MS), 20, START_MS);
    const fill = fillOf(drained);
    expect(fill).toEqual({ level: 40, atMs: START_MS });
    expect(remainingTokens(createBucket(600, null, fill, START_MS), START_MS)).toBe(40);
    expect(remainingTokens(createBucket(600, 30, fill, START_MS), START_MS)).toBe(30);
  });

  test("takes no more than itself for a request larger than itself, and charges the rest as debt", () => {
    const full = createBucket(200, null, null, START_MS);
    const taken = clampedTokens(full, 9_000);
    const drained = take(full, taken, START_MS);
    expect({ taken, used: usedTokens(drained, START_MS) }).toEqual({ taken: 200, used: 200 });
    // The answer needed 500 tokens: 300 more than were taken, paid at 200 a minute.
    const indebted = giveBack(drained, taken - 500, START_MS);
    expect(usedTokens(indebted, START_MS)).toBe(500);
    expect(waitMs(indebted, 200, START_MS)).toBe(150_000);
  });

  test("never holds more than its capacity when tokens come back", () => {
    const bucket = take(createBucket(60, 10, null, START_MS), 5, START_MS);
    expect(remainingTokens(giveBack(bucket, 5, START_MS + 60_000), START_MS + 60_000)).toBe(10);
  });

  test("neither refills nor waits for ever when the wall clock steps back", () => {
    const drained = take(createBucket(60, 10, null, START_MS), 10, START_MS);
    // A small step back: what was refilled once is not refilled again.
    const earlier = take(drained, 0, START_MS - 500);
    expect(waitMs(earlier, 1, START_MS)).toBe(1_000);
    expect(waitMs(drained, 1, START_MS - 500)).toBe(1_500);
    // An hour back: the bucket counts from the new time.
    const hourBack = take(drained, 0, START_MS - 3_600_000);
    expect(waitMs(hourBack, 1, START_MS - 3_600_000)).toBe(1_000);
  });
});

const anyRate = fc.integer({ min: 1, max: 5_000 });
const anyCapacity = fc.option(fc.integer({ min: 1, max: 5_000 }));

describe("for any limit", () => {
  test("a wait that is obeyed succeeds, and one that is cut short by a millisecond does not", () => {
    fc.assert(
      fc.property(
        anyRate,
        anyCapacity,
        fc.integer({ min: -5_000, max: 5_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        (perMinute, capacity, level, asked) => {
          const bucket = bucketAt(perMinute, capacity, level);
          const wait = waitMs(bucket, asked, START_MS) ?? Number.NaN;
          expect(waitMs(bucket, asked, START_MS + wait)).toBe(0);
          if (wait > 0) expect(waitMs(bucket, asked, START_MS + wait - 1)).toBe(1);
        },
      ),
    );
  });

  test("no sliding minute contains more than the limit and the burst", () => {
    const anyAsk = fc.record({
      gapMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
      tokens: fc.integer({ min: 1, max: 8_000 }),
    });
    fc.assert(
      fc.property(
        anyRate,
        anyCapacity,
        fc.array(anyAsk, { maxLength: 60, size: "max" }),
        (rate, burst, asks) => {
          let bucket = createBucket(rate, burst, null, START_MS);
          let atMs = START_MS;
          const taken: { readonly atMs: number; readonly tokens: number }[] = [];
          for (const ask of asks) {
            atMs += ask.gapMs;
            if (waitMs(bucket, ask.tokens, atMs) !== 0) continue;
            const tokens = clampedTokens(bucket, ask.tokens);
            bucket = take(bucket, tokens, atMs);
            taken.push({ atMs, tokens });
          }
          for (const { atMs: fromMs } of taken) {
            const inMinute = taken
              .filter((each) => each.atMs >= fromMs && each.atMs < fromMs + 60_000)
              .reduce((sum, each) => sum + each.tokens, 0);
            expect(inMinute).toBeLessThanOrEqual(rate + (burst ?? rate));
          }
        },
      ),
    );
  });
});

describe("a small limit stays usable", () => {
  test("whatever an answer needed, the next wait is at most one window and the debt, and true", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 131_072 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 1, max: 131_072 }),
        (perMinute, estimated, used, next) => {
          const full = createBucket(perMinute, null, null, START_MS);
          expect(waitMs(full, estimated, START_MS)).toBe(0);
          const taken = clampedTokens(full, estimated);
          const settled = giveBack(take(full, taken, START_MS), taken - used, START_MS);
          const debt = Math.min(Math.max(0, used - perMinute), 1_440 * perMinute);
          const wait = waitMs(settled, next, START_MS) ?? Number.NaN;
          expect(wait).toBeLessThanOrEqual(60_000 + Math.ceil((debt * 60_000) / perMinute));
          expect(waitMs(settled, next, START_MS + wait)).toBe(0);
        },
      ),
    );
  });

  test("and an absurd report locks it for a day, not for ever", () => {
    for (const perMinute of [1, 200, 10 ** 6, 10 ** 11]) {
      const full = createBucket(perMinute, null, null, START_MS);
      for (const used of [10 ** 15, Number.MAX_SAFE_INTEGER, 1e300]) {
        const indebted = giveBack(full, -used, START_MS);
        expect(waitMs(indebted, 1, START_MS)).toBeLessThanOrEqual(1_441 * 60_000);
        expect(Number.isSafeInteger(indebted.levelUnits)).toBe(true);
        const carried = createBucket(perMinute, null, fillOf(indebted), START_MS);
        expect(waitMs(carried, 1, START_MS)).toBeLessThanOrEqual(1_441 * 60_000);
      }
    }
  });
});

test("sixty requests before a full minute and sixty after it: the edge lets no second burst through", () => {
  let bucket = createBucket(60, 10, null, START_MS);
  let admitted = 0;
  for (const atMs of [START_MS + 59_000, START_MS + 61_000]) {
    for (let count = 0; count < 60; count += 1) {
      if (waitMs(bucket, 1, atMs) !== 0) continue;
      bucket = take(bucket, 1, atMs);
      admitted += 1;
    }
  }
  expect(admitted).toBe(12);
});

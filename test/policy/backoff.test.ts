/** Guarantees: waits are bounded, spread, and long enough to outlast what they wait for. */
import { describe, expect, test } from "bun:test";
import { backoffMs, DEFAULT_BACKOFF } from "../../actors/policy/backoff.ts";
import {
  cooldownMs,
  credentialRestMs,
  exhaustedRestMs,
  openTimeMs,
  restMs,
} from "../../actors/policy/breaker.ts";
import { number, numberOrNull, table } from "./table.ts";

const BACKOFFS = table(
  ["failures", "throttled", "retryAfter", "jitter", "delay"],
  `
  failures | throttled | retryAfter | jitter | delay
  1        | no        | -          | 0      | 0
  1        | no        | -          | 0.5    | 25
  1        | no        | -          | 0.999  | 49
  2        | no        | -          | 0.5    | 50
  3        | no        | -          | 0.5    | 100
  20       | no        | -          | 0.999  | 4995     # at most five seconds
  1        | yes       | -          | 0      | 1000
  1        | yes       | -          | 0.5    | 1500
  2        | yes       | -          | 0.5    | 3000
  3        | yes       | -          | 0.5    | 5000
  1        | yes       | 2000       | 0.5    | 2200     # what was asked for, and a tenth more
  1        | no        | 0          | 0.5    | 0
  3        | no        | 20000      | 0      | 22000
  `,
);

describe("a backoff", () => {
  for (const row of BACKOFFS) {
    test(`after ${row.failures} failures, throttled ${row.throttled}, retry-after ${row.retryAfter}, jitter ${row.jitter}`, () => {
      const delay = backoffMs({
        failures: number(row.failures),
        throttled: row.throttled === "yes",
        retryAfterMs: numberOrNull(row.retryAfter),
        jitter: number(row.jitter),
        rules: DEFAULT_BACKOFF,
      });
      expect(delay).toBe(number(row.delay));
    });
  }

  test("of a throttled attempt outlasts the provider's own cooldown, whatever the chances", () => {
    const again = { throttled: true, jitter: 0, rules: DEFAULT_BACKOFF };
    for (const retryAfterMs of [null, 1, 333, 60_000]) {
      for (const failures of [1, 2, 3]) {
        const cooling = cooldownMs(failures - 1, retryAfterMs);
        const waiting = backoffMs({ ...again, failures, retryAfterMs });
        expect(waiting).toBeGreaterThanOrEqual(cooling);
      }
    }
  });
});

test("a route's own waits begin and end where it says, and never before a throttled lane is back", () => {
  const rules = { baseMs: 200, maxMs: 3_000 };
  const waits = [1, 2, 3, 9].map((failures) =>
    backoffMs({ failures, throttled: false, retryAfterMs: null, jitter: 0.5, rules }),
  );
  expect(waits).toEqual([100, 200, 400, 1_500]);
  const throttled = { failures: 1, throttled: true, retryAfterMs: null, jitter: 0.5 };
  expect(backoffMs({ ...throttled, rules })).toBe(1_500);
  expect(backoffMs({ ...throttled, rules: { ...rules, baseMs: 1_800 } })).toBe(2_700);
  expect(backoffMs({ ...throttled, retryAfterMs: 9_000, rules })).toBe(9_900);
});

const OPEN_TIMES = table(
  ["opens", "jitter", "open"],
  `
  opens | jitter | open
  0     | 0.5    | 5000
  0     | 0      | 4000
  0     | 1      | 6000
  1     | 0.5    | 10000
  5     | 0.5    | 160000
  6     | 0.5    | 300000
  60    | 0.5    | 300000
  `,
);

describe("a breaker", () => {
  for (const { opens, jitter, open } of OPEN_TIMES) {
    test(`that opened ${opens} times before stays open for ${open} ms at jitter ${jitter}`, () => {
      expect(openTimeMs(number(opens), number(jitter))).toBe(number(open));
    });
  }
});

const COOLDOWNS = table(
  ["count", "retryAfter", "cooldown"],
  `
  count | retryAfter  | cooldown
  0     | -           | 1000
  1     | -           | 2000
  5     | -           | 32000
  6     | -           | 60000
  60    | -           | 60000
  0     | 3000        | 3000
  9     | 37000       | 37000        # to the second, however often it was asked
  0     | 999_999_999 | 3_600_000    # no provider disables itself for days
  `,
);

describe("a cooldown", () => {
  for (const { count, retryAfter, cooldown } of COOLDOWNS) {
    test(`number ${count}, retry-after ${retryAfter}: ${cooldown} ms`, () => {
      expect(cooldownMs(number(count), numberOrNull(retryAfter))).toBe(number(cooldown));
    });
  }

  test("that a stepped-back clock would stretch to hours is not waited for", () => {
    expect([restMs(5_000, 2_000), restMs(5_000, 5_000), restMs(5_000, 9_000)]).toEqual([
      3_000, 0, 0,
    ]);
    expect(restMs(1_760_000_000_000, 1_700_000_000_000)).toBe(0);
  });
});

test("a refused credential rests for a minute, doubled up to ten", () => {
  const minutes = [0, 1, 2, 3, 4, 60].map((count) => credentialRestMs(count) / 60_000);
  expect(minutes).toEqual([1, 2, 4, 8, 10, 10]);
});

test("an empty account rests for five minutes, or as long as the provider asked", () => {
  const seconds = [null, 1_000, 900_000].map((asked) => exhaustedRestMs(asked) / 1_000);
  expect(seconds).toEqual([300, 300, 900]);
});

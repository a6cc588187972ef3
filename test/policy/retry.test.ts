/** Guarantees: attempts and time are bounded over all candidates together; nobody is asked in vain. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DEFAULT_BACKOFF } from "../../actors/policy/backoff.ts";
import {
  courseAfterFailure,
  courseAfterHedge,
  courseAfterRefusal,
  courseHedged,
  hedgeOf,
  isLastCandidate,
  moveAfterFailure,
  moveAfterRefusal,
  type Course,
  type Failure,
  type Move,
} from "../../actors/policy/retry.ts";
import { number, numberOrNull, table } from "./table.ts";

const FAILURE: Failure = { retry: "elsewhere", throttled: false, retryAfterMs: null, jitter: 0.5 };

/** So far every candidate before the one in hand was tried or excluded. */
function course({ candidates = 2, ...more }: Partial<Course> & { candidates?: number }): Course {
  const candidate = more.candidate ?? 0;
  return {
    range: { first: 0, end: candidates },
    attemptsMax: 3,
    deadlineMs: 10_000,
    backoff: DEFAULT_BACKOFF,
    candidate,
    hedge: null,
    tried: Array.from({ length: candidate + 1 }, (_, index) => index),
    failures: 0,
    lastFailure: null,
    excluded: [],
    ...more,
  };
}

function written(move: Move): string {
  if (move.do === "stop") return "stop";
  if (move.do === "attempt") return `attempt ${move.candidate}`;
  return `wait ${move.delayMs} for ${move.candidate}`;
}

function retryOf(cell: string): Failure["retry"] {
  if (cell === "never" || cell === "same" || cell === "other") return cell;
  return "elsewhere";
}

const FAILURES = table(
  ["retry", "candidates", "candidate", "refused", "failures", "retryAfter", "atMs", "move"],
  `
  retry     | candidates | candidate | refused | failures | retryAfter | atMs | move
  never     | 2          | 0         |         | 0        | -          | 0    | stop
  elsewhere | 2          | 0         |         | 0        | -          | 0    | attempt 1
  elsewhere | 2          | 0         |         | 0        | 500        | 0    | attempt 1          # no wait while there is another
  elsewhere | 3          | 0         | 1       | 0        | -          | 0    | attempt 2
  elsewhere | 2          | 1         |         | 1        | -          | 0    | wait 50 for 0      # all were tried: round again
  elsewhere | 2          | 1         |         | 1        | 900        | 0    | wait 50 for 0      # what 1 asked for does not concern 0
  elsewhere | 2          | 1         | 0       | 1        | 900        | 0    | wait 990 for 1
  elsewhere | 1          | 0         |         | 0        | -          | 0    | wait 25 for 0
  elsewhere | 1          | 0         |         | 0        | 900        | 0    | wait 990 for 0
  elsewhere | 2          | 0         |         | 2        | -          | 0    | stop               # the third attempt was the last
  same      | 2          | 0         |         | 0        | -          | 0    | wait 25 for 0
  same      | 2          | 0         |         | 1        | -          | 0    | wait 50 for 0
  same      | 2          | 0         |         | 2        | -          | 0    | stop
  same      | 2          | 0         |         | 0        | 900        | 0    | wait 990 for 0
  same      | 2          | 0         |         | 0        | 9500       | 0    | attempt 1          # too long to wait, but there is another
  same      | 1          | 0         |         | 0        | 9500       | 0    | stop
  elsewhere | 1          | 0         |         | 0        | 9000       | 0    | wait 9900 for 0
  elsewhere | 1          | 0         |         | 0        | -          | 9974 | wait 25 for 0
  elsewhere | 1          | 0         |         | 0        | -          | 9975 | stop               # it would begin at the deadline
  elsewhere | 2          | 0         |         | 0        | -          | 9999 | attempt 1
  elsewhere | 2          | 0         |         | 0        | -          | 10000 | stop
  other     | 2          | 0         |         | 0        | -          | 0    | attempt 1
  other     | 1          | 0         |         | 0        | 900        | 0    | stop               # it would answer the same
  other     | 2          | 1         |         | 1        | 900        | 0    | wait 50 for 0      # 0 failed in another way
  other     | 2          | 1         | 0       | 1        | -          | 0    | stop
  `,
);

describe("after an attempt that failed", () => {
  for (const row of FAILURES) {
    test(`${row.retry}, ${row.candidate} of ${row.candidates}, refused [${row.refused}], ${row.failures} before, retry-after ${row.retryAfter}, at ${row.atMs}: ${row.move}`, () => {
      const before = course({
        candidates: number(row.candidates),
        candidate: number(row.candidate),
        excluded: row.refused === "" ? [] : [number(row.refused)],
        failures: number(row.failures),
      });
      const failure = {
        ...FAILURE,
        retry: retryOf(row.retry),
        retryAfterMs: numberOrNull(row.retryAfter),
      };
      expect(written(moveAfterFailure(before, failure, number(row.atMs)))).toBe(row.move);
    });
  }

  test("by throttling, the next round waits at least a second", () => {
    const failure = { ...FAILURE, throttled: true };
    expect(moveAfterFailure(course({ candidates: 1 }), failure, 0)).toEqual({
      do: "wait",
      candidate: 0,
      delayMs: 1_500,
    });
  });
});

const REFUSALS = table(
  ["candidates", "candidate", "refused", "failures", "atMs", "move"],
  `
  candidates | candidate | refused | failures | atMs  | move
  1          | 0         |         | 0        | 0     | stop
  2          | 0         |         | 0        | 0     | attempt 1
  2          | 1         | 0       | 0        | 0     | stop
  3          | 0         | 1       | 0        | 0     | attempt 2
  2          | 1         |         | 1        | 0     | wait 25 for 0   # it failed once and may have recovered
  2          | 1         |         | 2        | 0     | wait 50 for 0
  1          | 0         |         | 1        | 0     | stop
  2          | 1         |         | 1        | 9990  | stop
  2          | 0         |         | 0        | 10000 | stop
  `,
);

describe("after a candidate that refused", () => {
  for (const row of REFUSALS) {
    test(`${row.candidate} of ${row.candidates}, refused [${row.refused}], ${row.failures} failures, at ${row.atMs}: ${row.move}`, () => {
      const failures = number(row.failures);
      const before = course({
        candidates: number(row.candidates),
        candidate: number(row.candidate),
        excluded: row.refused === "" ? [] : [number(row.refused)],
        failures,
        lastFailure: failures === 0 ? null : FAILURE,
      });
      expect(written(moveAfterRefusal(before, number(row.atMs)))).toBe(row.move);
    });
  }
});

describe("candidates kept for a failure of its kind", () => {
  const failure = { ...FAILURE, retry: "never", instead: { first: 2, end: 4 } } as const;

  test("take the place of the others, within the same bound of attempts", () => {
    const before = course({});
    const move = moveAfterFailure(before, failure, 0);
    const after = courseAfterFailure(before, failure, move);
    expect(written(move)).toBe("attempt 2");
    expect(after).toMatchObject({ range: { first: 2, end: 4 }, candidate: 2, failures: 1 });
    expect(written(moveAfterFailure(after, FAILURE, 0))).toBe("attempt 3");
    expect(written(moveAfterFailure(course({ failures: 2 }), failure, 0))).toBe("stop");
    expect(written(moveAfterFailure(before, failure, 10_000))).toBe("stop");
  });
});

describe("a second attempt beside the first", () => {
  test("is for the best one that was not asked yet, once, and only where nothing has failed", () => {
    const before = course({ candidates: 3, excluded: [1] });
    expect(hedgeOf(before, 0)).toBe(2);
    expect(hedgeOf(courseHedged(before, 2), 0)).toBeNull();
    expect(hedgeOf(course({ failures: 1 }), 0)).toBeNull();
    expect(hedgeOf(course({ candidates: 1 }), 0)).toBeNull();
    expect(hedgeOf(course({ attemptsMax: 1 }), 0)).toBeNull();
    expect(hedgeOf(course({}), 10_000)).toBeNull();
  });

  test("hands over to the other when one is over, and what follows asks neither again at once", () => {
    const both = courseHedged(course({ candidates: 3 }), 1);
    const hedgeLeft = courseAfterHedge(both, { isHedge: false, failure: FAILURE });
    expect(hedgeLeft).toMatchObject({ candidate: 1, failures: 1, lastFailure: FAILURE });
    expect(written(moveAfterFailure(hedgeLeft, FAILURE, 0))).toBe("attempt 2");
    const firstLeft = courseAfterHedge(both, { isHedge: true, failure: FAILURE });
    expect(firstLeft).toMatchObject({ candidate: 0, failures: 1 });
    expect(written(moveAfterFailure(firstLeft, FAILURE, 0))).toBe("attempt 2");
    const unheld = courseAfterHedge(both, { isHedge: true, failure: null });
    expect(unheld).toMatchObject({ candidate: 0, failures: 0, excluded: [1] });
  });
});

test("the last candidate is the one beside whom all others are excluded", () => {
  expect(isLastCandidate(course({ candidates: 1 }))).toBe(true);
  expect(isLastCandidate(course({ candidates: 3, excluded: [0] }))).toBe(false);
  expect(isLastCandidate(course({ candidates: 3, candidate: 2, excluded: [0, 1] }))).toBe(true);
});

test("whatever fails and refuses, the way ends within the attempts and the deadline", () => {
  const anyEvent = fc.oneof(
    fc.record({
      retry: fc.constantFrom("same" as const, "elsewhere" as const, "other" as const),
      throttled: fc.boolean(),
      retryAfterMs: fc.option(fc.nat(5_000)),
      jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
    fc.constant("refused" as const),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.infiniteStream(anyEvent),
      (candidates, attemptsMax, events) => {
        let now = course({ candidates, attemptsMax });
        let atMs = 0;
        let attempts = 0;
        let refusals = 0;
        for (const event of events) {
          expect(atMs).toBeLessThan(now.deadlineMs);
          const isRefusal = event === "refused";
          if (isRefusal) refusals += 1;
          else attempts += 1;
          const move = isRefusal ? moveAfterRefusal(now, atMs) : moveAfterFailure(now, event, atMs);
          if (move.do === "stop") break;
          if (move.do === "wait") atMs += move.delayMs;
          now = isRefusal ? courseAfterRefusal(now, move) : courseAfterFailure(now, event, move);
          expect(now.candidate).toBe(move.candidate);
          expect(now.excluded).not.toContain(move.candidate);
        }
        expect(attempts).toBeLessThanOrEqual(attemptsMax);
        expect(refusals).toBeLessThanOrEqual(candidates);
      },
    ),
  );
});

/** Guarantee: a stage begins after a second of readings that ask for it, and ends after five that do not. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PRIORITY_CLASSES, type PriorityClass } from "../../../src/base/priority.ts";
import {
  CALM,
  endsInMs,
  isQueueFull,
  nextState,
  stageOf,
  type LoadReadings,
  type ShedStage,
  type ShedState,
} from "../../../src/gateway/load/shed-policy.ts";
import { CALM_LOAD } from "../../support/calm.ts";
import { number, table } from "../../policy/table.ts";

const PERIOD_MS = 100;

/** The same reading for so long, ten times a second; the stages in force after each. */
class Course {
  atMs = 0;
  state: ShedState = CALM;

  hold(readings: Partial<LoadReadings>, durationMs: number): ShedStage {
    const untilMs = this.atMs + durationMs;
    while (this.atMs < untilMs) {
      this.state = nextState(this.state, { ...CALM_LOAD, ...readings }, this.atMs);
      this.atMs += PERIOD_MS;
    }
    return stageOf(this.state);
  }
}

const TRIGGERS = table(
  ["reading", "below", "first", "second", "third"],
  `
  reading     | below | first | second | third
  loopDelayMs | 99    | 100   | 400    | 1_500
  memoryShare | 0.79  | 0.8   | 0.88   | 0.94
  ledgerAgeMs | 249   | 250   | 1_000  | 5_000
  `,
);

describe("the queue for the disk is full", () => {
  test.each([
    // While the load may be a moment's, only the number counts, however slow the disk is.
    [0, 1_023, 60_000, []],
    [0, 1_024, 0, ["batch"]],
    [0, 2_047, 0, ["batch"]],
    [0, 2_048, 0, ["default", "batch"]],
    [0, 4_095, 0, ["default", "batch"]],
    [0, 4_096, 0, ["interactive", "default", "batch"]],
    // Once it lasts, the time counts as well, but for a few.
    [1, 255, 60_000, []],
    [1, 256, 99, []],
    [1, 256, 100, ["batch"]],
    [2, 256, 249, ["batch"]],
    [1, 256, 250, ["default", "batch"]],
    [2, 256, 499, ["default", "batch"]],
    [1, 256, 500, ["interactive", "default", "batch"]],
    [3, 4_096, 0, ["interactive", "default", "batch"]],
  ] as const)("in stage %d with %d waiting, the oldest for %d ms, for %j", (...given) => {
    const [stage, count, oldestMs, refused] = given;
    const isFull = (name: PriorityClass): boolean => isQueueFull({ count, oldestMs }, name, stage);
    expect(PRIORITY_CLASSES.filter(isFull)).toEqual([...refused]);
  });
});

describe("a stage begins", () => {
  for (const { reading, below, first, second, third } of TRIGGERS) {
    test(`at its trigger of ${reading}`, () => {
      const stages = [below, first, second, third].map((value) =>
        new Course().hold({ [reading]: number(value) }, 1_100),
      );
      expect(stages).toEqual([0, 1, 2, 3]);
    });
  }

  test("after a whole second, not before", () => {
    const course = new Course();
    expect(course.hold({ loopDelayMs: 2_000 }, 1_000)).toBe(0);
    expect(course.hold({ loopDelayMs: 2_000 }, PERIOD_MS)).toBe(3);
  });

  test("after three readings, however late the second of them came", () => {
    let state: ShedState = CALM;
    const stages = [0, 2_000, 4_000].map((atMs) => {
      state = nextState(state, { ...CALM_LOAD, loopDelayMs: 1_900 }, atMs);
      return stageOf(state);
    });
    expect(stages).toEqual([0, 0, 3]);
  });

  test("not after pauses with one good reading between them", () => {
    const course = new Course();
    for (let turn = 0; turn < 5; turn += 1) {
      expect(course.hold({ memoryShare: 0.99 }, 900)).toBe(0);
      course.hold({}, PERIOD_MS);
    }
  });

  test("when one reading takes over from another", () => {
    const course = new Course();
    course.hold({ loopDelayMs: 100 }, 500);
    expect(course.hold({ ledgerAgeMs: 250 }, 600)).toBe(1);
  });
});

describe("a stage ends", () => {
  test("after five seconds below 80 % of its trigger, each stage for itself", () => {
    const course = new Course();
    course.hold({ ledgerAgeMs: 6_000 }, 1_100);
    expect(course.hold({ ledgerAgeMs: 790 }, 5_000)).toBe(3);
    expect(course.hold({ ledgerAgeMs: 790 }, PERIOD_MS)).toBe(1);
    expect(course.hold({ ledgerAgeMs: 200 }, 10_000)).toBe(1);
    expect(course.hold({ ledgerAgeMs: 199 }, 5_100)).toBe(0);
  });

  test("not while its trigger is nearly reached every few seconds", () => {
    const course = new Course();
    course.hold({ loopDelayMs: 150 }, 1_100);
    for (let turn = 0; turn < 10; turn += 1) {
      expect(course.hold({}, 4_900)).toBe(1);
      course.hold({ loopDelayMs: 80 }, PERIOD_MS);
    }
  });
});

describe("the time that is told", () => {
  test("is what is left until a class is served again at the earliest", () => {
    const course = new Course();
    expect(endsInMs(course.state, 1, course.atMs)).toBe(0);
    course.hold({ loopDelayMs: 500 }, 1_100);
    expect(endsInMs(course.state, 1, course.atMs)).toBe(5_000);
    course.hold({ loopDelayMs: 200 }, 3_000);
    // The second stage is nearly over, the first has not begun to end.
    expect([1, 2].map((from) => endsInMs(course.state, from as 1 | 2, course.atMs))).toEqual([
      5_000, 2_000,
    ]);
    expect(endsInMs(course.state, 3, course.atMs)).toBe(0);
  });

  test("is true when nothing happens meanwhile, whatever was before", () => {
    const anyReading = fc.record({
      loopDelayMs: fc.integer({ min: 0, max: 2_000 }),
      memoryShare: fc.double({ min: 0, max: 1, noNaN: true }),
      ledgerAgeMs: fc.integer({ min: 0, max: 7_000 }),
    });
    const anyCourse = fc.array(fc.tuple(anyReading, fc.integer({ min: 1, max: 40 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(anyCourse, (parts) => {
        const course = new Course();
        for (const [readings, times] of parts) course.hold(readings, times * PERIOD_MS);
        const restMs = endsInMs(course.state, 1, course.atMs);
        expect(stageOf(course.state) === 0).toBe(restMs === 0);
        course.hold({}, restMs + PERIOD_MS);
        expect(stageOf(course.state)).toBe(0);
      }),
    );
  });
});

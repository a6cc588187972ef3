/** The clock, and waiting that can be called off. Timers are awaited, never slept on. */
import { describe, expect, test } from "bun:test";
import {
  type Clock,
  formatTime,
  sleep,
  startOfUtcDayMs,
  systemClock,
  UTC_DAY_MS,
} from "../../src/base/clock.ts";

/** A clock whose timers run when the test says so. */
function manualClock(): {
  readonly clock: Clock;
  readonly delays: readonly number[];
  readonly waiting: () => number;
  readonly fire: () => void;
} {
  const delays: number[] = [];
  const timers = new Set<() => void>();
  return {
    clock: {
      nowMs: () => 0,
      monotonicMs: () => 0,
      after: (delayMs, callback) => {
        delays.push(delayMs);
        timers.add(callback);
        return { cancel: () => timers.delete(callback) };
      },
      every: () => ({ cancel: () => {} }),
    },
    delays,
    waiting: () => timers.size,
    fire: () => {
      for (const callback of timers) {
        timers.delete(callback);
        callback();
      }
    },
  };
}

describe("sleep", () => {
  test("ends when its time has come", async () => {
    const { clock, delays, fire } = manualClock();
    const sleeping = sleep(clock, 250);
    fire();
    expect([await sleeping, delays]).toEqual(["elapsed", [250]]);
  });

  test("ends at once when it is called off, and leaves no timer", async () => {
    const { clock, waiting } = manualClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 250, controller.signal);
    expect(waiting()).toBe(1);
    controller.abort();
    expect([await sleeping, waiting()]).toEqual(["aborted", 0]);
  });

  test("does not begin when it was called off before", async () => {
    const { clock, delays } = manualClock();
    expect([await sleep(clock, 250, AbortSignal.abort()), delays]).toEqual(["aborted", []]);
  });

  test("that ended by time no longer listens to the signal", async () => {
    const { clock, fire } = manualClock();
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners -= 1;
      remove(...args);
    };
    const sleeping = sleep(clock, 1, signal);
    expect(listeners).toBe(1);
    fire();
    controller.abort();
    expect([await sleeping, listeners]).toEqual(["elapsed", 0]);
  });
});

describe("the system clock", () => {
  test("calls back once after, again and again every, and never when cancelled", async () => {
    const calls: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.after(0, () => calls.push("cancelled")).cancel();
      systemClock.every(1, () => calls.push("cancelled")).cancel();
      systemClock.after(0, () => calls.push("once"));
      let rounds = 0;
      const timer = systemClock.every(1, () => {
        rounds += 1;
        if (rounds < 3) return;
        timer.cancel();
        resolve();
      });
    });
    expect(calls).toEqual(["once"]);
  });

  test("tells wall time as the platform does, and monotonic time that never goes back", () => {
    const before = Date.now();
    const nowMs = systemClock.nowMs();
    expect(nowMs >= before && nowMs <= Date.now()).toBe(true);
    const readings = Array.from({ length: 1_000 }, () => systemClock.monotonicMs());
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  });
});

test("a UTC day begins at midnight, also before the epoch", () => {
  const dayMs = Date.UTC(2026, 4, 20);
  const days = [dayMs, dayMs + UTC_DAY_MS - 1, dayMs + UTC_DAY_MS, -1].map(startOfUtcDayMs);
  expect(days).toEqual([dayMs, dayMs, Date.UTC(2026, 4, 21), Date.UTC(1969, 11, 31)]);
});

test("times are written in UTC with milliseconds", () => {
  expect([0, 1_794_312_000_123, -1].map(formatTime)).toEqual([
    "1970-01-01T00:00:00.000Z",
    "2026-11-10T12:00:00.123Z",
    "1969-12-31T23:59:59.999Z",
  ]);
});

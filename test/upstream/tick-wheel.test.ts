/**
 * One timer for all: never early, in order, cancellable, on a clock that the test moves.
 */

import { expect, test } from "bun:test";
import { TickWheel } from "../../bench/upstream/tick-wheel.ts";
import type { Clock, Timer } from "../../src/base/clock.ts";

type Alarm = { atMs: number; callback: () => void };

/** A clock that stands still until it is moved. */
class MovedClock implements Clock {
  timeMs = 1_000;
  alarms: Alarm[] = [];
  armed = 0;

  readonly nowMs = (): number => this.timeMs;
  readonly monotonicMs = (): number => this.timeMs;
  readonly every = (): Timer => ({ cancel: () => {} });
  readonly after = (delayMs: number, callback: () => void): Timer => {
    const alarm = { atMs: this.timeMs + delayMs, callback };
    this.alarms.push(alarm);
    this.armed += 1;
    return {
      cancel: () => {
        this.alarms = this.alarms.filter((other) => other !== alarm);
      },
    };
  };

  moveTo(timeMs: number): void {
    for (;;) {
      const [next] = this.alarms.sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > timeMs) {
        break;
      }
      this.timeMs = Math.max(this.timeMs, next.atMs);
      this.alarms = this.alarms.filter((other) => other !== next);
      next.callback();
    }
    this.timeMs = timeMs;
  }
}

function wheelWithLog(): { clock: MovedClock; wheel: TickWheel; log: string[] } {
  const clock = new MovedClock();
  return { clock, wheel: new TickWheel(clock), log: [] };
}

test("tasks run in the order of their time, and of their adding within a millisecond", () => {
  const { clock, wheel, log } = wheelWithLog();
  wheel.after(30, () => log.push("c"));
  wheel.after(10, () => log.push("a"));
  wheel.after(10, () => log.push("b"));
  clock.moveTo(1_009);
  expect(log).toEqual([]);
  clock.moveTo(1_010);
  expect(log).toEqual(["a", "b"]);
  clock.moveTo(2_000);
  expect(log).toEqual(["a", "b", "c"]);
});

test("a fraction of a millisecond is waited for, never cut off", () => {
  const { clock, wheel, log } = wheelWithLog();
  wheel.at(1_010.2, () => log.push("a"));
  clock.moveTo(1_010.5);
  expect(log).toEqual([]);
  clock.moveTo(1_011);
  expect(log).toEqual(["a"]);
});

test("a thousand tasks of one millisecond share one timer", () => {
  const { clock, wheel } = wheelWithLog();
  let run = 0;
  for (let task = 0; task < 1_000; task += 1) {
    wheel.after(20, () => {
      run += 1;
    });
  }
  expect(clock.armed).toBe(1);
  clock.moveTo(1_020);
  expect(run).toBe(1_000);
});

test("a cancelled task never runs, even when its own bucket is running", () => {
  const { clock, wheel, log } = wheelWithLog();
  const early = wheel.after(5, () => log.push("early"));
  wheel.after(10, () => {
    log.push("first");
    wheel.cancel(second);
  });
  const second = wheel.after(10, () => log.push("second"));
  wheel.cancel(early);
  clock.moveTo(1_100);
  expect(log).toEqual(["first"]);
  wheel.cancel(second);
});

test("a task may add another for right now, and time goes on", () => {
  const { clock, wheel, log } = wheelWithLog();
  wheel.after(10, () => {
    log.push("one");
    wheel.after(0, () => log.push("two"));
    wheel.after(5, () => log.push("three"));
  });
  clock.moveTo(1_010);
  expect(log).toEqual(["one", "two"]);
  clock.moveTo(1_015);
  expect(log).toEqual(["one", "two", "three"]);
});

test("after stop nothing runs and no timer is armed", () => {
  const { clock, wheel, log } = wheelWithLog();
  wheel.after(10, () => log.push("never"));
  wheel.stop();
  clock.moveTo(5_000);
  expect([log, clock.alarms]).toEqual([[], []]);
});

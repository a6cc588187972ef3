/**
 * A clock that moves from one alarm to the next when told to, and lets promises settle in between,
 * so that a minute of load takes a moment and is the same each time.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";

type Alarm = { atMs: number; readonly callback: () => void };

export class ManualClock implements Clock {
  #timeMs = 5_000;
  #alarms: Alarm[] = [];

  readonly nowMs = (): number => this.#timeMs;
  readonly monotonicMs = (): number => this.#timeMs;

  readonly after = (delayMs: number, callback: () => void): Timer =>
    this.#arm({ atMs: this.#timeMs + delayMs, callback });

  readonly every = (periodMs: number, callback: () => void): Timer => {
    const alarm: Alarm = {
      atMs: this.#timeMs + periodMs,
      callback: () => {
        alarm.atMs = this.#timeMs + periodMs;
        this.#alarms.push(alarm);
        callback();
      },
    };
    return this.#arm(alarm);
  };

  /** Moves by `durationMs`, ringing every alarm on the way at its own time. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#timeMs + durationMs;
    for (;;) {
      await settle();
      const next = this.#earliest();
      if (next === undefined || next.atMs > untilMs) break;
      this.#timeMs = Math.max(this.#timeMs, next.atMs);
      this.#alarms = this.#alarms.filter((alarm) => alarm !== next);
      next.callback();
    }
    this.#timeMs = untilMs;
  }

  #arm(alarm: Alarm): Timer {
    this.#alarms.push(alarm);
    return {
      cancel: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm);
      },
    };
  }

  #earliest(): Alarm | undefined {
    return this.#alarms.reduce<Alarm | undefined>(
      (first, alarm) => (first === undefined || alarm.atMs < first.atMs ? alarm : first),
      undefined,
    );
  }
}

/** Lets every promise that can settle without time do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

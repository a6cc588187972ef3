/**
 * Deadlines of everything that may hang, on one timer: a sweep every 50 ms over the armed ones costs
 * less than a timer per network chunk. A deadline fires at most one sweep late, exactly once.
 */
import type { Clock } from "../base/clock.ts";

export const SWEEP_MS = 50;

/** A deadline that can be moved without cost and must be disarmed. */
export interface Deadline {
  /** Expires `delayMs` from now, in place of what was armed before. */
  readonly arm: (delayMs: number) => void;
  /** Does not expire until it is armed again; cheaper than to disarm, for what is armed often. */
  readonly pause: () => void;
  readonly disarm: () => void;
}

export interface Watchdog {
  readonly deadline: (onExpire: () => void) => Deadline;
  readonly armedCount: () => number;
  readonly stop: () => void;
}

type Entry = { dueMs: number; readonly onExpire: () => void };

export function createWatchdog(clock: Clock): Watchdog {
  const armed = new Set<Entry>();
  const sweep = (): void => {
    const nowMs = clock.monotonicMs();
    for (const entry of armed) {
      if (entry.dueMs > nowMs) continue;
      armed.delete(entry);
      entry.onExpire();
    }
  };
  const timer = clock.every(SWEEP_MS, sweep);
  return {
    deadline: (onExpire) => {
      const entry: Entry = { dueMs: 0, onExpire };
      return {
        arm: (delayMs) => {
          entry.dueMs = clock.monotonicMs() + delayMs;
          armed.add(entry);
        },
        pause: () => {
          entry.dueMs = Number.POSITIVE_INFINITY;
        },
        disarm: () => {
          armed.delete(entry);
        },
      };
    },
    armedCount: () => armed.size,
    stop: timer.cancel,
  };
}

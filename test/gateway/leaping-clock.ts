/**
 * The system's clock, whose wall time can be moved forward: what a refusal says about waiting can be
 * obeyed without waiting. Timers and measured times run on as they are, as they do when a real wall
 * clock jumps.
 */
import { systemClock, type Clock } from "../../src/base/clock.ts";

export type LeapingClock = Clock & {
  /** From now on it is this much later than it would be. */
  readonly leap: (ms: number) => void;
};

export function leapingClock(): LeapingClock {
  let leaptMs = 0;
  return {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + leaptMs,
    leap: (ms) => {
      leaptMs += ms;
    },
  };
}

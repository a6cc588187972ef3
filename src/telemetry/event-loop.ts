/**
 * How late the event loop runs: a periodic timer measures by how much it is called too late. What a
 * scrape reads is about the time since the scrape before it. Bun's own monitor reports nonsense.
 */
import { createHistogram } from "node:perf_hooks";
import type { Clock } from "../base/clock.ts";

/** Seconds since the reading before; 0 where nothing was sampled. */
export type EventLoopDelay = { readonly p50: number; readonly p99: number; readonly max: number };

export type EventLoopSampler = {
  /** Reads and starts over. */
  readonly take: () => EventLoopDelay;
  readonly stop: () => void;
};

const periodMs = 20;
const microsecondsMax = 3_600_000_000;
const perSecond = 1_000_000;

export function sampleEventLoop(clock: Clock): EventLoopSampler {
  const histogram = createHistogram({ lowest: 1, highest: microsecondsMax, figures: 3 });
  let lastMs = clock.monotonicMs();
  const timer = clock.every(periodMs, () => {
    const nowMs = clock.monotonicMs();
    const lateMicroseconds = Math.round((nowMs - lastMs - periodMs) * 1_000);
    lastMs = nowMs;
    // The histogram takes 1 and up; a timer that was not late counts as a microsecond late.
    histogram.record(Math.min(Math.max(lateMicroseconds, 1), microsecondsMax));
  });
  return {
    take: () => {
      if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
      // Percentiles are rounded to the histogram's precision and may pass the exact maximum.
      const max = histogram.max / perSecond;
      const delay = {
        p50: Math.min(histogram.percentile(50) / perSecond, max),
        p99: Math.min(histogram.percentile(99) / perSecond, max),
        max,
      };
      histogram.reset();
      return delay;
    },
    stop: () => timer.cancel(),
  };
}

/**
 * Distributions of durations in whole microseconds, and what is said about them. Everything that is
 * reported comes from a histogram of all values, never from an average of averages.
 */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

const microsPerMs = 1_000;
const microsMax = 3_600_000_000;

/** What a table or a file shows of a distribution; milliseconds. */
export type Summary = {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
};

/** A point of a distribution as it is drawn. */
export type CurvePoint = { readonly percentile: number; readonly ms: number };

/** Where a latency curve is drawn: every percentile that more than ten values stand behind. */
const curvePercentiles = [
  1, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92, 94, 95, 96, 97, 98, 98.5, 99, 99.3, 99.5,
  99.7, 99.8, 99.9, 99.95, 99.98, 99.99,
];

/** Durations recorded in milliseconds, kept in microseconds. */
export class Distribution {
  readonly #histogram: RecordableHistogram;

  /** `figures`: significant decimal digits kept; 4 tells 20.000 ms from 20.002 ms. */
  constructor(figures: 3 | 4 = 3) {
    this.#histogram = createHistogram({ lowest: 1, highest: microsMax, figures });
  }

  get count(): number {
    return this.#histogram.count;
  }

  /** Values below one microsecond count as one, values above an hour as an hour. */
  recordMs(valueMs: number): void {
    const micros = Math.round(valueMs * microsPerMs);
    this.#histogram.record(Math.min(microsMax, Math.max(1, micros)));
  }

  add(other: Distribution): void {
    this.#histogram.add(other.#histogram);
  }

  /** 0 when nothing was recorded. */
  percentileMs(percentile: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percentile) / microsPerMs;
  }

  summary(): Summary {
    return {
      count: this.count,
      meanMs: this.count === 0 ? 0 : this.#histogram.mean / microsPerMs,
      p50Ms: this.percentileMs(50),
      p90Ms: this.percentileMs(90),
      p95Ms: this.percentileMs(95),
      p99Ms: this.percentileMs(99),
      p999Ms: this.percentileMs(99.9),
      maxMs: this.count === 0 ? 0 : this.#histogram.max / microsPerMs,
    };
  }

  /** The distribution by percentile, as far as enough values stand behind a point. */
  curve(): readonly CurvePoint[] {
    return curvePercentiles
      .filter((percentile) => (this.count * (100 - percentile)) / 100 >= 10 || percentile <= 50)
      .map((percentile) => ({ percentile, ms: this.percentileMs(percentile) }));
  }
}

/** Differences of percentiles; milliseconds. */
export type Added = { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms: number };

/** What a way through a gateway adds, percentile by percentile; negative when it was faster. */
export function addedBy(through: Summary, direct: Summary): Added {
  return {
    p50Ms: through.p50Ms - direct.p50Ms,
    p95Ms: through.p95Ms - direct.p95Ms,
    p99Ms: through.p99Ms - direct.p99Ms,
  };
}

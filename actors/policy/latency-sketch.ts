/**
 * How long answers of one kind take, as a histogram that forgets: good for a percentile within a fifth
 * of its value, in a few hundred bytes, at the cost of one addition for each sample.
 */
import { assert } from "../../src/base/assert.ts";

/** Buckets for each doubling of the time. */
const STEPS = 4;
/** The last one begins at 70 minutes and holds everything above. */
const BUCKETS = 22 * STEPS + 1;
/** A sample weighs so much more than the one before it: half of all weight is on the last 140. */
const GROWTH = 1.005;
/** Weights are scaled down before they outgrow what a number can tell apart. */
const WEIGHT_MAX = 1e9;
/** With fewer samples a percentile of the tail says nothing. */
const SAMPLES_MIN = 20;

export type LatencySketch = {
  readonly weights: Float64Array;
  /** Of the next sample. */
  weight: number;
  samples: number;
};

export function createLatencySketch(): LatencySketch {
  return { weights: new Float64Array(BUCKETS), weight: 1, samples: 0 };
}

export function observeLatency(sketch: LatencySketch, latencyMs: number): void {
  assert(Number.isFinite(latencyMs), `not a duration: ${latencyMs}`);
  const bucket = bucketOf(latencyMs);
  sketch.weights[bucket] = (sketch.weights[bucket] ?? 0) + sketch.weight;
  sketch.samples += 1;
  sketch.weight *= GROWTH;
  if (sketch.weight > WEIGHT_MAX) scaleDown(sketch);
}

/** The time within which `percentile` per cent of the answers come; null: too few were seen. */
export function latencyPercentileMs(sketch: LatencySketch, percentile: number): number | null {
  assert(percentile > 0 && percentile < 100, `not a percentile: ${percentile}`);
  if (sketch.samples < SAMPLES_MIN) return null;
  const total = sketch.weights.reduce((sum, weight) => sum + weight, 0);
  let left = (total * percentile) / 100;
  for (const [bucket, weight] of sketch.weights.entries()) {
    left -= weight;
    if (left <= 0) return upperMs(bucket);
  }
  return upperMs(BUCKETS - 1);
}

function bucketOf(latencyMs: number): number {
  if (latencyMs <= 1) return 0;
  return Math.min(BUCKETS - 1, Math.floor(Math.log2(latencyMs) * STEPS));
}

function upperMs(bucket: number): number {
  return 2 ** ((bucket + 1) / STEPS);
}

function scaleDown(sketch: LatencySketch): void {
  for (const [bucket, weight] of sketch.weights.entries()) {
    sketch.weights[bucket] = weight / WEIGHT_MAX;
  }
  sketch.weight /= WEIGHT_MAX;
}

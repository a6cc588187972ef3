/** Guarantees: a percentile is right within a fifth, old samples fade, and nothing is said of too few. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createLatencySketch,
  latencyPercentileMs,
  observeLatency,
  type LatencySketch,
} from "../../actors/policy/latency-sketch.ts";

function sketchOf(latencies: readonly number[]): LatencySketch {
  const sketch = createLatencySketch();
  for (const latencyMs of latencies) observeLatency(sketch, latencyMs);
  return sketch;
}

describe("a percentile of latencies", () => {
  test("is not told of fewer than twenty", () => {
    const few = Array.from({ length: 19 }, () => 100);
    expect(latencyPercentileMs(sketchOf(few), 95)).toBeNull();
    expect(latencyPercentileMs(sketchOf([...few, 100]), 95)).toBeCloseTo(107.6, 1);
  });

  test("tells the tail from the rest", () => {
    const sketch = sketchOf(
      Array.from({ length: 1_000 }, (_, index) => (index % 10 === 0 ? 2_000 : 100)),
    );
    expect(latencyPercentileMs(sketch, 50)).toBeLessThan(120);
    expect(latencyPercentileMs(sketch, 95)).toBeGreaterThan(2_000);
  });

  test("follows a provider that has become faster, and stays right after a million answers", () => {
    const sketch = sketchOf(Array.from({ length: 10_000 }, () => 5_000));
    for (let each = 0; each < 1_000_000; each += 1) observeLatency(sketch, 50);
    expect(latencyPercentileMs(sketch, 99)).toBeLessThan(60);
    for (let each = 0; each < 1_000; each += 1) observeLatency(sketch, 5_000);
    expect(latencyPercentileMs(sketch, 50)).toBeGreaterThan(5_000);
  });

  test("of equal latencies is theirs, never less and at most a fifth more", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 4_000_000, noNaN: true }),
        fc.integer({ min: 1, max: 99 }),
        (latencyMs, percentile) => {
          const told = latencyPercentileMs(
            sketchOf(Array.from({ length: 20 }, () => latencyMs)),
            percentile,
          );
          expect(told).toBeGreaterThanOrEqual(latencyMs * 0.999_999);
          expect(told).toBeLessThanOrEqual(latencyMs * 1.2);
        },
      ),
    );
  });
});

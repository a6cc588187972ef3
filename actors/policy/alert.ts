/**
 * When a budget alerts: thresholds in millionths of its amount, compared in integers. They pass in
 * ascending order, so that a count says which of them a window has told.
 */
import { assert } from "../../src/base/assert.ts";
import type { NanoUsd } from "../../src/base/units.ts";

const PPM = 1_000_000;

/** Ascending and each once. */
export function orderedThresholds(thresholdsPpm: readonly number[]): number[] {
  for (const ppm of thresholdsPpm) {
    assert(Number.isSafeInteger(ppm) && ppm > 0, `not a threshold in millionths: ${ppm}`);
  }
  return [...new Set(thresholdsPpm)].toSorted((one, other) => one - other);
}

/** The smallest posted sum that passes a threshold; nothing posted passes none. */
export function alertMark(amountNanoUsd: NanoUsd, thresholdPpm: number): NanoUsd {
  const product = amountNanoUsd * thresholdPpm;
  if (Number.isSafeInteger(product)) {
    const rest = product % PPM;
    return Math.max(1, (product - rest) / PPM + (rest === 0 ? 0 : 1));
  }
  const exact = BigInt(amountNanoUsd) * BigInt(thresholdPpm);
  return Number((exact + BigInt(PPM - 1)) / BigInt(PPM));
}

/** The marks of an amount, in the order of its thresholds. */
export function alertMarks(amountNanoUsd: NanoUsd, ordered: readonly number[]): NanoUsd[] {
  return ordered.map((thresholdPpm) => alertMark(amountNanoUsd, thresholdPpm));
}

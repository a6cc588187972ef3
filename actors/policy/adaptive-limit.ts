/**
 * How many attempts at once a provider is good for, learned from its own complaints: additive increase,
 * multiplicative decrease. There is no limit until it first says that it is too much; then a tenth less
 * than what was under way, one more for each window of clean outcomes, and none again when the limit
 * has grown well beyond everything that was ever wanted.
 *
 * Invariant: never below the floor, so that a provider that complains about everything is still heard.
 */
import { LIMITS } from "../../src/base/limits.ts";

export type AdaptiveLimit = {
  /** null: nothing limits. */
  atOnce: number | null;
  /** The most attempts that were ever under way at once. */
  peak: number;
  /** Complaints about attempts that began before are about the time before it was lowered. */
  loweredAtMs: number;
  /** Clean outcomes since it last changed. */
  clean: number;
};

const DECREASE = 0.9;
/** Beyond this many times the peak a limit limits nothing any more. */
const OUTGROWN = 2;

export function createAdaptiveLimit(peak: number): AdaptiveLimit {
  return { atOnce: null, peak, loweredAtMs: Number.NEGATIVE_INFINITY, clean: 0 };
}

/** One decrease for each round trip: a burst that is refused as one counts once. */
export function afterCongestion(
  limit: AdaptiveLimit,
  inFlight: number,
  takenAtMs: number,
  atMs: number,
): void {
  if (limit.atOnce !== null && takenAtMs <= limit.loweredAtMs) return;
  const used = Math.min(inFlight, limit.atOnce ?? inFlight);
  limit.atOnce = Math.max(LIMITS.adaptiveFloor, Math.floor(used * DECREASE));
  limit.loweredAtMs = atMs;
  limit.clean = 0;
}

/** Whether one more clean outcome lifts the limit. */
export function isOutgrown({ atOnce, peak, clean }: AdaptiveLimit): boolean {
  return atOnce !== null && clean + 1 >= atOnce && atOnce + 1 > OUTGROWN * floored(peak);
}

export function afterClean(limit: AdaptiveLimit): void {
  if (limit.atOnce === null) return;
  if (isOutgrown(limit)) {
    limit.atOnce = null;
    limit.clean = 0;
    return;
  }
  limit.clean += 1;
  if (limit.clean < limit.atOnce) return;
  limit.atOnce += 1;
  limit.clean = 0;
}

function floored(peak: number): number {
  return Math.max(LIMITS.adaptiveFloor, peak);
}

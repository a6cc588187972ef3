/**
 * Phase 2, choose: which of a route's candidates can take an attempt now, in the order of the
 * strategy. It only looks at what the provider actors remember; the attempt asks them for a permit.
 */
import { laneHealth } from "../../actors/provider.ts";
import { refuse, type Refusal } from "../base/verdict.ts";
import type { Candidate } from "./resolve.ts";

export type Chosen = {
  readonly available: readonly Candidate[];
  /** Those that cannot take one now. */
  readonly resting: readonly Candidate[];
  /** Why none is resting can, with the soonest time at which one may; null when none rests. */
  readonly refusal: Refusal | null;
};

/** Priority strategy: the candidates come in the operator's order, and stay in it. */
export function choose(candidates: readonly Candidate[], atMs: number): Chosen {
  const available: Candidate[] = [];
  const resting: Candidate[] = [];
  let soonestMs = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const { availableAtMs } = laneHealth(candidate.lane.handle, atMs);
    if (availableAtMs === null || availableAtMs <= atMs) available.push(candidate);
    else {
      resting.push(candidate);
      soonestMs = Math.min(soonestMs, availableAtMs);
    }
  }
  const refusal = resting.length === 0 ? null : providersResting(resting, soonestMs, atMs);
  return { available, resting, refusal };
}

function providersResting(
  candidates: readonly Candidate[],
  soonestMs: number,
  atMs: number,
): Refusal {
  const names = [...new Set(candidates.map(({ provider }) => provider.row.name))].join(", ");
  return refuse("provider_unavailable", `No provider takes requests now: ${names}.`, {
    retryAfterMs: soonestMs - atMs,
  }).refusal;
}

/**
 * Who can take an attempt now, as the lanes' actors remember. Where every lane rests, the least bad of
 * those that may be risked is the last resort: a route never loses its last target to our own caution,
 * and a provider that does not accept our credential says so itself. Nothing is risked against an
 * operator's word, or a provider's.
 */
import { laneHealth, laneService } from "../../../actors/provider.ts";
import type { LaneHealth } from "../../../actors/provider-contract.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import type { Candidate } from "../resolve.ts";
import type { Ask } from "./ask.ts";

export type Resting = { readonly candidate: Candidate; readonly health: LaneHealth };

export type ByHealth = {
  readonly available: readonly Candidate[];
  readonly resting: readonly Resting[];
  /** `available` is one that rests. */
  readonly isLastResort: boolean;
};

export function byHealth(candidates: readonly Candidate[], ask: Ask): ByHealth {
  const { atMs } = ask;
  const available: Candidate[] = [];
  const resting: Resting[] = [];
  for (const candidate of candidates) {
    const health = candidateHealth(candidate, ask);
    if (health.availableAtMs === null || health.availableAtMs <= atMs) available.push(candidate);
    else resting.push({ candidate, health });
  }
  const least = available.length > 0 ? null : leastBad(resting, atMs);
  if (least === null) return { available, resting, isLastResort: false };
  const others = resting.filter((one) => one !== least);
  return { available: [least.candidate], resting: others, isLastResort: true };
}

/** A lane is as its actor knows it, unless its provider has neither a slot nor a place to wait for one. */
function candidateHealth({ lane, provider }: Candidate, ask: Ask): LaneHealth {
  const { atMs } = ask;
  const health = laneHealth(lane.handle, atMs);
  const fullMs = provider.gate.fullMs(ask);
  if (fullMs === 0) return health;
  const freeAtMs = atMs + fullMs;
  return {
    ...health,
    availableAtMs: Math.max(health.availableAtMs ?? 0, freeAtMs),
    lastResortAtMs: Math.max(health.lastResortAtMs ?? 0, freeAtMs),
    restsFor: health.restsFor ?? "full",
  };
}

/**
 * Of those that may be risked now: a breaker before an account, which time alone does not cure; the one
 * with the fewest failures, then the soonest to be tried again.
 */
function leastBad(resting: readonly Resting[], atMs: number): Resting | null {
  const [least = null] = resting
    .filter(({ health }) => health.lastResortAtMs === null || health.lastResortAtMs <= atMs)
    .map((one) => {
      const isAccount = Number(one.health.restsFor !== "breaker");
      return { one, isAccount, failureShare: failureShare(one, atMs) };
    })
    .toSorted(
      (a, b) =>
        a.isAccount - b.isAccount ||
        a.failureShare - b.failureShare ||
        availableAtMs(a.one) - availableAtMs(b.one),
    );
  return least === null ? null : least.one;
}

function failureShare({ candidate }: Resting, atMs: number): number {
  return laneService(candidate.lane.handle, atMs).failureShare ?? 1;
}

function availableAtMs({ health }: Resting): number {
  return health.availableAtMs ?? 0;
}

/** Why none of them takes the request, with the soonest time at which one may; null when none rests. */
export function providersResting(resting: readonly Resting[], atMs: number): Refusal | null {
  if (resting.length === 0) return null;
  const names = new Set(resting.map(({ candidate }) => candidate.provider.row.name));
  const soonestMs = Math.min(...resting.map(availableAtMs));
  const message = `No provider takes requests now: ${[...names].join(", ")}.`;
  return refuse("provider_unavailable", message, { retryAfterMs: soonestMs - atMs }).refusal;
}

/** What Tollgate has learned of a provider, as its operators see it. */
import { formatTime } from "../base/clock.ts";
import type { DirectoryAdmin, LaneState } from "../gateway/directory-contract.ts";
import type { Provider } from "./shapes/provider.ts";

type Health = Provider["health"];
type Lane = Health["lanes"][number];
type RestReason = NonNullable<LaneState["health"]["restsFor"]>;

export function showHealth(directory: DirectoryAdmin, providerId: string): Health {
  const { breaker, availableAtMs, inFlight } = directory.providerHealth(providerId);
  return {
    breaker,
    available_at: timeOf(availableAtMs),
    in_flight: inFlight,
    lanes: directory.providerLanes(providerId).map(showLane),
  };
}

function showLane({ family, position, health, service }: LaneState): Lane {
  return {
    family,
    credential: position,
    breaker: health.breaker,
    available_at: timeOf(health.availableAtMs),
    rests_for: restsFor(health),
    in_flight: health.inFlight,
    first_token_ms: rounded(service.firstTokenMs, 1),
    failure_share: rounded(service.failureShare, 1_000),
  };
}

const RESTS: Readonly<Record<RestReason, NonNullable<Lane["rests_for"]>>> = {
  forced: "forced",
  breaker: "failures",
  probes: "probing",
  cooldown: "throttled",
  exhausted: "exhausted",
  credential_refused: "credential_refused",
  full: "full",
};

function restsFor({ restsFor: reason, startsSlowly }: LaneState["health"]): Lane["rests_for"] {
  if (reason !== null) return RESTS[reason];
  return startsSlowly ? "slow_start" : null;
}

function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : formatTime(atMs);
}

/** To parts of one: averages have more digits than sense. */
export function rounded(value: number | null, parts: number): number | null {
  return value === null ? null : Math.round(value * parts) / parts;
}

/**
 * The candidates of one target: its lanes, which stay together in whatever order targets come, and how
 * the target has served lately, as the best of its lanes has.
 */
import { laneHealth, laneService } from "../../../actors/provider.ts";
import type { LaneService } from "../../../actors/provider-contract.ts";
import type { Candidate, RouteTarget } from "../resolve.ts";

export type Group = {
  readonly target: RouteTarget | null;
  /** Never empty, in the order of their rotation. */
  readonly lanes: readonly [Candidate, ...Candidate[]];
  readonly service: GroupService;
  /** None of its lanes takes an attempt now. */
  readonly rests: boolean;
};

/** The best that its lanes have; null where nothing is known of any. */
export type GroupService = Omit<LaneService, "seenAtMs"> & {
  /** When the last outcome came on any lane; -Infinity: never, Infinity: the first is under way. */
  readonly seenAtMs: number;
};

/** `candidates`: the lanes of a target stand next to each other. */
export function groupsOf(candidates: readonly Candidate[], atMs: number): Group[] {
  const lists: [Candidate, ...Candidate[]][] = [];
  for (const candidate of candidates) {
    const last = lists.at(-1);
    if (last?.[0].target === candidate.target) last.push(candidate);
    else lists.push([candidate]);
  }
  return lists.map((lanes) => {
    const services = lanes.map(({ lane }) => laneService(lane.handle, atMs));
    const rests = lanes.every(({ lane }) => laneHealth(lane.handle, atMs).restsFor !== null);
    return { target: lanes[0].target, lanes, service: together(services), rests };
  });
}

function together(services: readonly LaneService[]): GroupService {
  return {
    firstTokenMs: least(services.map(({ firstTokenMs }) => firstTokenMs)),
    failureShare: least(services.map(({ failureShare }) => failureShare)),
    inFlight: Math.min(...services.map(({ inFlight }) => inFlight)),
    seenAtMs: Math.max(...services.map(seenAt)),
  };
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function seenAt({ seenAtMs, inFlight }: LaneService): number {
  return seenAtMs ?? (inFlight > 0 ? Infinity : -Infinity);
}

/** Groups of one priority, from the lowest up; within one in the operator's order. */
export function levelsOf(groups: readonly Group[]): Group[][] {
  const levels = Map.groupBy(groups, ({ target }) => target?.priority ?? 0);
  return [...levels].toSorted(([one], [other]) => one - other).map(([, level]) => level);
}

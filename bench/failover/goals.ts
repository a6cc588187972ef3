/** What `bench failover` wants of every way to fail, in numbers. */
import type { Goal } from "../goals.ts";
import { countText, msText, secondsText } from "../quantities.ts";
import type { PhaseJudged, PhaseName, WayJudged } from "./judge.ts";

/** Load on a failing provider before it is left alone, in times what clients ask for. */
const STORM_MAX = 1.1;
/** Requests that were on their way at either edge of the second that is counted. */
const EDGE_REQUESTS = 2;
/** Attempts that a half-open breaker lets through. */
const PROBES_MAX = 3;
/** The only provider of a route is never left alone altogether. */
const LAST_RESORTS_PER_SECOND = 1;
/** An open breaker's first time, with its spread. */
const BACK_MS_MAX = 6_000;
const REFUSED_P99_MS_MAX = 100;
const ADDED_P50_MS_MAX = 5;

/** `isAlone`: there was nobody to fail over to, so refusals are what is right. */
export function failoverGoals(ways: readonly WayJudged[], isAlone: boolean): readonly Goal[] {
  return ways.flatMap((judged) => [
    leftAlone(judged),
    storm(judged),
    probes(judged, isAlone),
    ...(isAlone ? refusals(judged) : [failuresIn(judged, "left alone"), addedLatency(judged)]),
    comeback(judged),
    ...(isAlone ? [] : [failuresIn(judged, "healed")]),
  ]);
}

function phase({ phases }: WayJudged, name: PhaseName): PhaseJudged | undefined {
  return phases.find((one) => one.name === name && one.offered > 0);
}

function leftAlone({ way, leftAloneAfterMs }: WayJudged): Goal {
  return {
    name: `${way}: left alone`,
    wanted: "before it heals",
    measured: leftAloneAfterMs === undefined ? "never" : `after ${msText(leftAloneAfterMs)}`,
    reached: leftAloneAfterMs !== undefined,
  };
}

function storm({ way, busiest }: WayJudged): Goal {
  const goal = { name: `${way}: load on it, busiest second`, wanted: `≤ ${STORM_MAX} × offered` };
  if (busiest === undefined) return { ...goal, measured: "not measured", reached: undefined };
  const { arrivals, offered } = busiest;
  const counts = `${countText(arrivals)} of ${countText(offered)} offered`;
  return {
    ...goal,
    measured: `${(arrivals / offered).toFixed(2)} × (${counts})`,
    reached: arrivals <= offered * STORM_MAX + EDGE_REQUESTS,
  };
}

function probes(judged: WayJudged, isAlone: boolean): Goal {
  const seconds = Math.ceil((phase(judged, "left alone")?.durationMs ?? 0) / 1_000);
  const max = PROBES_MAX + (isAlone ? LAST_RESORTS_PER_SECOND * seconds : 0);
  const { way, probes: count, leftAloneAfterMs } = judged;
  const isKnown = count !== undefined && leftAloneAfterMs !== undefined;
  return {
    name: `${way}: requests to it after`,
    wanted: `≤ ${max}`,
    measured: isKnown ? countText(count) : "not measured",
    reached: isKnown ? count <= max : undefined,
  };
}

function failuresIn(judged: WayJudged, name: PhaseName): Goal {
  const found = phase(judged, name);
  const failed = found === undefined ? undefined : found.offered - found.succeeded;
  const when = name === "healed" ? "after it healed" : "after it was left alone";
  return {
    name: `${judged.way}: failed requests ${when}`,
    wanted: "0",
    measured:
      found === undefined || failed === undefined
        ? "not measured"
        : `${countText(failed)} of ${countText(found.offered)}`,
    reached: failed === undefined ? undefined : failed === 0,
  };
}

function addedLatency(judged: WayJudged): Goal {
  const addedMs = phase(judged, "left alone")?.added.p50Ms;
  return {
    name: `${judged.way}: p50 added after it was left alone`,
    wanted: `≤ ${msText(ADDED_P50_MS_MAX)}`,
    measured: addedMs === undefined ? "not measured" : msText(addedMs),
    reached: addedMs === undefined ? undefined : addedMs <= ADDED_P50_MS_MAX,
  };
}

function refusals(judged: WayJudged): readonly Goal[] {
  const found = phase(judged, "left alone");
  const p99Ms = found?.refusedP99Ms;
  return [
    {
      name: `${judged.way}: refused at once, p99`,
      wanted: `≤ ${msText(REFUSED_P99_MS_MAX)}`,
      measured: p99Ms === undefined ? "nothing was refused" : msText(p99Ms),
      reached: p99Ms === undefined ? undefined : p99Ms <= REFUSED_P99_MS_MAX,
    },
    {
      name: `${judged.way}: refusals without retry-after`,
      wanted: "0",
      measured: found === undefined ? "not measured" : countText(found.rude),
      reached: found === undefined ? undefined : found.rude === 0,
    },
  ];
}

function comeback({ way, backAfterMs }: WayJudged): Goal {
  return {
    name: `${way}: traffic back after healing`,
    wanted: `≤ ${secondsText(BACK_MS_MAX)}`,
    measured: backAfterMs === undefined ? "never" : secondsText(backAfterMs),
    reached: backAfterMs !== undefined && backAfterMs <= BACK_MS_MAX,
  };
}

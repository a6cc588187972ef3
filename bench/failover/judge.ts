/**
 * What a way to fail came to: pure arithmetic over what clients saw, what reached the providers by
 * their own counts, and when Tollgate said that it leaves the failing one alone.
 */
import {
  type EndCount,
  endsOf,
  type ExchangeLog,
  isPoliteRefusal,
  isSuccess,
  latencyOf,
  type LoggedExchange,
  plannedBetween,
  slotsOf,
  tookMs,
  distributionOf,
} from "../exchange-log.ts";
import { addedBy, type Added, type Summary } from "../statistics.ts";
import type { FailWay } from "./options.ts";
import type { Arrival } from "./provider.ts";

/** Everything that was seen of one way; times are wall time. */
export type WaySeen = {
  readonly way: FailWay;
  readonly log: ExchangeLog;
  /** By provider; the first one is the one that failed. */
  readonly arrivals: readonly (readonly Arrival[])[];
  readonly failedAtMs: number;
  readonly healedAtMs: number;
  readonly endedAtMs: number;
  /** When Tollgate first said so; undefined: it never did while the provider failed. */
  readonly leftAloneAtMs: number | undefined;
};

export type PhaseName = (typeof PHASES)[number];
export const PHASES = ["healthy", "failing", "left alone", "healed"] as const;

/** One stretch of a way, by the requests that were planned in it. */
export type PhaseJudged = {
  readonly name: PhaseName;
  readonly durationMs: number;
  readonly offered: number;
  readonly succeeded: number;
  /** Requests that reached any provider, for each one offered. */
  readonly attemptsPerRequest: number | undefined;
  readonly latency: Summary;
  /** Against the healthy phase. */
  readonly added: Added;
  /** How those ended that failed. */
  readonly failures: readonly EndCount[];
  /** Of the refused ones: how long they took to be refused, and how many were not told when to come. */
  readonly refusedP99Ms: number | undefined;
  readonly rude: number;
};

export type BusySecond = { readonly arrivals: number; readonly offered: number };

export type WayJudged = {
  readonly way: FailWay;
  readonly phases: readonly PhaseJudged[];
  /** From the first failure to be met until Tollgate left the provider alone. */
  readonly leftAloneAfterMs: number | undefined;
  /** Requests that reached the failing provider before that, and those offered meanwhile. */
  readonly stormArrivals: number | undefined;
  readonly stormOffered: number;
  /** The second until then, or around it, with the most load against what was offered in it. */
  readonly busiest: BusySecond | undefined;
  /** Requests that reached it afterwards, as long as it failed. */
  readonly probes: number | undefined;
  /** From healing to its first good answer, and to half of what was offered. */
  readonly backAfterMs: number | undefined;
  readonly halfBackAfterMs: number | undefined;
  readonly timeline: readonly WaySlot[];
  readonly failedMs: number;
  readonly leftAloneMs: number | undefined;
  readonly healedMs: number;
  readonly durationMs: number;
};

/** A moment of a way; milliseconds from its begin. */
export type WaySlot = {
  readonly atMs: number;
  readonly successShare: number | undefined;
  readonly p99Ms: number | undefined;
  /** By provider. */
  readonly arrivalsPerSecond: readonly number[];
};

const SLOT_MS = 250;
/** The first exchanges open connections and are compiled for: they belong to no phase. */
const WARM_UP_SHARE = 0.2;

export function judgeWay(seen: WaySeen): WayJudged {
  const { way, log, arrivals, failedAtMs, healedAtMs, endedAtMs, leftAloneAtMs } = seen;
  const origin = log.startedAtMs;
  const [failing = []] = arrivals;
  const aloneAtMs = leftAloneAtMs ?? healedAtMs;
  const between = (fromMs: number, untilMs: number): number =>
    failing.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length;
  // Nobody can count what knocks at a port that nobody listens to.
  const isCounted = way !== "refused";
  const stormOffered = plannedBetween(log, failedAtMs - origin, aloneAtMs - origin).length;
  const durationMs = endedAtMs - origin;
  return {
    way,
    phases: phasesOf(seen),
    leftAloneAfterMs: leftAloneAtMs === undefined ? undefined : leftAloneAtMs - failedAtMs,
    stormArrivals: isCounted ? between(failedAtMs, aloneAtMs) : undefined,
    stormOffered,
    busiest: isCounted ? busiestSecond(seen, aloneAtMs) : undefined,
    probes: isCounted ? between(aloneAtMs, healedAtMs) : undefined,
    ...comeback(seen),
    timeline: timelineOf(seen, durationMs),
    failedMs: failedAtMs - origin,
    leftAloneMs: leftAloneAtMs === undefined ? undefined : leftAloneAtMs - origin,
    healedMs: healedAtMs - origin,
    durationMs,
  };
}

const secondMs = 1_000;
const secondStepMs = 50;

/** Ten failures in a row may be all there is before a breaker opens: too few to tell a storm by. */
function busiestSecond(
  { log, arrivals: [failing = []], failedAtMs }: WaySeen,
  aloneAtMs: number,
): BusySecond | undefined {
  let busiest: BusySecond | undefined;
  for (let fromMs = failedAtMs - secondMs; fromMs < aloneAtMs; fromMs += secondStepMs) {
    const untilMs = fromMs + secondMs;
    const origin = log.startedAtMs;
    const offered = plannedBetween(log, fromMs - origin, untilMs - origin).length;
    const arrivals = failing.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length;
    // Where the load had not begun yet there is no second to compare.
    if (fromMs < origin || offered === 0) continue;
    const times = busiest === undefined ? -1 : busiest.arrivals / busiest.offered;
    if (arrivals / offered > times) busiest = { arrivals, offered };
  }
  return busiest;
}

function phasesOf(seen: WaySeen): readonly PhaseJudged[] {
  const { log, failedAtMs, healedAtMs, endedAtMs, leftAloneAtMs } = seen;
  const start = log.startedAtMs + (failedAtMs - log.startedAtMs) * WARM_UP_SHARE;
  const alone = leftAloneAtMs ?? healedAtMs;
  const bounds = [start, failedAtMs, alone, healedAtMs, endedAtMs];
  const made = PHASES.map((name, index) => {
    const fromMs = bounds[index] ?? 0;
    const untilMs = bounds[index + 1] ?? 0;
    const planned = plannedBetween(log, fromMs - log.startedAtMs, untilMs - log.startedAtMs);
    const refused = planned.filter((exchange) => /^(?:429|503)\b/.test(exchange.label));
    const reached = seen.arrivals
      .flat()
      .filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length;
    return {
      name,
      durationMs: untilMs - fromMs,
      offered: planned.length,
      succeeded: planned.filter((exchange) => isSuccess(exchange)).length,
      attemptsPerRequest: planned.length === 0 ? undefined : reached / planned.length,
      latency: latencyOf(planned),
      failures: endsOf(planned.filter((exchange: LoggedExchange) => !isSuccess(exchange))),
      refusedP99Ms:
        refused.length === 0 ? undefined : distributionOf(refused, tookMs).percentileMs(99),
      rude: refused.filter((exchange) => !isPoliteRefusal(exchange)).length,
    };
  });
  const healthy = made[0]?.latency ?? latencyOf([]);
  return made.map((phase) => ({ ...phase, added: addedBy(phase.latency, healthy) }));
}

function comeback({ log, arrivals, healedAtMs, endedAtMs }: WaySeen) {
  const good = (arrivals[0] ?? []).filter(
    ({ atMs, isAnswered }) => isAnswered && atMs >= healedAtMs,
  );
  const first = good[0]?.atMs;
  let halfBackAfterMs: number | undefined;
  for (let fromMs = healedAtMs; fromMs + SLOT_MS <= endedAtMs; fromMs += SLOT_MS) {
    const untilMs = fromMs + SLOT_MS;
    const served = good.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length;
    const offered = plannedBetween(log, fromMs - log.startedAtMs, untilMs - log.startedAtMs).length;
    if (offered > 0 && served >= offered / 2) {
      halfBackAfterMs = fromMs - healedAtMs;
      break;
    }
  }
  return {
    backAfterMs: first === undefined ? undefined : first - healedAtMs,
    halfBackAfterMs,
  };
}

function timelineOf({ log, arrivals }: WaySeen, durationMs: number): readonly WaySlot[] {
  const counts = arrivals.map((all) => {
    const slots = new Map<number, number>();
    for (const { atMs } of all) {
      const slot = Math.floor((atMs - log.startedAtMs) / SLOT_MS);
      slots.set(slot, (slots.get(slot) ?? 0) + 1);
    }
    return slots;
  });
  return slotsOf(log, { slotMs: SLOT_MS, untilMs: durationMs }).map((slot, index) => ({
    atMs: slot.fromMs + SLOT_MS / 2,
    successShare: slot.successShare,
    p99Ms: slot.p99Ms,
    arrivalsPerSecond: counts.map((slots) => ((slots.get(index) ?? 0) * 1_000) / SLOT_MS),
  }));
}

/**
 * What became of every single exchange of a load, and what is said about many of them: how they
 * ended, how long those took that succeeded, and how it went over time. Times count from the begin of
 * the load, which is known in wall time, so that logs of several processes can be laid side by side.
 */
import { Distribution, type Summary } from "./statistics.ts";

/** One exchange; milliseconds from the begin of its load. */
export type LoggedExchange = {
  readonly plannedMs: number;
  readonly sentMs: number;
  /** When its first frame came; undefined for a plain answer, and when none came. */
  readonly firstFrameMs: number | undefined;
  readonly endedMs: number;
  /** {@link SUCCEEDED}, or what it was answered in a few words. */
  readonly label: string;
};

export type ExchangeLog = {
  readonly startedAtMs: number;
  readonly exchanges: readonly LoggedExchange[];
};

/** How an exchange is labelled that the client got all of. */
export const SUCCEEDED = "200";

export function isSuccess({ label }: LoggedExchange): boolean {
  return label === SUCCEEDED;
}

/** Refused by the provider, or by Tollgate and told when to come back. */
export function isPoliteRefusal({ label }: LoggedExchange): boolean {
  return /^(?:429|503)\b/.test(label) && !label.endsWith(RUDE);
}

/** Ends the label of a refusal of Tollgate's own that does not say when to come back. */
export const RUDE = " without retry-after";

/** From planned start to the end; what waited in the generator waited for the gateway all the same. */
export function tookMs(exchange: LoggedExchange): number {
  return exchange.endedMs - exchange.plannedMs;
}

/** Exchanges that were planned in `[fromMs, untilMs)`. */
export function plannedBetween(
  { exchanges }: Pick<ExchangeLog, "exchanges">,
  fromMs: number,
  untilMs: number,
): readonly LoggedExchange[] {
  return exchanges.filter(({ plannedMs }) => plannedMs >= fromMs && plannedMs < untilMs);
}

export type EndCount = { readonly label: string; readonly count: number };

/** How they ended, most frequent first. */
export function endsOf(exchanges: readonly LoggedExchange[]): readonly EndCount[] {
  const counts = new Map<string, number>();
  for (const { label } of exchanges) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .map(([label, count]) => ({ label, count }))
    .toSorted((a, b) => b.count - a.count);
}

/** Durations of these exchanges, by `measure`. */
export function distributionOf(
  exchanges: readonly LoggedExchange[],
  measure: (exchange: LoggedExchange) => number = tookMs,
): Distribution {
  const distribution = new Distribution();
  for (const exchange of exchanges) distribution.recordMs(measure(exchange));
  return distribution;
}

/** Latency of those that succeeded. */
export function latencyOf(exchanges: readonly LoggedExchange[]): Summary {
  return distributionOf(exchanges.filter((exchange) => isSuccess(exchange))).summary();
}

/** Later than this after its planned start, an exchange was not offered as planned. */
const lateMs = 50;

/** Exchanges that the generator itself held back. */
export function lateSends(exchanges: readonly LoggedExchange[]): number {
  return exchanges.filter(({ plannedMs, sentMs }) => sentMs - plannedMs > lateMs).length;
}

/** A stretch of time; counts by the second, `undefined` where nothing ended or was planned. */
export type Slot = {
  readonly fromMs: number;
  readonly offeredPerSecond: number;
  /** Of what was planned in the slot; undefined when nothing was. */
  readonly successShare: number | undefined;
  /** By their ends. */
  readonly succeededPerSecond: number;
  readonly failedPerSecond: number;
  /** Of those that succeeded and ended in it. */
  readonly p99Ms: number | undefined;
};

/** The log over time in slots of equal length, the last one left out when it is not whole. */
export function slotsOf(
  { exchanges }: Pick<ExchangeLog, "exchanges">,
  span: { readonly slotMs: number; readonly untilMs: number },
): readonly Slot[] {
  const { slotMs, untilMs } = span;
  const count = Math.floor(untilMs / slotMs + 1e-9);
  const made = Array.from({ length: count }, () => ({
    planned: 0,
    plannedWell: 0,
    failed: 0,
    latency: new Distribution(),
  }));
  for (const exchange of exchanges) {
    const planned = made[Math.floor(exchange.plannedMs / slotMs)];
    const ended = made[Math.floor(exchange.endedMs / slotMs)];
    const isWell = isSuccess(exchange);
    if (planned !== undefined) {
      planned.planned += 1;
      planned.plannedWell += isWell ? 1 : 0;
    }
    if (ended === undefined) continue;
    if (isWell) ended.latency.recordMs(tookMs(exchange));
    else ended.failed += 1;
  }
  const perSecond = 1_000 / slotMs;
  return made.map(({ planned, plannedWell, failed, latency }, index) => ({
    fromMs: index * slotMs,
    offeredPerSecond: planned * perSecond,
    successShare: planned === 0 ? undefined : plannedWell / planned,
    succeededPerSecond: latency.count * perSecond,
    failedPerSecond: failed * perSecond,
    p99Ms: latency.count === 0 ? undefined : latency.percentileMs(99),
  }));
}

/**
 * What an overload came to: pure arithmetic over every exchange that was offered and what the
 * processes used meanwhile.
 */
import {
  type EndCount,
  endsOf,
  type ExchangeLog,
  isPoliteRefusal,
  isSuccess,
  latencyOf,
  lateSends,
  plannedBetween,
  type Slot,
  slotsOf,
} from "../exchange-log.ts";
import type { Summary } from "../statistics.ts";
import type { Bottleneck, ProviderBounds } from "./options.ts";
import { coresBetween, type Sample } from "./samples.ts";

export type Spans = {
  readonly normalMs: number;
  readonly overloadMs: number;
  readonly recoveryMs: number;
};

/** Everything that was seen of one bottleneck. */
export type OverloadSeen = {
  readonly bottleneck: Bottleneck;
  /** Of the provider, where it is the bottleneck. */
  readonly bounds: ProviderBounds | undefined;
  readonly capacityPerSecond: number;
  readonly times: number;
  readonly spans: Spans;
  readonly log: ExchangeLog;
  readonly samples: readonly Sample[];
  /** Tollgate had a processor for itself. */
  readonly isPinned: boolean;
};

export type StepName = "before" | "overload" | "after";

/** One step, by the requests that were due in it. */
export type StepJudged = {
  readonly name: StepName;
  readonly durationMs: number;
  readonly offered: number;
  /** By the answers that came in its time. */
  readonly goodputPerSecond: number;
  readonly latency: Summary;
  readonly refused: number;
  /** Neither answered nor refused as it should be. */
  readonly failed: number;
  readonly ends: readonly EndCount[];
  readonly lateSends: number;
  readonly gatewayCores: number | undefined;
  readonly generatorCores: number | undefined;
  readonly upstreamCores: number | undefined;
};

export type OverloadJudged = {
  readonly bottleneck: Bottleneck;
  readonly bounds: ProviderBounds | undefined;
  readonly capacityPerSecond: number;
  readonly times: number;
  readonly isPinned: boolean;
  readonly steps: readonly StepJudged[];
  /** The most that was ever served, in any step. */
  readonly peakPerSecond: number;
  /** From the end of the overload until as much is served as before it; undefined: not in time. */
  readonly recoveredAfterMs: number | undefined;
  readonly memory: MemoryJudged | undefined;
  readonly timeline: readonly Slot[];
  readonly resources: readonly ResourcePoint[];
  readonly overloadFromMs: number;
  readonly overloadUntilMs: number;
  readonly durationMs: number;
};

export type MemoryJudged = {
  readonly beforeBytes: number;
  readonly maxBytes: number;
  readonly endBytes: number;
};

/** What the processes used at a moment of the load. */
export type ResourcePoint = {
  readonly atMs: number;
  readonly residentBytes: number | undefined;
  readonly gatewayCores: number | undefined;
  readonly generatorCores: number | undefined;
  readonly upstreamCores: number | undefined;
};

const slotMs = 500;
/** Of what was served before the overload, for as long as this. */
const recoveredShare = 0.9;
const recoveredSlots = 2;
/** The begin of a step belongs to the change, not to the step. */
const settleMs = 500;

export function judgeOverload(seen: OverloadSeen): OverloadJudged {
  const { bottleneck, bounds, capacityPerSecond, times, isPinned, spans, log } = seen;
  const overloadFromMs = spans.normalMs;
  const overloadUntilMs = overloadFromMs + spans.overloadMs;
  const durationMs = overloadUntilMs + spans.recoveryMs;
  const timeline = slotsOf(log, { slotMs, untilMs: durationMs });
  const steps = [
    judgeStep("before", seen, 0, overloadFromMs),
    judgeStep("overload", seen, overloadFromMs, overloadUntilMs),
    judgeStep("after", seen, overloadUntilMs, durationMs),
  ];
  const before = steps[0]?.goodputPerSecond ?? 0;
  return {
    bottleneck,
    bounds,
    capacityPerSecond,
    times,
    isPinned,
    steps,
    peakPerSecond: Math.max(capacityPerSecond, ...steps.map((step) => step.goodputPerSecond)),
    recoveredAfterMs: recoveredAfter(timeline, overloadUntilMs, before),
    memory: memoryOf(seen, overloadFromMs),
    timeline,
    resources: resourcesOf(seen),
    overloadFromMs,
    overloadUntilMs,
    durationMs,
  };
}

function judgeStep(
  name: StepName,
  { log, samples }: OverloadSeen,
  fromMs: number,
  untilMs: number,
): StepJudged {
  const due = plannedBetween(log, fromMs, untilMs);
  const countFromMs = Math.min(fromMs + settleMs, untilMs - 1);
  const answered = log.exchanges.filter(
    (exchange) =>
      isSuccess(exchange) && exchange.endedMs >= countFromMs && exchange.endedMs < untilMs,
  ).length;
  const inStep = samples.filter(({ atMs }) => {
    const sinceMs = atMs - log.startedAtMs;
    return sinceMs >= fromMs && sinceMs < untilMs;
  });
  const [first, last] = [inStep[0], inStep.at(-1)];
  const cores = (of: "gateway" | "generator" | "upstream"): number | undefined =>
    first === undefined || last === undefined ? undefined : coresBetween(first, last, of);
  return {
    name,
    durationMs: untilMs - fromMs,
    offered: due.length,
    goodputPerSecond: (answered * 1_000) / (untilMs - countFromMs),
    latency: latencyOf(due),
    refused: due.filter((exchange) => isPoliteRefusal(exchange)).length,
    failed: due.filter((exchange) => !isSuccess(exchange) && !isPoliteRefusal(exchange)).length,
    ends: endsOf(due),
    lateSends: lateSends(due),
    gatewayCores: cores("gateway"),
    generatorCores: cores("generator"),
    upstreamCores: cores("upstream"),
  };
}

/** The first moment from which enough is served for a while. */
function recoveredAfter(
  timeline: readonly Slot[],
  overloadUntilMs: number,
  beforePerSecond: number,
): number | undefined {
  const later = timeline.filter(({ fromMs }) => fromMs >= overloadUntilMs);
  const isWell = ({ succeededPerSecond }: Slot): boolean =>
    succeededPerSecond >= beforePerSecond * recoveredShare;
  for (let index = 0; index + recoveredSlots <= later.length; index += 1) {
    const slots = later.slice(index, index + recoveredSlots);
    const [first] = slots;
    if (first !== undefined && slots.every((slot) => isWell(slot))) {
      return first.fromMs - overloadUntilMs;
    }
  }
  return undefined;
}

/** Undefined where the system does not tell. */
function memoryOf({ samples, log }: OverloadSeen, fromMs: number): MemoryJudged | undefined {
  const read = samples.flatMap(({ atMs, gateway }) =>
    gateway === undefined
      ? []
      : [{ sinceMs: atMs - log.startedAtMs, bytes: gateway.residentBytes }],
  );
  const before = read.findLast(({ sinceMs }) => sinceMs < fromMs);
  const last = read.at(-1);
  if (before === undefined || last === undefined) return undefined;
  return {
    beforeBytes: before.bytes,
    maxBytes: Math.max(...read.map(({ bytes }) => bytes)),
    endBytes: last.bytes,
  };
}

function resourcesOf({ samples, log }: OverloadSeen): readonly ResourcePoint[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index] ?? sample;
    return {
      atMs: sample.atMs - log.startedAtMs,
      residentBytes: sample.gateway?.residentBytes,
      gatewayCores: coresBetween(before, sample, "gateway"),
      generatorCores: coresBetween(before, sample, "generator"),
      upstreamCores: coresBetween(before, sample, "upstream"),
    };
  });
}

/** What `bench overload` wants of each bottleneck, in numbers. */
import type { Goal } from "../goals.ts";
import { bytesText, countText, msText, rateText, secondsText } from "../quantities.ts";
import type { OverloadJudged, StepJudged, StepName } from "./judge.ts";

const GOODPUT_SHARE_MIN = 0.9;
const RECOVERED_GOODPUT_SHARE_MIN = 0.9;
const RECOVERY_MS_MAX = 5_000;
const MEMORY_GROWTH_BYTES_MAX = 300_000_000;
/** For whoever is served although the gateway itself is the bottleneck. */
const GATEWAY_P99_MS_MAX = 1_000;
/** Above what the provider takes and what the queue allows to wait. */
const QUEUED_P99_EXTRA_MS = 250;
/** More is served in a long overload than in the short search for the capacity, by a little. */
const OFFERED_SHARE_MIN = 0.9;
const LATE_SHARE_MAX = 0.01;

/** Every goal of every bottleneck, in the order in which they are told. */
export function overloadGoals(all: readonly OverloadJudged[]): readonly Goal[] {
  return all.flatMap((judged) => [
    offered(judged),
    sentInTime(judged),
    goodput(judged),
    latency(judged),
    refusals(judged),
    memory(judged),
    recoveryTime(judged),
    recovered(judged),
  ]);
}

function stepOf({ steps }: OverloadJudged, name: StepName): StepJudged | undefined {
  return steps.find((step) => step.name === name);
}

/** Without this one and the next the others say nothing: it must have been an overload. */
function offered(judged: OverloadJudged): Goal {
  const { bottleneck, times, peakPerSecond } = judged;
  const step = stepOf(judged, "overload");
  const perSecond = step === undefined ? 0 : (step.offered * 1_000) / step.durationMs;
  const reallyTimes = perSecond / Math.max(1e-9, peakPerSecond);
  const min = times * OFFERED_SHARE_MIN;
  return {
    name: `${bottleneck}: offered meanwhile`,
    wanted: `≥ ${min.toFixed(1)} × the peak`,
    measured: `${reallyTimes.toFixed(2)} × (${rateText(perSecond)})`,
    reached: reallyTimes >= min,
  };
}

function sentInTime(judged: OverloadJudged): Goal {
  const { steps, bottleneck } = judged;
  const all = steps.reduce((sum, step) => sum + step.offered, 0);
  const late = steps.reduce((sum, step) => sum + step.lateSends, 0);
  return {
    name: `${bottleneck}: requests that the generator sent late`,
    wanted: `≤ ${LATE_SHARE_MAX * 100} %`,
    measured: `${countText(late)} of ${countText(all)}`,
    reached: late <= all * LATE_SHARE_MAX,
  };
}

function goodput(judged: OverloadJudged): Goal {
  const perSecond = stepOf(judged, "overload")?.goodputPerSecond ?? 0;
  const share = perSecond / Math.max(1e-9, judged.peakPerSecond);
  return {
    name: `${judged.bottleneck}: goodput at ${judged.times} × capacity`,
    wanted: `≥ ${GOODPUT_SHARE_MIN * 100} % of the peak`,
    measured: `${(share * 100).toFixed(1)} % (${rateText(perSecond)} of ${rateText(judged.peakPerSecond)})`,
    reached: share >= GOODPUT_SHARE_MIN,
  };
}

function latency(judged: OverloadJudged): Goal {
  const { bounds } = judged;
  const maxMs =
    bounds === undefined
      ? GATEWAY_P99_MS_MAX
      : bounds.answerMs + bounds.waitMs + QUEUED_P99_EXTRA_MS;
  const found = stepOf(judged, "overload")?.latency;
  const isKnown = found !== undefined && found.count > 0;
  return {
    name: `${judged.bottleneck}: p99 of the served meanwhile`,
    wanted: `≤ ${msText(maxMs)}`,
    measured: isKnown ? msText(found.p99Ms) : "nothing was served",
    reached: isKnown && found.p99Ms <= maxMs,
  };
}

function refusals(judged: OverloadJudged): Goal {
  const step = stepOf(judged, "overload");
  return {
    name: `${judged.bottleneck}: others than 429 and 503 with retry-after`,
    wanted: "0",
    measured: `${countText(step?.failed ?? 0)}, beside ${countText(step?.refused ?? 0)} refusals`,
    reached: step === undefined ? undefined : step.failed === 0,
  };
}

function memory({ bottleneck, memory: found }: OverloadJudged): Goal {
  const goal = {
    name: `${bottleneck}: memory above what it was before`,
    wanted: `≤ ${bytesText(MEMORY_GROWTH_BYTES_MAX)}`,
  };
  if (found === undefined) return { ...goal, measured: "not measured", reached: undefined };
  const grownBytes = found.maxBytes - found.beforeBytes;
  return {
    ...goal,
    measured: `${bytesText(grownBytes)} (at most ${bytesText(found.maxBytes)})`,
    reached: grownBytes <= MEMORY_GROWTH_BYTES_MAX,
  };
}

function recoveryTime({ bottleneck, recoveredAfterMs }: OverloadJudged): Goal {
  return {
    name: `${bottleneck}: well again`,
    wanted: `≤ ${secondsText(RECOVERY_MS_MAX)} after the overload`,
    measured: recoveredAfterMs === undefined ? "never" : secondsText(recoveredAfterMs),
    reached: recoveredAfterMs !== undefined && recoveredAfterMs <= RECOVERY_MS_MAX,
  };
}

function recovered(judged: OverloadJudged): Goal {
  const before = stepOf(judged, "before")?.goodputPerSecond ?? 0;
  const after = stepOf(judged, "after")?.goodputPerSecond ?? 0;
  const share = after / Math.max(1e-9, before);
  return {
    name: `${judged.bottleneck}: goodput after it`,
    wanted: `≥ ${RECOVERED_GOODPUT_SHARE_MIN * 100} % of before`,
    measured: `${(share * 100).toFixed(1)} % (${rateText(after)} of ${rateText(before)})`,
    reached: share >= RECOVERED_GOODPUT_SHARE_MIN,
  };
}

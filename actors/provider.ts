/**
 * The actor of a provider's lane as the rest of the program uses it: ask for permits, tell outcomes,
 * and look at what it remembers.
 */
import { ask } from "./ask.ts";
import type {
  BreakerForced,
  BreakerState,
  LaneHealth,
  LaneService,
  ProviderEvent,
  ProviderHealth,
  ProviderInput,
  ProviderVerdict,
} from "./provider-contract.ts";
import type { RestReason } from "./provider-causes.ts";
import { restMs } from "./policy/breaker.ts";
import { latencyPercentileMs } from "./policy/latency-sketch.ts";
import { inputTokensBoundOf } from "./policy/learned-input.ts";
import { countsAt } from "./policy/outcome-window.ts";
import { serviceAt } from "./policy/service.ts";
import { startPercent } from "./policy/slow-start.ts";
import type { ProviderCommons } from "./provider-commons.ts";
import { FORCED_RETRY_MS, MOMENT_RETRY_MS, restingMs } from "./provider-permits.ts";
import {
  isOpenTimeOver,
  lastResortWaitMs,
  probesLeft,
  type ProviderRecord,
} from "./provider-record.ts";
import { providerMachine } from "./provider.machine.ts";
import { supervise, type OnFailure } from "./supervise.ts";

/** The event that is answered. */
export type ProviderQuestion = Extract<ProviderEvent, { type: "permit.request" }>;

export interface ProviderHandle {
  /** Refuses with `internal_error` when the actor is dead or dies of it; `onFailure` was told then. */
  readonly ask: (question: ProviderQuestion) => ProviderVerdict;
  /** False when the event was not taken; `onFailure` was told then. */
  readonly send: (event: ProviderEvent) => boolean;
  readonly isAlive: () => boolean;
  readonly stop: () => void;
  /** For the functions of this file; changed by nobody but the actor. */
  readonly record: () => Readonly<ProviderRecord>;
  readonly breaker: () => BreakerState;
}

export function startProvider(input: ProviderInput, onFailure: OnFailure): ProviderHandle {
  const actor = supervise(providerMachine, input, { onFailure });
  return {
    ask: (question) => ask(actor, question),
    send: (event) => actor.send(event),
    isAlive: () => actor.alive,
    stop: () => actor.stop(),
    record: () => actor.snapshot().context,
    breaker: () => STATES[actor.snapshot().value],
  };
}

/** A forced breaker is what it is forced to; `starting` is left before anybody can see it. */
const STATES = {
  starting: "closed",
  closed: "closed",
  open: "open",
  half_open: "half_open",
  forced_open: "open",
  forced_closed: "closed",
} as const satisfies Record<string, BreakerState>;

/**
 * The breaker as it will act on the next request: one whose open time has passed counts as half-open.
 * Where nobody knows when a probe ends, the times are a guess of a second.
 */
export function laneHealth(handle: ProviderHandle, atMs: number): LaneHealth {
  const record = handle.record();
  const { forced, rests, attempts, slowStart } = record;
  const state = handle.breaker();
  const isOpen = state === "open" && !isOpenTimeOver(record, atMs);
  const isForcedOpen = forced === "open";
  const moment = momentReason(record, state, atMs);
  const momentMs = moment === null ? 0 : MOMENT_RETRY_MS;
  const resting = restingMs(record, atMs);
  const availableMs = Math.max(resting, momentMs, isForcedOpen ? FORCED_RETRY_MS : 0);
  const openMs = Math.min(restMs(record.openUntilMs, atMs), lastResortWaitMs(record, atMs));
  const lastResortMs = isForcedOpen
    ? Number.POSITIVE_INFINITY
    : Math.max(restMs(rests.throttled.untilMs, atMs), momentMs, openMs);
  return {
    breaker: state === "open" && !isOpen && !isForcedOpen ? "half_open" : state,
    isForced: forced !== null,
    availableAtMs: availableMs === 0 ? null : atMs + availableMs,
    lastResortAtMs: lastResortMs === 0 ? null : atMs + lastResortMs,
    restsFor: isForcedOpen ? "forced" : resting > 0 ? restReason(record, resting, atMs) : moment,
    startsSlowly: slowStart !== null && startPercent(slowStart, atMs) < 100,
    inFlight: attempts.size,
  };
}

/** What holds attempts back until some other ends, and nobody knows when. */
function momentReason(
  record: ProviderRecord,
  state: BreakerState,
  atMs: number,
): RestReason | null {
  return state === "half_open" && probesLeft(record, atMs) <= 0 ? "probes" : null;
}

/** The one that lasts longest. */
function restReason(
  { openUntilMs, rests }: ProviderRecord,
  longestMs: number,
  atMs: number,
): RestReason {
  if (restMs(openUntilMs, atMs) === longestMs) return "breaker";
  if (restMs(rests.throttled.untilMs, atMs) === longestMs) return "cooldown";
  return restMs(rests.exhausted.untilMs, atMs) === longestMs ? "exhausted" : "credential_refused";
}

/**
 * A provider's health over its lanes: that of the best of them, and everything in flight. One that
 * nobody has asked for yet is as good as its operator says.
 */
export function providerHealth(
  { inFlight }: ProviderCommons,
  handles: readonly ProviderHandle[],
  forced: BreakerForced | null,
  atMs: number,
): ProviderHealth {
  let best: Pick<LaneHealth, "breaker" | "isForced" | "availableAtMs"> = {
    breaker: forced ?? "closed",
    isForced: forced !== null,
    availableAtMs: forced === "open" ? atMs + FORCED_RETRY_MS : null,
  };
  for (const [index, handle] of handles.entries()) {
    const health = laneHealth(handle, atMs);
    const isBetter = (health.availableAtMs ?? 0) < (best.availableAtMs ?? 0);
    if (index === 0 || isBetter) best = health;
  }
  const { breaker, isForced, availableAtMs } = best;
  return { breaker, isForced, availableAtMs, inFlight: inFlight.size };
}

/** How its family has served lately, for strategies to compare. */
export function laneService(handle: ProviderHandle, atMs: number): LaneService {
  const { commons, family, attempts } = handle.record();
  return { ...serviceAt(commons.services, family, atMs), inFlight: attempts.size };
}

/** Nothing is under way and nothing is remembered that the next request would miss. */
export function isForgettable(handle: ProviderHandle, atMs: number): boolean {
  const { window, attempts } = handle.record();
  if (attempts.size > 0 || countsAt(window, atMs).all > 0) return false;
  const { isForced, restsFor, startsSlowly } = laneHealth(handle, atMs);
  return isForced || (restsFor === null && !startsSlowly);
}

/** Within how long so many per cent of its answers come; null: it has given too few to say. */
export function laneLatencyMs(
  handle: ProviderHandle,
  percentile: number,
  isWhole: boolean,
): number | null {
  const { answerTimes, firstTokenTimes } = handle.record();
  return latencyPercentileMs(isWhole ? answerTimes : firstTokenTimes, percentile);
}

/** Attempts under way, for the actor that takes over. */
export function providerInFlight(handle: ProviderHandle): string[] {
  return [...handle.record().attempts.keys()];
}

/** The most input tokens of a model that a body of so many bytes is taken to be. */
export function inputTokensBound(handle: ProviderHandle, model: string, bytes: number): number {
  return inputTokensBoundOf(handle.record().commons.learnedInputs, model, bytes);
}

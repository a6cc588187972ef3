/**
 * A provider's actor as the rest of the program uses it: ask for permits, tell outcomes, and look at
 * what it remembers.
 */
import { ask } from "./ask.ts";
import type {
  BreakerState,
  LaneHealth,
  LaneService,
  ProviderEvent,
  ProviderHealth,
  ProviderInput,
  ProviderVerdict,
  RestReason,
} from "./provider-contract.ts";
import { restMs } from "./policy/breaker.ts";
import { inputTokensBoundOf } from "./policy/learned-input.ts";
import { FULL_RETRY_MS } from "./provider-attempts.ts";
import { hasFreeSlot, isOpenTimeOver, probesLeft, type ProviderRecord } from "./provider-record.ts";
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
    breaker: () => actor.snapshot().value,
  };
}

/**
 * The breaker as it will act on the next request: one whose open time has passed counts as half-open.
 * Where nobody knows when a slot frees, `availableAtMs` is a guess of a second.
 */
export function laneHealth(handle: ProviderHandle, atMs: number): LaneHealth {
  const record = handle.record();
  const state = handle.breaker();
  const breaker = state === "open" && isOpenTimeOver(record, atMs) ? "half_open" : state;
  const openMs = restMs(record.openUntilMs, atMs);
  const coolMs = restMs(record.coolUntilMs, atMs);
  const isWithoutProbe = state === "half_open" && probesLeft(record, atMs) <= 0;
  const isFull = !hasFreeSlot(record);
  const restingMs = Math.max(openMs, coolMs, isFull || isWithoutProbe ? FULL_RETRY_MS : 0);
  return {
    breaker,
    availableAtMs: restingMs === 0 ? null : atMs + restingMs,
    restsFor: restReason(openMs, coolMs, isFull, isWithoutProbe),
    inFlight: record.attempts.size,
  };
}

/** The one that lasts longest, where several hold. */
function restReason(
  openMs: number,
  coolMs: number,
  isFull: boolean,
  isWithoutProbe: boolean,
): RestReason | null {
  if (openMs > 0 && openMs >= coolMs) return "breaker";
  if (coolMs > 0) return "cooldown";
  if (isFull) return "full";
  return isWithoutProbe ? "probes" : null;
}

/** A provider's health over all its lanes: that of the best of them, and everything in flight. */
export function providerHealth(handles: readonly ProviderHandle[], atMs: number): ProviderHealth {
  const [best, ...others] = handles
    .map((handle) => laneHealth(handle, atMs))
    .toSorted((one, other) => (one.availableAtMs ?? 0) - (other.availableAtMs ?? 0));
  if (best === undefined) return { breaker: "closed", availableAtMs: null, inFlight: 0 };
  const { breaker, availableAtMs } = best;
  const inFlight = others.reduce((sum, other) => sum + other.inFlight, best.inFlight);
  return { breaker, availableAtMs, inFlight };
}

/** How it has served lately, for strategies to compare. */
export function laneService(handle: ProviderHandle): LaneService {
  const { latencyMs, attempts } = handle.record();
  return { firstTokenMs: latencyMs, failureShare: null, inFlight: attempts.size, seenAtMs: null };
}

/** Attempts under way, for the actor that takes over. */
export function providerInFlight(handle: ProviderHandle): string[] {
  return [...handle.record().attempts.keys()];
}

/** The most input tokens of a model that a body of so many bytes is taken to be. */
export function inputTokensBound(handle: ProviderHandle, model: string, bytes: number): number {
  return inputTokensBoundOf(handle.record().learnedInputs, model, bytes);
}

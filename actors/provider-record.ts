/**
 * What the actor of a provider's lane remembers. Like a tenant's record it is the machine's context,
 * one mutable structure that only the machine's own actions change (`provider-permits.ts`,
 * `provider-attempts.ts`).
 *
 * Bounds: attempts are as many as are in flight; windows have their own.
 */
import { assert } from "../src/base/assert.ts";
import { LIMITS } from "../src/base/limits.ts";
import type { Replies } from "./ask.ts";
import type { ProviderCommons } from "./provider-commons.ts";
import type { BreakerForced, Permit, ProviderInput } from "./provider-contract.ts";
import { restMs } from "./policy/breaker.ts";
import { createLatencySketch, type LatencySketch } from "./policy/latency-sketch.ts";
import { createOutcomeWindow, type OutcomeWindow } from "./policy/outcome-window.ts";
import type { SlowStart } from "./policy/slow-start.ts";

export type AttemptEntry = {
  readonly permit: Permit;
  readonly permittedAtMs: number;
  isReported: boolean;
};

export type ProviderRecord = Replies<Permit> & {
  readonly commons: ProviderCommons;
  readonly family: string;
  /** Attempts in flight on this lane. */
  readonly attempts: Map<string, AttemptEntry>;
  forced: BreakerForced | null;
  /** Counts state changes of the breaker: an outcome from an older one decides nothing. */
  generation: number;
  /** Openings since the breaker was last closed. */
  opens: number;
  openUntilMs: number;
  /** When an open breaker last let a last resort through, or opened. */
  lastResortAtMs: number;
  /** null unless the breaker has closed a short time ago. */
  slowStart: SlowStart | null;
  window: OutcomeWindow;
  /** Half-open: attempts let through and not reported yet, with the time until which each counts. */
  readonly probes: Map<string, number>;
  probesOk: number;
  /** The answers that rest the lane for a time, each with how often it came in a row. */
  readonly rests: { readonly [R in RestKind]: Rest };
  /** How long streams take to their first content, and plain answers in all. */
  readonly firstTokenTimes: LatencySketch;
  readonly answerTimes: LatencySketch;
};

export type RestKind = "throttled" | "exhausted" | "refused_credential";

export type Rest = {
  untilMs: number;
  /** Answers in a row, those to attempts of one burst counting once. */
  count: number;
  /** When the last that counted came. */
  atMs: number;
};

export function createProviderRecord(input: ProviderInput): ProviderRecord {
  const { commons, family, forced, atMs } = input;
  assert(Number.isFinite(atMs), "a provider's actor needs a time to start from");
  return {
    reply: null,
    replies: 0,
    commons,
    family,
    attempts: new Map((input.inFlight ?? []).map((id) => [id, carried(input)])),
    forced: forced ?? null,
    generation: 1,
    opens: 0,
    openUntilMs: 0,
    lastResortAtMs: 0,
    slowStart: null,
    window: createOutcomeWindow(),
    probes: new Map(),
    probesOk: 0,
    rests: { throttled: noRest(), exhausted: noRest(), refused_credential: noRest() },
    firstTokenTimes: createLatencySketch(),
    answerTimes: createLatencySketch(),
  };
}

function noRest(): Rest {
  return { untilMs: 0, count: 0, atMs: 0 };
}

/** What an attempt of the time before comes to says nothing about the provider as it is now. */
function carried({ atMs }: ProviderInput): AttemptEntry {
  return { permit: { generation: 0, probe: false }, permittedAtMs: atMs, isReported: true };
}

/** An open breaker whose time has passed lets attempts through from the next request on. */
export function isOpenTimeOver(record: ProviderRecord, atMs: number): boolean {
  return restMs(record.openUntilMs, atMs) === 0;
}

/** Until an open breaker may let the next last resort through; 0 when it may now. */
export function lastResortWaitMs(record: ProviderRecord, atMs: number): number {
  const { lastResortMs } = LIMITS;
  // Of a clock that stepped back by less than the longest rest, a second must not become an hour.
  return restMs(record.lastResortAtMs + lastResortMs, atMs, lastResortMs);
}

/**
 * Half-open: attempts that may still be let through. One that stays without an outcome for a minute
 * makes room for another but is not counted as a failure: slow models take longer than that, and a
 * breaker that took their silence for an answer would never close.
 */
export function probesLeft({ probes, probesOk }: ProviderRecord, atMs: number): number {
  let waiting = 0;
  for (const untilMs of probes.values()) if (untilMs > atMs) waiting += 1;
  return LIMITS.halfOpenPermits - probesOk - waiting;
}

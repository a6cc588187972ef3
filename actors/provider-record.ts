/**
 * What a provider's actor remembers. Like a tenant's record it is the machine's context, one mutable
 * structure that only the machine's own actions change (`provider-attempts.ts`).
 *
 * Bounds: attempts are as many as are in flight; windows and learned factors have their own.
 */
import { assert } from "../src/base/assert.ts";
import { LIMITS } from "../src/base/limits.ts";
import type { Replies } from "./ask.ts";
import type { Permit, ProviderInput } from "./provider-contract.ts";
import { restMs } from "./policy/breaker.ts";
import type { LearnedInputs } from "./policy/learned-input.ts";
import { createOutcomeWindow, type OutcomeWindow } from "./policy/outcome-window.ts";

export type AttemptEntry = {
  readonly permit: Permit;
  readonly permittedAtMs: number;
  isReported: boolean;
};

export type ProviderRecord = Replies<Permit> & {
  readonly providerId: string;
  readonly maxConcurrent: number | null;
  /** Attempts in flight; each takes a slot. */
  readonly attempts: Map<string, AttemptEntry>;
  readonly learnedInputs: LearnedInputs;
  /** Counts state changes of the breaker: an outcome from an older one decides nothing. */
  generation: number;
  /** Openings since the breaker was last closed. */
  opens: number;
  openUntilMs: number;
  window: OutcomeWindow;
  /** Half-open: attempts let through and not reported yet, with the time until which each counts. */
  readonly probes: Map<string, number>;
  probesOk: number;
  coolUntilMs: number;
  /** Throttled answers in a row, those to attempts of one burst counting once. */
  cooldowns: number;
  cooledAtMs: number;
  /** Decaying average over successes; null before the first. */
  latencyMs: number | null;
};

export function createProviderRecord(input: ProviderInput): ProviderRecord {
  assert(Number.isFinite(input.atMs), "a provider's actor needs a time to start from");
  return {
    reply: null,
    replies: 0,
    providerId: input.providerId,
    maxConcurrent: input.maxConcurrent,
    attempts: new Map((input.inFlight ?? []).map((id) => [id, carried(input)])),
    learnedInputs: input.learnedInputs ?? new Map(),
    generation: 1,
    opens: 0,
    openUntilMs: 0,
    window: createOutcomeWindow(),
    probes: new Map(),
    probesOk: 0,
    coolUntilMs: 0,
    cooldowns: 0,
    cooledAtMs: 0,
    latencyMs: null,
  };
}

/** What an attempt of the time before comes to says nothing about the provider as it is now. */
function carried({ atMs }: ProviderInput): AttemptEntry {
  return { permit: { generation: 0, probe: false }, permittedAtMs: atMs, isReported: true };
}

/** An open breaker whose time has passed lets attempts through from the next request on. */
export function isOpenTimeOver(record: ProviderRecord, atMs: number): boolean {
  return restMs(record.openUntilMs, atMs) === 0;
}

export function isCooling(record: ProviderRecord, atMs: number): boolean {
  return restMs(record.coolUntilMs, atMs) > 0;
}

export function hasFreeSlot({ attempts, maxConcurrent }: ProviderRecord): boolean {
  return maxConcurrent === null || attempts.size < maxConcurrent;
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

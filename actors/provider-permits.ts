/**
 * Who may pass: whether a lane lets an attempt through, the permit that says so, or the reason why
 * not and when to come back. The states of the breaker add their own conditions in the chart.
 */
import { assert } from "../src/base/assert.ts";
import { LIMITS } from "../src/base/limits.ts";
import { allow, refuse } from "../src/base/verdict.ts";
import { restMs } from "./policy/breaker.ts";
import { earnRepeat, mayRepeat, repeatWaitMs, takeRepeat } from "./policy/retry-budget.ts";
import { countStart, passesStart } from "./policy/slow-start.ts";
import type { RefusalCause } from "./provider-causes.ts";
import type { ProviderEvent, ProviderVerdict } from "./provider-contract.ts";
import { isOpenTimeOver, lastResortWaitMs, type ProviderRecord } from "./provider-record.ts";

export type PermitRequest = Extract<ProviderEvent, { type: "permit.request" }>;

/** A probe frees when some attempt ends; nobody knows when. */
export const MOMENT_RETRY_MS = 1_000;
/** Nobody knows when an operator changes their mind. */
export const FORCED_RETRY_MS = 60_000;

const SENTENCES: Readonly<Record<RefusalCause, string>> = {
  forced: "The provider is switched off for now.",
  breaker: "The provider is left alone after failures.",
  cooldown: "The provider asked for fewer requests.",
  exhausted: "The provider's account has no credit or quota left.",
  credential_refused: "The provider does not accept the gateway's credential.",
  slow_start: "The provider gets its requests back step by step after failures.",
  probes: "The provider is being tried again after failures.",
  retry_budget: "The provider fails too often for attempts to be repeated now.",
};

/** What keeps an attempt back in every state but one that is forced open; null: nothing does. */
function obstacle(
  { rests, commons }: ProviderRecord,
  { atMs, isLastResort = false, isRepeat = false }: PermitRequest,
): RefusalCause | null {
  if (restMs(rests.throttled.untilMs, atMs) > 0) return "cooldown";
  // Where there is nothing else, the provider's own 401 or 402 tells more than our refusal.
  if (!isLastResort) {
    if (restMs(rests.exhausted.untilMs, atMs) > 0) return "exhausted";
    if (restMs(rests.refused_credential.untilMs, atMs) > 0) return "credential_refused";
  }
  return isRepeat && !mayRepeat(commons.retryBudget, atMs) ? "retry_budget" : null;
}

export function mayPass(record: ProviderRecord, request: PermitRequest): boolean {
  assert(Number.isFinite(request.atMs), `not a time: ${request.atMs}`);
  return obstacle(record, request) === null;
}

/** Closed: in a slow start only a share passes, and last resorts. */
export function mayPassClosed(record: ProviderRecord, request: PermitRequest): boolean {
  return mayPass(record, request) && !isHeldBackByStart(record, request);
}

/** Open: each second one attempt that has nowhere else to go. */
export function mayPassOpen(record: ProviderRecord, request: PermitRequest): boolean {
  const { isLastResort = false, atMs } = request;
  return isLastResort && lastResortWaitMs(record, atMs) === 0 && mayPass(record, request);
}

function isHeldBackByStart(
  { slowStart }: ProviderRecord,
  { isLastResort = false, atMs }: PermitRequest,
): boolean {
  return slowStart !== null && !isLastResort && !passesStart(slowStart, atMs);
}

/** The states differ only in whether the attempt is a probe; whether it may pass was asked before. */
export function givePermit(
  record: ProviderRecord,
  { attemptId, atMs, isRepeat = false }: PermitRequest,
  isProbe: boolean,
): ProviderVerdict {
  if (record.attempts.has(attemptId)) {
    return refuse("internal_error", "The same attempt asked for a permit twice.");
  }
  const { commons, slowStart } = record;
  const permit = { generation: record.generation, probe: isProbe };
  record.attempts.set(attemptId, { permit, permittedAtMs: atMs, isReported: false });
  commons.inFlight.add(attemptId);
  if (isRepeat) takeRepeat(commons.retryBudget, atMs);
  else earnRepeat(commons.retryBudget, atMs);
  if (slowStart !== null) countStart(slowStart, true, atMs);
  if (isProbe) record.probes.set(attemptId, atMs + LIMITS.probeLeaseMs);
  return allow(permit);
}

/** Through an open breaker: the next may follow in a second. */
export function giveLastResort(record: ProviderRecord, request: PermitRequest): ProviderVerdict {
  record.lastResortAtMs = request.atMs;
  return givePermit(record, request, false);
}

/** Says which of the reasons to refuse it was, and when to come back. */
export function refusePermit(record: ProviderRecord, request: PermitRequest): ProviderVerdict {
  assert(Number.isFinite(request.atMs), `not a time: ${request.atMs}`);
  const cause = causeOf(record, request);
  record.commons.refused[cause] += 1;
  if (cause === "slow_start" && record.slowStart !== null) {
    countStart(record.slowStart, false, request.atMs);
  }
  const retryAfterMs = retryMs(record, cause, request.atMs);
  return refuse("provider_unavailable", SENTENCES[cause], { retryAfterMs });
}

function causeOf(record: ProviderRecord, request: PermitRequest): RefusalCause {
  if (record.forced === "open") return "forced";
  if (!isOpenTimeOver(record, request.atMs)) return "breaker";
  const cause = obstacle(record, request);
  if (cause !== null) return cause;
  return isHeldBackByStart(record, request) ? "slow_start" : "probes";
}

function retryMs(record: ProviderRecord, cause: RefusalCause, atMs: number): number {
  if (cause === "forced") return FORCED_RETRY_MS;
  if (cause === "retry_budget") return repeatWaitMs(record.commons.retryBudget, atMs);
  return restingMs(record, atMs) || MOMENT_RETRY_MS;
}

/** Until no rest of the lane keeps ordinary attempts back. */
export function restingMs({ openUntilMs, rests }: ProviderRecord, atMs: number): number {
  return Math.max(
    restMs(openUntilMs, atMs),
    restMs(rests.throttled.untilMs, atMs),
    restMs(rests.exhausted.untilMs, atMs),
    restMs(rests.refused_credential.untilMs, atMs),
  );
}

/**
 * How a lane's record changes after its attempts: outcomes counted, rests begun, the breaker moved
 * from state to state. Which state comes next is the chart's business; the questions at the end are
 * its guards.
 */
import { assert } from "../src/base/assert.ts";
import { LIMITS } from "../src/base/limits.ts";
import { cooldownMs, credentialRestMs, exhaustedRestMs, openTimeMs } from "./policy/breaker.ts";
import { observeLatency } from "./policy/latency-sketch.ts";
import { observeInput } from "./policy/learned-input.ts";
import { countOutcome, createOutcomeWindow, wouldTrip } from "./policy/outcome-window.ts";
import { observeService } from "./policy/service.ts";
import { createSlowStart } from "./policy/slow-start.ts";
import type { InputObserved, OutcomeKind, ProviderEvent } from "./provider-contract.ts";
import type { ProviderRecord, Rest, RestKind } from "./provider-record.ts";

type Of<T extends ProviderEvent["type"]> = Extract<ProviderEvent, { type: T }>;
type Report = Of<"outcome.report">;

/** Counts an outcome, once for each attempt; those of an older generation only inform. */
export function recordOutcome(record: ProviderRecord, event: Report): void {
  const attempt = record.attempts.get(event.attemptId);
  if (attempt === undefined || attempt.isReported) return;
  const decides = isDeciding(record, event);
  attempt.isReported = true;
  record.probes.delete(event.attemptId);
  const { kind, latencyMs, isWhole = false, atMs } = event;
  if (isRest(kind)) rest(record.rests[kind], kind, attempt.permittedAtMs, event);
  if (kind !== "ok" && kind !== "bad") return;
  const isOk = kind === "ok";
  if (isOk) {
    endRests(record, attempt.permittedAtMs);
    observeLatency(isWhole ? record.answerTimes : record.firstTokenTimes, latencyMs);
  }
  observeService(record.commons.services, record.family, { isOk, latencyMs, atMs });
  if (!decides) return;
  countOutcome(record.window, !isOk, atMs);
  if (attempt.permit.probe && isOk) record.probesOk += 1;
}

function isRest(kind: OutcomeKind): kind is RestKind {
  return kind === "throttled" || kind === "exhausted" || kind === "refused_credential";
}

/**
 * A burst that is answered as one says it once; what was sent after it was heard says it again. A
 * later word never shortens the rest.
 */
function rest(
  resting: Rest,
  kind: RestKind,
  permittedAtMs: number,
  { retryAfterMs, atMs }: Report,
): void {
  if (resting.count === 0 || permittedAtMs > resting.atMs) {
    resting.count += 1;
    resting.atMs = atMs;
  }
  const ms = restLengthMs(kind, resting.count - 1, retryAfterMs);
  resting.untilMs = Math.max(resting.untilMs, atMs + ms);
}

function restLengthMs(kind: RestKind, count: number, retryAfterMs: number | null): number {
  if (kind === "throttled") return cooldownMs(count, retryAfterMs);
  return kind === "exhausted" ? exhaustedRestMs(retryAfterMs) : credentialRestMs(count);
}

/**
 * An answer to what was sent after the refusal was heard proves that credential and account work
 * again. What the provider asked for as a cooldown is kept all the same; only its doubling begins anew.
 */
function endRests({ rests }: ProviderRecord, permittedAtMs: number): void {
  rests.throttled.count = 0;
  for (const resting of [rests.exhausted, rests.refused_credential]) {
    if (resting.count === 0 || permittedAtMs < resting.atMs) continue;
    resting.count = 0;
    resting.untilMs = 0;
  }
}

export function endAttempt(
  record: ProviderRecord,
  { attemptId, observed }: Of<"attempt.end">,
): void {
  if (observed !== null) learnInput(record, observed);
  record.attempts.delete(attemptId);
  record.commons.inFlight.delete(attemptId);
  record.probes.delete(attemptId);
}

function learnInput({ commons }: ProviderRecord, observed: InputObserved): void {
  const { model, inputBytes, inputTokens } = observed;
  assert(Number.isFinite(inputBytes) && Number.isFinite(inputTokens), "not a count of input");
  observeInput(commons.learnedInputs, model, inputBytes, inputTokens);
}

// ---- the breaker -----------------------------------------------------------------------------

export function openBreaker(record: ProviderRecord, { jitter, atMs }: Report): void {
  record.openUntilMs = atMs + openTimeMs(record.opens, jitter);
  record.opens += 1;
  record.lastResortAtMs = atMs;
  record.slowStart = null;
  turn(record);
}

export function halfOpenBreaker(record: ProviderRecord): void {
  record.openUntilMs = 0;
  turn(record);
}

/** What comes next comes in steps. */
export function closeBreaker(record: ProviderRecord, atMs: number): void {
  record.opens = 0;
  record.openUntilMs = 0;
  record.slowStart = createSlowStart(atMs);
  turn(record);
}

/** An operator's word; what was learned before it is not taken up again after it. */
export function forceBreaker(record: ProviderRecord, { to, atMs }: Of<"breaker.force">): void {
  const wasForcedOpen = record.forced === "open";
  record.forced = to;
  closeBreaker(record, atMs);
  // Only a provider that got nothing is given its traffic back in steps.
  if (to !== null || !wasForcedOpen) record.slowStart = null;
}

/** A new generation knows nothing of the outcomes of the old one. */
function turn(record: ProviderRecord): void {
  record.generation += 1;
  record.window = createOutcomeWindow();
  record.probes.clear();
  record.probesOk = 0;
}

// ---- guards ----------------------------------------------------------------------------------

/** The first report of an attempt that this generation let through. */
function isDeciding(record: ProviderRecord, event: Report): boolean {
  const { atMs, jitter, latencyMs } = event;
  assert(Number.isFinite(atMs) && Number.isFinite(latencyMs), "an outcome without its times");
  assert(jitter >= 0 && jitter < 1, `not in [0, 1): ${jitter}`);
  const attempt = record.attempts.get(event.attemptId);
  return (
    attempt !== undefined && !attempt.isReported && attempt.permit.generation === record.generation
  );
}

/** Closed: one failure too many. */
export function trips(record: ProviderRecord, event: Report): boolean {
  return isDeciding(record, event) && event.kind === "bad" && wouldTrip(record.window, event.atMs);
}

/** Open: a last resort, which are all that this generation let through, was answered. */
export function answersLastResort(record: ProviderRecord, event: Report): boolean {
  return isDeciding(record, event) && event.kind === "ok";
}

/** Half-open: one failed probe is enough. */
export function failsProbe(record: ProviderRecord, event: Report): boolean {
  return isDeciding(record, event) && event.kind === "bad";
}

/** Half-open: the last success that was missing. */
export function completesProbes(record: ProviderRecord, event: Report): boolean {
  return (
    isDeciding(record, event) &&
    event.kind === "ok" &&
    record.probesOk + 1 >= LIMITS.halfOpenPermits
  );
}

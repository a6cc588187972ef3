/**
 * How a provider's record changes: permits given, outcomes counted, the breaker moved from state to
 * state. Which state comes next is the chart's business; the questions at the end are its guards.
 */
import { assert } from "../src/base/assert.ts";
import { LIMITS } from "../src/base/limits.ts";
import { allow, refuse } from "../src/base/verdict.ts";
import type { InputObserved, ProviderEvent, ProviderVerdict } from "./provider-contract.ts";
import { cooldownMs, openTimeMs, restMs } from "./policy/breaker.ts";
import { observeInput } from "./policy/learned-input.ts";
import { countOutcome, createOutcomeWindow, wouldTrip } from "./policy/outcome-window.ts";
import { hasFreeSlot, type ProviderRecord } from "./provider-record.ts";

type Of<T extends ProviderEvent["type"]> = Extract<ProviderEvent, { type: T }>;

/** A slot or a probe frees when some attempt ends; nobody knows when. */
export const FULL_RETRY_MS = 1_000;

/** Weight of the newest success in the average latency. */
const LATENCY_WEIGHT = 0.1;

/** The states differ only in whether the attempt is a probe; whether it may pass was asked before. */
export function givePermit(
  record: ProviderRecord,
  { attemptId, atMs }: Of<"permit.request">,
  isProbe: boolean,
): ProviderVerdict {
  assert(Number.isFinite(atMs), `not a time: ${atMs}`);
  if (record.attempts.has(attemptId)) {
    return refuse("internal_error", "The same attempt asked for a permit twice.");
  }
  const permit = { generation: record.generation, probe: isProbe };
  record.attempts.set(attemptId, { permit, permittedAtMs: atMs, isReported: false });
  if (isProbe) record.probes.set(attemptId, atMs + LIMITS.probeLeaseMs);
  return allow(permit);
}

/** Says which of the reasons to refuse it was, and when to come back. */
export function refusePermit(
  record: ProviderRecord,
  { atMs }: Of<"permit.request">,
): ProviderVerdict {
  assert(Number.isFinite(atMs), `not a time: ${atMs}`);
  const restingMs = restMs(record.openUntilMs, atMs);
  const coolingMs = restMs(record.coolUntilMs, atMs);
  const why =
    restingMs > 0
      ? "The provider is left alone after failures."
      : coolingMs > 0
        ? "The provider asked for fewer requests."
        : hasFreeSlot(record)
          ? "The provider is being tried again after failures."
          : "The provider has no free slot.";
  const retryAfterMs = Math.max(restingMs, coolingMs) || FULL_RETRY_MS;
  return refuse("provider_unavailable", why, { retryAfterMs });
}

/** Counts an outcome, once for each attempt; those of an older generation only inform. */
export function recordOutcome(record: ProviderRecord, event: Of<"outcome.report">): void {
  const attempt = record.attempts.get(event.attemptId);
  if (attempt === undefined || attempt.isReported) return;
  const decides = isDeciding(record, event);
  attempt.isReported = true;
  record.probes.delete(event.attemptId);
  const { kind, latencyMs, atMs } = event;
  if (kind === "ok") {
    const before = record.latencyMs ?? latencyMs;
    record.latencyMs = before + (latencyMs - before) * LATENCY_WEIGHT;
    record.cooldowns = 0;
  }
  if (kind === "throttled") cool(record, attempt.permittedAtMs, event);
  if (!decides || (kind !== "ok" && kind !== "bad")) return;
  countOutcome(record.window, kind === "bad", atMs);
  if (attempt.permit.probe && kind === "ok") record.probesOk += 1;
}

/** A burst that is throttled as one says it once; what was sent after it was heard says it again. */
function cool(
  record: ProviderRecord,
  permittedAtMs: number,
  { retryAfterMs, jitter, atMs }: Of<"outcome.report">,
): void {
  const isNews = record.cooldowns === 0 || permittedAtMs > record.cooledAtMs;
  if (isNews) {
    record.cooldowns += 1;
    record.cooledAtMs = atMs;
  }
  const restingMs = cooldownMs(record.cooldowns - 1, retryAfterMs, jitter);
  record.coolUntilMs = Math.max(record.coolUntilMs, atMs + restingMs);
}

export function endAttempt(
  record: ProviderRecord,
  { attemptId, observed }: Of<"attempt.end">,
): void {
  if (observed !== null) learnInput(record, observed);
  record.attempts.delete(attemptId);
  record.probes.delete(attemptId);
}

function learnInput(record: ProviderRecord, observed: InputObserved): void {
  const { model, inputBytes, inputTokens } = observed;
  assert(Number.isFinite(inputBytes) && Number.isFinite(inputTokens), "not a count of input");
  observeInput(record.learnedInputs, model, inputBytes, inputTokens);
}

export function openBreaker(record: ProviderRecord, { jitter, atMs }: Of<"outcome.report">): void {
  record.openUntilMs = atMs + openTimeMs(record.opens, jitter);
  record.opens += 1;
  turn(record);
}

export function halfOpenBreaker(record: ProviderRecord): void {
  record.openUntilMs = 0;
  turn(record);
}

export function closeBreaker(record: ProviderRecord): void {
  record.opens = 0;
  turn(record);
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
function isDeciding(record: ProviderRecord, event: Of<"outcome.report">): boolean {
  const { atMs, jitter, latencyMs } = event;
  assert(Number.isFinite(atMs) && Number.isFinite(latencyMs), "an outcome without its times");
  assert(jitter >= 0 && jitter < 1, `not in [0, 1): ${jitter}`);
  const attempt = record.attempts.get(event.attemptId);
  return (
    attempt !== undefined && !attempt.isReported && attempt.permit.generation === record.generation
  );
}

/** Closed: one failure too many. */
export function trips(record: ProviderRecord, event: Of<"outcome.report">): boolean {
  return isDeciding(record, event) && event.kind === "bad" && wouldTrip(record.window, event.atMs);
}

/** Half-open: one failed probe is enough. */
export function failsProbe(record: ProviderRecord, event: Of<"outcome.report">): boolean {
  return isDeciding(record, event) && event.kind === "bad";
}

/** Half-open: the last success that was missing. */
export function completesProbes(record: ProviderRecord, event: Of<"outcome.report">): boolean {
  return (
    isDeciding(record, event) &&
    event.kind === "ok" &&
    record.probesOk + 1 >= LIMITS.halfOpenPermits
  );
}

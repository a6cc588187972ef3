/**
 * How a tenant's actor gives back: settled holds, ended and undone exchanges, what was learned. Each
 * is a fact about something taken before, and counts once: what is not known any more, or never was,
 * changes nothing.
 */
import type { NanoUsd } from "../src/base/units.ts";
import type { OutputObserved, TenantEvent } from "./contract.ts";
import { settleHold } from "./policy/budget.ts";
import { assertNanoUsd, assertTime, assertTokens } from "./policy/facts.ts";
import { observeOutput } from "./policy/learned-output.ts";
import { clampedTokens, giveBack } from "./policy/token-bucket.ts";
import { noteAlerts } from "./tenant-alerts.ts";
import type { ExchangeEntry, TenantRecord } from "./tenant-record.ts";
import { accountOf, replaceAccount } from "./tenant-windows.ts";

type Of<T extends TenantEvent["type"]> = Extract<TenantEvent, { type: T }>;

export function settleAttempt(record: TenantRecord, event: Of<"attempt.settle">): void {
  const { attemptId, costNanoUsd, observed, atMs } = event;
  assertTime(atMs);
  assertNanoUsd(costNanoUsd, "a cost");
  if (observed !== null) learnOutput(record, observed);
  resolveHold(record, attemptId, costNanoUsd, atMs);
}

function resolveHold(
  record: TenantRecord,
  attemptId: string,
  costNanoUsd: NanoUsd,
  atMs: number,
): void {
  const hold = record.holds.get(attemptId);
  if (hold === undefined) return;
  record.holds.delete(attemptId);
  for (const { budget, windowStartMs, heldNanoUsd } of hold.shares) {
    const account = accountOf(budget, windowStartMs);
    if (account === undefined) continue;
    const settled = settleHold(account, { heldNanoUsd, costNanoUsd });
    replaceAccount(budget, settled);
    if (costNanoUsd > 0) noteAlerts(record, budget, settled, atMs);
  }
}

/** Frees the slots; holds that are not settled yet stay held until they are. */
export function endExchange(record: TenantRecord, event: Of<"exchange.end">): void {
  const { exchangeId, tokensUsed, atMs } = event;
  assertTime(atMs);
  assertTokens(tokensUsed);
  const exchange = record.exchanges.get(exchangeId);
  if (exchange === undefined) return;
  record.exchanges.delete(exchangeId);
  release(exchange, tokensUsed, atMs);
}

/** As if it had never been asked for: requests, model tokens, slots, the allowance and all holds. */
export function undoExchange(record: TenantRecord, event: Of<"exchange.undo">): void {
  const { exchangeId, atMs } = event;
  assertTime(atMs);
  const exchange = record.exchanges.get(exchangeId);
  if (exchange === undefined) return;
  record.exchanges.delete(exchangeId);
  release(exchange, 0, atMs);
  for (const limit of exchange.limits) {
    if (limit.requests !== null) limit.requests = giveBack(limit.requests, 1, atMs);
  }
  const allowance = record.allowances.get(exchange.scopes.tokenId);
  if (exchange.isAdmitted && allowance !== undefined) {
    allowance.requestsUsed = Math.max(0, allowance.requestsUsed - 1);
  }
  for (const attemptId of exchange.attemptIds) resolveHold(record, attemptId, 0, atMs);
}

/** Slots go back, and the token rates are charged with what was used instead of what was taken. */
function release({ limits, tokens }: ExchangeEntry, tokensUsed: number, atMs: number): void {
  for (const limit of limits) {
    limit.inFlight -= 1;
    if (limit.tokens === null || tokens === null) continue;
    const taken = clampedTokens(limit.tokens, tokens);
    limit.tokens = giveBack(limit.tokens, taken - tokensUsed, atMs);
    limit.tokensHeld -= taken;
  }
}

function learnOutput(record: TenantRecord, observed: OutputObserved): void {
  const { tokenId, model, outputTokens } = observed;
  assertTokens(outputTokens);
  observeOutput(record.learnedOutputs, tokenId, model, outputTokens);
}

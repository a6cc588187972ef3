/**
 * How a tenant's actor takes: an exchange with its first hold, or a further hold. Checks come first
 * and change nothing; below the line that says so nothing may fail, so that a refusal, or a bug found
 * by an assertion, leaves the record as it was.
 */
import { assert } from "../src/base/assert.ts";
import type { NanoUsd } from "../src/base/units.ts";
import { allow, refuse, type Verdict } from "../src/base/verdict.ts";
import type { AdmitValue, HoldOption, RateState, TenantEvent, TenantVerdict } from "./contract.ts";
import { decideAdmission, decideHold, type Hold } from "./policy/admission.ts";
import { accountAt, reserve } from "./policy/budget.ts";
import { clampedTokens, take } from "./policy/token-bucket.ts";
import { tightestRate } from "./tenant-rates.ts";
import {
  chainOf,
  type BudgetEntry,
  type HoldEntry,
  type LimitEntry,
  type TenantRecord,
} from "./tenant-record.ts";

type Admit = Extract<TenantEvent, { type: "exchange.admit" }>;
type FurtherHold = Extract<TenantEvent, { type: "attempt.hold" }>;

export function admitExchange(record: TenantRecord, event: Admit): TenantVerdict {
  const { exchangeId, attemptId, scopes, tokens, options, atMs } = event;
  assertAsk(event);
  assert(Number.isFinite(tokens) && tokens >= 0, `not a number of tokens: ${tokens}`);
  if (record.exchanges.has(exchangeId) || record.holds.has(attemptId)) return askedTwice();
  if (scopes.tenantId !== record.tenantId) {
    return refuse("internal_error", "The request reached another tenant's state.");
  }
  const { limits, budgets } = chainOf(record, scopes);
  turnOver(budgets, atMs);
  const allowance = record.allowances.get(scopes.tokenId) ?? null;
  const verdict = decideAdmission({ limits, budgets, allowance, tokens, options, atMs });
  if (!verdict.allowed) return verdict;
  // Nothing below may fail.
  for (const limit of limits) takeFrom(limit, tokens, atMs);
  if (allowance !== null) allowance.requestsUsed += 1;
  record.exchanges.set(exchangeId, { scopes, limits, tokens, attemptIds: [attemptId] });
  record.holds.set(attemptId, takeHold(budgets, verdict.value.heldNanoUsd));
  return held(
    verdict.value,
    tightestRate(limits, "requests", atMs),
    tightestRate(limits, "tokens", atMs),
  );
}

export function holdAttempt(record: TenantRecord, event: FurtherHold): TenantVerdict {
  const { exchangeId, attemptId, options, atMs } = event;
  assertAsk(event);
  const exchange = record.exchanges.get(exchangeId);
  if (exchange === undefined) {
    return refuse("internal_error", "The request was not admitted, or has ended.");
  }
  if (record.holds.has(attemptId)) return askedTwice();
  const { budgets } = chainOf(record, exchange.scopes);
  turnOver(budgets, atMs);
  const verdict: Verdict<Hold<HoldOption>> = decideHold({ budgets, options, atMs });
  if (!verdict.allowed) return verdict;
  // Nothing below may fail.
  exchange.attemptIds.push(attemptId);
  record.holds.set(attemptId, takeHold(budgets, verdict.value.heldNanoUsd));
  return held(verdict.value, null, null);
}

/** What the caller got wrong would be money or a time that nobody can reckon with. */
function assertAsk({ options, atMs }: Admit | FurtherHold): void {
  assert(Number.isFinite(atMs), `not a time: ${atMs}`);
  for (const { nanoUsd, strictNanoUsd } of options) {
    assertAmount(nanoUsd);
    assertAmount(strictNanoUsd);
  }
}

function assertAmount(nanoUsd: NanoUsd): void {
  assert(Number.isSafeInteger(nanoUsd) && nanoUsd >= 0, `not an amount of money: ${nanoUsd}`);
}

/** Windows that have ended by now make room for the next; that takes nothing from anybody. */
function turnOver(budgets: readonly BudgetEntry[], atMs: number): void {
  for (const budget of budgets) budget.account = accountAt(budget.account, atMs);
}

function takeFrom(limit: LimitEntry, tokens: number, atMs: number): void {
  limit.inFlight += 1;
  if (limit.requests !== null) limit.requests = take(limit.requests, 1, atMs);
  if (limit.tokens === null) return;
  const taken = clampedTokens(limit.tokens, tokens);
  limit.tokens = take(limit.tokens, taken, atMs);
  limit.tokensHeld += taken;
}

function takeHold(budgets: readonly BudgetEntry[], heldNanoUsd: NanoUsd): HoldEntry {
  const shares = budgets.map((budget) => {
    budget.account = reserve(budget.account, heldNanoUsd);
    return { budget, windowStartMs: budget.account.startMs };
  });
  return { heldNanoUsd, shares };
}

function held(
  { option, heldNanoUsd }: Hold<HoldOption>,
  requests: RateState | null,
  tokens: RateState | null,
): Verdict<AdmitValue> {
  return allow({ heldNanoUsd, outputTokensCap: option.outputTokensCap, requests, tokens });
}

function askedTwice(): TenantVerdict {
  return refuse("internal_error", "The same request or attempt was asked for twice.");
}

/**
 * How a tenant's actor takes: an exchange with its first hold, or a further hold. Checks come first
 * and change nothing; below the line that says so nothing may fail, so that a refusal, or a bug found
 * by an assertion, leaves the record as it was.
 */
import { endUserScopeId, type AttemptScopes } from "../src/base/scope.ts";
import { allow, refuse } from "../src/base/verdict.ts";
import type { AdmitValue, HoldOption, TenantEvent, TenantVerdict } from "./contract.ts";
import { decideAdmission, decideHold, type Hold } from "./policy/admission.ts";
import { boundOf } from "./policy/budget.ts";
import { assertNanoUsd, assertTime, assertTokens } from "./policy/facts.ts";
import { clampedTokens, take } from "./policy/token-bucket.ts";
import { tightestRate } from "./tenant-rates.ts";
import {
  budgetsOf,
  limitsOf,
  takeHold,
  type BudgetEntry,
  type ExchangeEntry,
  type LimitEntry,
  type TenantRecord,
} from "./tenant-record.ts";
import { knowsTime, turnOver } from "./tenant-windows.ts";

type Admit = Extract<TenantEvent, { type: "exchange.admit" }>;
type FurtherHold = Extract<TenantEvent, { type: "attempt.hold" }>;

/** Building an actor anew takes milliseconds. */
const REBUILT_MS = 1_000;

export function admitExchange(record: TenantRecord, event: Admit): TenantVerdict {
  const { exchangeId, attemptId, scopes, tokens, options, atMs } = event;
  assertAsk(event);
  assertTokens(tokens);
  if (record.exchanges.has(exchangeId) || record.holds.has(attemptId)) return askedTwice();
  if (!isOwn(record, scopes)) return foreign();
  const limits = limitsOf(record, scopes);
  const budgets = budgetsOf(record, scopes);
  const unknown = refuseUnknownTime(record, budgets, atMs);
  if (unknown !== null) return unknown;
  turnOver(record, budgets, atMs);
  const allowance = record.allowances.get(scopes.tokenId) ?? null;
  const verdict = decideAdmission({ limits, budgets, allowance, tokens, options, atMs });
  if (!verdict.allowed) return verdict;
  // Nothing below may fail.
  for (const limit of limits) takeFrom(limit, tokens, atMs);
  if (allowance !== null) allowance.requestsUsed += 1;
  const exchange = { scopes, limits, tokens, isAdmitted: true, attemptIds: [attemptId] };
  record.exchanges.set(exchangeId, exchange);
  record.holds.set(attemptId, takeHold(budgets, verdict.value.heldNanoUsd));
  return allow({
    ...moneyOf(verdict.value, budgets),
    requests: tightestRate(limits, "requests", atMs),
    tokens: tightestRate(limits, "tokens", atMs),
  });
}

/**
 * Money alone. An exchange that this owner has not admitted is noted without slots: it may have begun
 * before any rule of the owner existed, or with a provider that none of its budgets concerns.
 */
export function holdAttempt(record: TenantRecord, event: FurtherHold): TenantVerdict {
  const { exchangeId, attemptId, scopes, options, atMs } = event;
  assertAsk(event);
  if (record.holds.has(attemptId)) return askedTwice();
  if (!isOwn(record, scopes)) return foreign();
  const budgets = budgetsOf(record, scopes);
  const unknown = refuseUnknownTime(record, budgets, atMs);
  if (unknown !== null) return unknown;
  turnOver(record, budgets, atMs);
  const verdict = decideHold({ budgets, options, atMs });
  if (!verdict.allowed) return verdict;
  // Nothing below may fail.
  const exchange = record.exchanges.get(exchangeId) ?? unadmitted(scopes);
  exchange.attemptIds.push(attemptId);
  record.exchanges.set(exchangeId, exchange);
  record.holds.set(attemptId, takeHold(budgets, verdict.value.heldNanoUsd));
  return allow({ ...moneyOf(verdict.value, budgets), requests: null, tokens: null });
}

function unadmitted(scopes: AttemptScopes): ExchangeEntry {
  return { scopes, limits: [], tokens: null, isAdmitted: false, attemptIds: [] };
}

/** An owner within a tenant is asked for that tenant, or for that end user of it, alone. */
function isOwn({ ownerKey, tenantId }: TenantRecord, scopes: AttemptScopes): boolean {
  if (tenantId === null) return true;
  if (tenantId !== scopes.tenantId) return false;
  if (ownerKey === tenantId) return true;
  return scopes.endUserId !== null && ownerKey === endUserScopeId(tenantId, scopes.endUserId);
}

function assertAsk({ options, atMs }: Admit | FurtherHold): void {
  assertTime(atMs);
  for (const { nanoUsd } of options) {
    assertNanoUsd(nanoUsd, "a worst case");
  }
}

function takeFrom(limit: LimitEntry, tokens: number, atMs: number): void {
  limit.inFlight += 1;
  if (limit.requests !== null) limit.requests = take(limit.requests, 1, atMs);
  if (limit.tokens === null) return;
  const taken = clampedTokens(limit.tokens, tokens);
  limit.tokens = take(limit.tokens, taken, atMs);
  limit.tokensHeld += taken;
}

/**
 * Hard budgets of which nobody here knows what was spent refuse, until the actor that is built then
 * has read it.
 */
function refuseUnknownTime(
  record: TenantRecord,
  budgets: readonly BudgetEntry[],
  atMs: number,
): ReturnType<typeof refuse> | null {
  if (knowsTime(record, atMs)) return null;
  if (budgets.every(({ account }) => boundOf(account) === null)) return null;
  return refuse("ledger_unavailable", "The clock was set; what was spent by then is being read.", {
    retryAfterMs: REBUILT_MS,
  });
}

function moneyOf(
  { option, optionIndex, heldNanoUsd }: Hold<HoldOption>,
  budgets: readonly BudgetEntry[],
): Omit<AdmitValue, "requests" | "tokens"> {
  const stopsAtHold = budgets.some((budget) => budget.stopsAtHold);
  return { heldNanoUsd, outputTokensCap: option.outputTokensCap, optionIndex, stopsAtHold };
}

function askedTwice(): TenantVerdict {
  return refuse("internal_error", "The same request or attempt was asked for twice.");
}

function foreign(): TenantVerdict {
  return refuse("internal_error", "The request reached another owner's state.");
}

/**
 * How a tenant's record is built: from the rules in force, from the ledger, and from what the actor
 * before it leaves. The successor of an actor remembers the same.
 */
import { assert } from "../src/base/assert.ts";
import { SCOPE_TYPES, type ScopeRef, type ScopeType } from "../src/base/scope.ts";
import type { BucketFill, BudgetRule, LimitRule, TenantInput } from "./contract.ts";
import { orderedThresholds } from "./policy/alert.ts";
import { boundOf, covers, createAccount, termsOf } from "./policy/budget.ts";
import { assertNanoUsd } from "./policy/facts.ts";
import { clampedTokens, createBucket } from "./policy/token-bucket.ts";
import { noteAlerts } from "./tenant-alerts.ts";
import {
  budgetsOf,
  limitsOf,
  takeHold,
  type BudgetEntry,
  type ByScope,
  type LimitEntry,
  type TenantRecord,
} from "./tenant-record.ts";

export function createTenantRecord(input: TenantInput): TenantRecord {
  assert(Number.isFinite(input.atMs), "a tenant's actor needs a time to start from");
  const fills = new Map(input.fills.map((fill) => [fill.limitId, fill]));
  const limits = input.limits.map((rule) => createLimit(rule, fills.get(rule.id), input.atMs));
  const budgets = input.budgets.map((rule) => createBudget(rule, input));
  const record: TenantRecord = {
    reply: null,
    replies: 0,
    ownerKey: input.ownerKey,
    tenantId: input.tenantId,
    beginsSuspended: input.status === "suspended",
    limits,
    budgets,
    limitsByScope: indexByScope(limits),
    budgetsByScope: indexByScope(budgets),
    allowances: new Map(input.allowances.map((allowance) => [allowance.tokenId, { ...allowance }])),
    exchanges: new Map(),
    holds: new Map(),
    knownFromMs: budgets.reduce(
      (fromMs, { account }) => Math.max(fromMs, account.startMs),
      Number.NEGATIVE_INFINITY,
    ),
    knownUntilMs: knownUntil(budgets, input),
    alerts: [],
    learnedOutputs: input.learnedOutputs ?? new Map(),
  };
  carryExchanges(record, input);
  carryHolds(record, input);
  for (const budget of budgets) noteAlerts(record, budget, budget.account, input.atMs);
  return record;
}

function createBudget(rule: BudgetRule, { postedNanoUsd, atMs }: TenantInput): BudgetEntry {
  const account = createAccount(termsOf(rule), postedNanoUsd[rule.id] ?? 0, atMs);
  return {
    budgetId: rule.id,
    scope: rule.scope,
    stopsAtHold: rule.onHoldReached === "stop" && boundOf(account) !== null,
    account,
    others: [],
    alerts: {
      thresholdsPpm: orderedThresholds(rule.alertThresholdsPpm),
      marks: null,
      told: new Map(),
      quiet: null,
    },
  };
}

/** Money ahead of a window's end means that the clock was there before: that window is not empty. */
function knownUntil(
  budgets: readonly BudgetEntry[],
  { openHolds, ledgerReachesMs }: TenantInput,
): number {
  let reachesMs = ledgerReachesMs ?? Number.NEGATIVE_INFINITY;
  for (const { heldAtMs } of openHolds) reachesMs = Math.max(reachesMs, heldAtMs);
  let untilMs = Number.POSITIVE_INFINITY;
  for (const { account } of budgets) {
    const { endMs } = account;
    if (endMs !== null && endMs <= reachesMs) untilMs = Math.min(untilMs, endMs);
  }
  return untilMs;
}

function createLimit(rule: LimitRule, fill: BucketFill | undefined, atMs: number): LimitEntry {
  const { id: limitId, scope, maxConcurrent, requestsPerMinute, tokensPerMinute, burst } = rule;
  return {
    limitId,
    scope,
    maxConcurrent,
    requests:
      requestsPerMinute === null
        ? null
        : createBucket(requestsPerMinute, burst, fill?.requests ?? null, atMs),
    tokens:
      tokensPerMinute === null
        ? null
        : createBucket(tokensPerMinute, null, fill?.tokens ?? null, atMs),
    inFlight: 0,
    tokensHeld: 0,
  };
}

/** Scopes from the narrowest to the widest; rules of one keep the order in which they were given. */
function indexByScope<T extends { readonly scope: ScopeRef }>(rules: readonly T[]): ByScope<T> {
  const index = new Map<ScopeType, Map<string, T[]>>();
  for (const type of SCOPE_TYPES) {
    const ofType = rules.filter(({ scope }) => scope.type === type);
    if (ofType.length > 0)
      index.set(
        type,
        Map.groupBy(ofType, ({ scope }) => scope.id),
      );
  }
  return index;
}

/** Exchanges that a predecessor admitted: their slots are taken, their rates were. */
function carryExchanges(record: TenantRecord, { slotOwners }: TenantInput): void {
  for (const { exchangeId, scopes, tokens } of slotOwners) {
    const limits = limitsOf(record, scopes);
    for (const limit of limits) {
      limit.inFlight += 1;
      if (limit.tokens !== null) limit.tokensHeld += clampedTokens(limit.tokens, tokens ?? 0);
    }
    const exchange = { scopes, limits, tokens: tokens ?? null, isAdmitted: true, attemptIds: [] };
    record.exchanges.set(exchangeId, exchange);
  }
}

/** Holds without a posting; those of other windows belong to the ledger alone. */
function carryHolds(record: TenantRecord, { openHolds }: TenantInput): void {
  for (const { attemptId, exchangeId, scopes, heldNanoUsd, heldAtMs } of openHolds) {
    assertNanoUsd(heldNanoUsd, "a hold");
    const budgets = budgetsOf(record, scopes).filter(({ account }) => covers(account, heldAtMs));
    record.holds.set(attemptId, takeHold(budgets, heldNanoUsd));
    record.exchanges.get(exchangeId)?.attemptIds.push(attemptId);
  }
}

/**
 * What a tenant's actor remembers, and how it is built from the ledger and from its predecessor. The
 * record is the machine's context: one mutable structure that only the machine's own actions change
 * (`tenant-admit.ts`, `tenant-resolve.ts`), because copying thousands of holds for every event would
 * cost more than the event. Everybody else reads.
 *
 * Bounds: rules, allowances and tokens are as many as are configured; exchanges and holds as many as
 * are in flight; learned outputs have a bound of their own.
 */
import { assert } from "../src/base/assert.ts";
import type { ScopeChain, ScopeRef } from "../src/base/scope.ts";
import { scopesOf } from "../src/base/scope.ts";
import type { NanoUsd } from "../src/base/units.ts";
import type { Replies } from "./ask.ts";
import type { AdmitValue, LimitRule, TenantInput } from "./contract.ts";
import { createAccount, reserve, type BudgetAccount } from "./policy/budget.ts";
import type { LearnedOutputs } from "./policy/learned-output.ts";
import { clampedTokens, createBucket, type Bucket } from "./policy/token-bucket.ts";

export type LimitEntry = {
  readonly limitId: string;
  readonly scope: ScopeRef;
  readonly maxConcurrent: number | null;
  requests: Bucket | null;
  tokens: Bucket | null;
  /** Exchanges of the scope that run now. */
  inFlight: number;
  /** Model tokens taken for them. */
  tokensHeld: number;
};

export type BudgetEntry = {
  readonly budgetId: string;
  readonly scope: ScopeRef;
  account: BudgetAccount;
};

export type AllowanceEntry = {
  readonly tokenId: string;
  readonly requestsMax: number;
  requestsUsed: number;
};

/** The rules that one exchange runs under, access token first. */
export type Chain = {
  readonly limits: readonly LimitEntry[];
  readonly budgets: readonly BudgetEntry[];
};

/** Money held for an attempt, in the windows that admitted it. */
export type HoldEntry = {
  readonly heldNanoUsd: NanoUsd;
  readonly shares: readonly { readonly budget: BudgetEntry; readonly windowStartMs: number }[];
};

export type ExchangeEntry = {
  readonly scopes: ScopeChain;
  readonly limits: readonly LimitEntry[];
  /** Asked of the token rates; null when it was admitted by a predecessor that did not say. */
  readonly tokens: number | null;
  readonly attemptIds: string[];
};

type ScopeRules = { readonly limits: LimitEntry[]; readonly budgets: BudgetEntry[] };

export type TenantRecord = Replies<AdmitValue> & {
  readonly tenantId: string;
  readonly beginsSuspended: boolean;
  readonly limits: readonly LimitEntry[];
  readonly budgets: readonly BudgetEntry[];
  readonly rulesByScope: Readonly<Record<ScopeRef["type"], Map<string, ScopeRules>>>;
  readonly allowances: Map<string, AllowanceEntry>;
  readonly exchanges: Map<string, ExchangeEntry>;
  readonly holds: Map<string, HoldEntry>;
  readonly learnedOutputs: LearnedOutputs;
};

export function createTenantRecord(input: TenantInput): TenantRecord {
  assert(Number.isFinite(input.atMs), "a tenant's actor needs a time to start from");
  const limits = input.limits.map((rule) => createLimit(rule, input));
  const budgets = input.budgets.map((rule): BudgetEntry => {
    const posted = input.postedNanoUsd[rule.id] ?? 0;
    assert(Number.isSafeInteger(posted), `posted is not an amount: ${posted}`);
    const account = createAccount(rule, posted, input.atMs);
    return { budgetId: rule.id, scope: rule.scope, account };
  });
  const record: TenantRecord = {
    reply: null,
    replies: 0,
    tenantId: input.tenantId,
    beginsSuspended: input.status === "suspended",
    limits,
    budgets,
    rulesByScope: indexByScope(limits, budgets),
    allowances: new Map(input.allowances.map((allowance) => [allowance.tokenId, { ...allowance }])),
    exchanges: new Map(),
    holds: new Map(),
    learnedOutputs: input.learnedOutputs ?? new Map(),
  };
  carryExchanges(record, input);
  carryHolds(record, input);
  return record;
}

function createLimit(rule: LimitRule, { fills, atMs }: TenantInput): LimitEntry {
  const fill = fills.find(({ limitId }) => limitId === rule.id);
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

function indexByScope(
  limits: readonly LimitEntry[],
  budgets: readonly BudgetEntry[],
): TenantRecord["rulesByScope"] {
  const index = { token: new Map(), project: new Map(), tenant: new Map() } satisfies Record<
    ScopeRef["type"],
    Map<string, ScopeRules>
  >;
  const rulesOf = ({ type, id }: ScopeRef): ScopeRules => {
    const byId: Map<string, ScopeRules> = index[type];
    const rules = byId.get(id) ?? { limits: [], budgets: [] };
    byId.set(id, rules);
    return rules;
  };
  for (const limit of limits) rulesOf(limit.scope).limits.push(limit);
  for (const budget of budgets) rulesOf(budget.scope).budgets.push(budget);
  return index;
}

/** The rules of a chain's scopes, in the order in which they are checked. */
export function chainOf({ rulesByScope }: TenantRecord, scopes: ScopeChain): Chain {
  const limits: LimitEntry[] = [];
  const budgets: BudgetEntry[] = [];
  for (const { type, id } of scopesOf(scopes)) {
    const rules = rulesByScope[type].get(id);
    if (rules === undefined) continue;
    limits.push(...rules.limits);
    budgets.push(...rules.budgets);
  }
  return { limits, budgets };
}

/** Exchanges that a predecessor admitted: their slots are taken, their rates were. */
function carryExchanges(record: TenantRecord, { slotOwners }: TenantInput): void {
  for (const { exchangeId, scopes, tokens } of slotOwners) {
    const { limits } = chainOf(record, scopes);
    for (const limit of limits) {
      limit.inFlight += 1;
      if (limit.tokens !== null) limit.tokensHeld += clampedTokens(limit.tokens, tokens ?? 0);
    }
    record.exchanges.set(exchangeId, { scopes, limits, tokens: tokens ?? null, attemptIds: [] });
  }
}

/** Holds without a posting; those of an ended window belong to the ledger's history alone. */
function carryHolds(record: TenantRecord, { openHolds }: TenantInput): void {
  for (const { attemptId, exchangeId, scopes, heldNanoUsd, heldAtMs } of openHolds) {
    assert(Number.isSafeInteger(heldNanoUsd), `a hold is not an amount: ${heldNanoUsd}`);
    const shares: HoldEntry["shares"][number][] = [];
    for (const budget of chainOf(record, scopes).budgets) {
      const { startMs, endMs } = budget.account;
      if (heldAtMs < startMs || (endMs !== null && heldAtMs >= endMs)) continue;
      budget.account = reserve(budget.account, heldNanoUsd);
      shares.push({ budget, windowStartMs: startMs });
    }
    record.holds.set(attemptId, { heldNanoUsd, shares });
    record.exchanges.get(exchangeId)?.attemptIds.push(attemptId);
  }
}

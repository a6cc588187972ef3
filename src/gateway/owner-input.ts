/**
 * What an owner's actor is built from: the rules in force, the ledger's sums and open holds, and what
 * this process has taken that the ledger does not know yet.
 */
import type {
  BucketFill,
  BudgetRule,
  LimitRule,
  OpenHold,
  RequestAllowance,
  SlotOwner,
  TenantInput,
} from "../../actors/contract.ts";
import type { LearnedOutputs } from "../../actors/policy/learned-output.ts";
import { windowOf } from "../../actors/policy/window.ts";
import { ownerKey, type Owner } from "../base/scope.ts";
import type { OwnerLedgerState, WindowSum } from "../store/contract.ts";

/** What the configuration says of an owner at this moment. */
export type OwnerRules = {
  readonly status: "active" | "suspended";
  readonly budgets: readonly BudgetRule[];
  readonly limits: readonly LimitRule[];
  /** Access tokens with a life-long request allowance. */
  readonly requestsMax: ReadonlyMap<string, number>;
};

/** What outlives an actor: taken by this process, or learned by the actor before. */
export type Carried = {
  readonly holds: readonly OpenHold[];
  readonly slots: readonly SlotOwner[];
  /** Access tokens of exchanges whose first hold has not been handed to the ledger, once for each. */
  readonly unwrittenTokenIds: readonly string[];
  readonly fills: readonly BucketFill[];
  readonly learnedOutputs: LearnedOutputs | null;
};

/** The ledger's view, completed by what this process holds and the ledger does not have yet. */
export function ownerInput(
  owner: Owner,
  rules: OwnerRules,
  state: OwnerLedgerState,
  carried: Carried,
  atMs: number,
): TenantInput {
  const openHolds = new Map(carried.holds.map((hold) => [hold.attemptId, hold]));
  for (const { requestId, ...hold } of state.openHolds) {
    openHolds.set(hold.attemptId, { ...hold, exchangeId: requestId });
  }
  return {
    ownerKey: ownerKey(owner),
    tenantId: owner.type === "everyone" ? null : owner.tenantId,
    status: rules.status,
    budgets: rules.budgets,
    limits: rules.limits,
    allowances: allowancesOf(rules, state.requestCounts, carried.unwrittenTokenIds),
    postedNanoUsd: state.postedNanoUsd,
    ledgerReachesMs: state.reachesMs,
    openHolds: [...openHolds.values()],
    slotOwners: carried.slots,
    fills: carried.fills,
    learnedOutputs: carried.learnedOutputs,
    atMs,
  };
}

/** The window of each budget that contains `atMs`. */
export function windowSums(budgets: readonly BudgetRule[], atMs: number): WindowSum[] {
  return budgets.map((rule) => {
    const { startMs, endMs } = windowOf(rule, atMs);
    return { budgetId: rule.id, scope: rule.scope, startMs, endMs };
  });
}

function allowancesOf(
  rules: OwnerRules,
  counts: Readonly<Record<string, number>>,
  unwrittenTokenIds: readonly string[],
): RequestAllowance[] {
  return [...rules.requestsMax].map(([tokenId, requestsMax]) => {
    const unwritten = unwrittenTokenIds.filter((id) => id === tokenId).length;
    return { tokenId, requestsMax, requestsUsed: (counts[tokenId] ?? 0) + unwritten };
  });
}

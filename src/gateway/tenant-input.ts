/**
 * What a tenant's actor is built from: the rules in force, the ledger's sums and open holds, and what
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
import type { TenantLedgerState, WindowSum } from "../store/contract.ts";

/** What the configuration says of a tenant at this moment. */
export type TenantRules = {
  readonly status: "active" | "suspended";
  readonly budgets: readonly BudgetRule[];
  readonly limits: readonly LimitRule[];
  /** Access tokens with a life-long request allowance. */
  readonly requestsMax: ReadonlyMap<string, number>;
};

/** What outlives an actor: taken by this process, or learned by the actor before. */
export type Carried = {
  readonly live: ReadonlyMap<string, OpenHold>;
  readonly slots: ReadonlyMap<string, SlotOwner>;
  /** Exchanges whose first hold has not been handed to the ledger, by their access token. */
  readonly unwritten: ReadonlyMap<string, string>;
  readonly fills: readonly BucketFill[];
  readonly learnedOutputs: LearnedOutputs | null;
};

/** The ledger's view, completed by what this process holds and the ledger does not have yet. */
export function tenantInput(
  tenantId: string,
  rules: TenantRules,
  state: TenantLedgerState,
  entry: Carried,
  atMs: number,
): TenantInput {
  const openHolds = new Map(entry.live);
  for (const { requestId, ...hold } of state.openHolds) {
    openHolds.set(hold.attemptId, { ...hold, exchangeId: requestId });
  }
  return {
    tenantId,
    status: rules.status,
    budgets: rules.budgets,
    limits: rules.limits,
    allowances: allowancesOf(rules, state.requestCounts, [...entry.unwritten.values()]),
    postedNanoUsd: state.postedNanoUsd,
    openHolds: [...openHolds.values()],
    slotOwners: [...entry.slots.values()],
    fills: entry.fills,
    learnedOutputs: entry.learnedOutputs,
    atMs,
  };
}

export function windowSums(budgets: readonly BudgetRule[], atMs: number): WindowSum[] {
  return budgets.map(({ id, scope, window, timeZone }) => {
    const { startMs, endMs } = windowOf(window, timeZone, atMs);
    return { budgetId: id, scope, startMs, endMs };
  });
}

function allowancesOf(
  rules: TenantRules,
  counts: Readonly<Record<string, number>>,
  unwrittenTokenIds: readonly string[],
): RequestAllowance[] {
  return [...rules.requestsMax].map(([tokenId, requestsMax]) => {
    const unwritten = unwrittenTokenIds.filter((id) => id === tokenId).length;
    return { tokenId, requestsMax, requestsUsed: (counts[tokenId] ?? 0) + unwritten };
  });
}

/**
 * What budgets show of themselves: of an owner in memory, or with requests under way, what its actor
 * remembers; of all others the ledger's sums, asked for a whole page at once, because a list of idle
 * tenants is no reason to wake them.
 */
import type { BudgetRule, BudgetState } from "../../actors/contract.ts";
import { createAccount, termsOf } from "../../actors/policy/budget.ts";
import { tenantBudgets } from "../../actors/tenant.ts";
import type { Clock } from "../base/clock.ts";
import { EACH_END_USER, type Owner } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
import type { BudgetRow, Store, WindowSum } from "../store/contract.ts";
import type { OwnerBudgets } from "./owner-budgets.ts";
import type { OwnerActors } from "./owner-actors.ts";
import { windowSums } from "./owner-input.ts";

export type BudgetStates = (
  row: BudgetRow,
  endUserId: string | null,
) => Promise<BudgetState | null>;

export function createBudgetStates(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly owners: OwnerActors;
  readonly budgets: OwnerBudgets;
}): BudgetStates {
  const { store, clock, owners, budgets } = parts;
  const postedIn = sumsOfOneTurn(store);
  return async (row, endUserId) => {
    const owner = ownerOf(row, endUserId);
    const rule = owner === null ? null : budgets.ruleOf(row, owner);
    if (owner === null || rule === null) return null;
    if (!owners.isInUse(owner)) {
      const atMs = clock.nowMs();
      return idleState(rule, await postedIn(windowSums([rule], atMs)), atMs);
    }
    const handle = await owners.ready(owner);
    const states = tenantBudgets(handle, clock.nowMs());
    return states.find(({ budgetId }) => budgetId === row.id) ?? null;
  };
}

/** Whose account of the budget is meant; null: nobody's, or nobody said whose. */
function ownerOf(row: BudgetRow, endUserId: string | null): Owner | null {
  const { scopeType, scopeId, tenantId } = row;
  if (tenantId === null) return { type: "everyone" };
  if (scopeType !== "end_user") return { type: "tenant", tenantId };
  const who = scopeId === EACH_END_USER ? endUserId : scopeId;
  return who === null ? null : { type: "end_user", tenantId, endUserId: who };
}

function idleState(rule: BudgetRule, [posted = 0]: readonly NanoUsd[], atMs: number): BudgetState {
  const account = createAccount(termsOf(rule), posted, atMs);
  return {
    budgetId: rule.id,
    amountNanoUsd: account.amountNanoUsd,
    postedNanoUsd: account.postedNanoUsd,
    heldNanoUsd: account.heldNanoUsd,
    windowStartedAtMs: account.startMs,
    windowEndsAtMs: account.endMs,
  };
}

/** Asks the store once for all windows that are wanted in one turn of the event loop. */
function sumsOfOneTurn(
  store: Store,
): (windows: readonly WindowSum[]) => Promise<readonly NanoUsd[]> {
  let wanted: WindowSum[] = [];
  let answer: Promise<readonly NanoUsd[]> | null = null;
  const ask = async (): Promise<readonly NanoUsd[]> => {
    await Promise.resolve();
    const windows = wanted;
    wanted = [];
    answer = null;
    return await store.windowSums(windows);
  };
  return async (windows) => {
    const first = wanted.length;
    wanted.push(...windows);
    answer ??= ask();
    const sums = await answer;
    return sums.slice(first, first + windows.length);
  };
}

/**
 * Which account of a budget is meant, and what operators added to it. A budget has one account; one
 * that is a default for each end user of a tenant has as many as there are end users.
 */
import { windowOf } from "../../actors/policy/window.ts";
import { endUserScopeId, type ScopeRef } from "../base/scope.ts";
import type { BudgetRow, CreditRow, Store } from "../store/contract.ts";
import { allRows } from "./all-rows.ts";
import { type AdminRefused, type AdminVerdict, allow, refuse } from "./refusal.ts";
import { isForEach } from "./scope.ts";
import { missing } from "./write.ts";

/**
 * The end user whose account is meant; null: the budget's only one. `param` is where the operator
 * says which.
 */
export function accountOf(
  row: BudgetRow,
  endUser: string | undefined,
  param: string,
): AdminVerdict<string | null> {
  const isDefault = isForEach(row);
  if (isDefault === (endUser !== undefined)) return allow(endUser ?? null);
  const sentence = isDefault
    ? "end_user is required: of this budget each end user has an account of their own."
    : "end_user is for a budget that is a default for each end user; this one has one account.";
  return refuse("invalid_request", sentence, param);
}

/** When the directory knows no state of an account: it is not in force, or not for this end user. */
export function notInForce(row: BudgetRow, endUserId: string | null): AdminRefused {
  if (endUserId === null) return missing("budgets", row.id);
  const sentence = `The budget is a default, and ${endUserId} has budgets of their own instead.`;
  return refuse("not_found", sentence, "end_user");
}

/** What an account's money is counted in. */
export function scopeOfAccount(row: BudgetRow, endUserId: string | null): ScopeRef {
  const { scopeType: type, scopeId, tenantId } = row;
  return type === "end_user" && tenantId !== null
    ? { type, id: endUserScopeId(tenantId, endUserId ?? scopeId) }
    : { type, id: scopeId };
}

/** Every credit of a budget, oldest first. */
export function creditsOf(store: Store, budgetId: string): Promise<readonly CreditRow[]> {
  return allRows(store, "credits", { budgetId });
}

/** When a credit stops counting; null: never. */
export function creditEndMs(budget: BudgetRow, credit: CreditRow): number | null {
  return credit.expiresAtMs ?? windowOf(budget, credit.startsAtMs).endMs;
}

/**
 * Budgets by the owner whose actor keeps them, with their credits: what an actor is built from, and
 * the cheap answer to whether there is anything to ask an owner at all. Follows committed writes.
 */
import type { BudgetRule } from "../../actors/contract.ts";
import {
  EACH_END_USER,
  endUserScopeId,
  GLOBAL_SCOPE_ID,
  ownerKey,
  scopesOf,
  type AttemptScopes,
  type Owner,
  type ScopeRef,
} from "../base/scope.ts";
import type { BudgetRow, CreditRow } from "../store/contract.ts";

/** Thresholds are configured as fractions of the amount. */
const PPM = 1_000_000;

export interface OwnerBudgets {
  /** Follows a change of a budget: `row` null removes, `old` null adds. */
  readonly budget: (row: BudgetRow | null, old: BudgetRow | null) => void;
  readonly credit: (row: CreditRow | null, old: CreditRow | null) => void;
  /** The rules in force; an end user without own ones has the tenant's defaults. */
  readonly rulesOf: (owner: Owner) => BudgetRule[];
  readonly hasEveryone: () => boolean;
  readonly hasEndUser: (tenantId: string, endUserId: string) => boolean;
  /** Of any end user of the tenant's; looks through all budgets. */
  readonly hasEndUsers: (tenantId: string) => boolean;
  /** The rule of a budget in an owner's account; null when it is not in force for this owner. */
  readonly ruleOf: (row: BudgetRow, owner: Owner) => BudgetRule | null;
  /** Does a budget that can refuse apply to an attempt? */
  readonly isBounded: (scopes: AttemptScopes) => boolean;
}

export function createOwnerBudgets(
  budgets: Iterable<BudgetRow>,
  credits: Iterable<CreditRow>,
): OwnerBudgets {
  const byOwner = new Grouped<BudgetRow>();
  const byBudget = new Grouped<CreditRow>();
  for (const row of budgets) byOwner.add(keyOf(row), row);
  for (const row of credits) byBudget.add(row.budgetId, row);

  const rowsOf = (owner: Owner): readonly BudgetRow[] => {
    const own = byOwner.of(ownerKey(owner));
    return owner.type === "end_user" && own.length === 0
      ? byOwner.of(endUserScopeId(owner.tenantId, EACH_END_USER))
      : own;
  };
  const ruleIn = (row: BudgetRow, owner: Owner): BudgetRule =>
    budgetRule(row, owner, byBudget.of(row.id));
  return {
    budget: (row, old) => {
      if (old !== null) byOwner.remove(keyOf(old), old);
      if (row !== null) byOwner.add(keyOf(row), row);
    },
    credit: (row, old) => {
      if (old !== null) byBudget.remove(old.budgetId, old);
      if (row !== null) byBudget.add(row.budgetId, row);
    },
    rulesOf: (owner) => rowsOf(owner).map((row) => ruleIn(row, owner)),
    hasEveryone: () => byOwner.has(GLOBAL_SCOPE_ID),
    hasEndUser: (tenantId, endUserId) =>
      byOwner.has(endUserScopeId(tenantId, endUserId)) ||
      byOwner.has(endUserScopeId(tenantId, EACH_END_USER)),
    hasEndUsers: (tenantId) =>
      byOwner.some((row) => row.scopeType === "end_user" && row.tenantId === tenantId),
    ruleOf: (row, owner) => {
      const inForce = rowsOf(owner).find(({ id }) => id === row.id);
      return inForce === undefined ? null : ruleIn(inForce, owner);
    },
    isBounded: (scopes) => {
      const asked = scopesOf(scopes);
      return ownersOf(scopes).some((owner) =>
        rowsOf(owner).some(
          (row) => row.mode === "hard" && row.amountNanoUsd !== null && includes(asked, row, owner),
        ),
      );
    },
  };
}

function ownersOf({ tenantId, endUserId }: AttemptScopes): Owner[] {
  const tenant: Owner = { type: "tenant", tenantId };
  const everyone: Owner = { type: "everyone" };
  return endUserId === null
    ? [tenant, everyone]
    : [tenant, { type: "end_user", tenantId, endUserId }, everyone];
}

function includes(scopes: readonly ScopeRef[], row: BudgetRow, owner: Owner): boolean {
  const own = scopeIn(row, owner);
  return scopes.some(({ type, id }) => type === own.type && id === own.id);
}

/** The key of the owner that a budget belongs to; a default for each end user has one of its own. */
function keyOf({ scopeType, scopeId, tenantId }: BudgetRow): string {
  switch (scopeType) {
    case "end_user":
      return endUserScopeId(tenantId ?? "", scopeId);
    case "route":
    case "provider":
    case "global":
      return GLOBAL_SCOPE_ID;
    default:
      return tenantId ?? "";
  }
}

/** A default for each end user counts in the account of the one who asks. */
function scopeIn(row: BudgetRow, owner: Owner): ScopeRef {
  const { scopeType: type, scopeId: id } = row;
  return owner.type === "end_user" ? { type, id: ownerKey(owner) } : { type, id };
}

function budgetRule(row: BudgetRow, owner: Owner, credits: readonly CreditRow[]): BudgetRule {
  const isDefault = row.scopeType === "end_user" && row.scopeId === EACH_END_USER;
  const endUserId = isDefault && owner.type === "end_user" ? owner.endUserId : null;
  return {
    id: row.id,
    scope: scopeIn(row, owner),
    amountNanoUsd: row.amountNanoUsd,
    window: row.window,
    timeZone: row.timeZone,
    anchor: row.anchor,
    mode: row.mode,
    onHoldReached: row.onHoldReached,
    alertThresholdsPpm: row.alertThresholds.map((fraction) => Math.round(fraction * PPM)),
    credits: credits.filter((credit) => credit.endUserId === endUserId),
  };
}

/** Rows under keys, in the order in which they came. */
class Grouped<R extends { readonly id: string }> {
  readonly #groups = new Map<string, readonly R[]>();

  add(key: string, row: R): void {
    this.#groups.set(key, [...this.of(key), row].toSorted(byId));
  }

  remove(key: string, row: R): void {
    const left = this.of(key).filter(({ id }) => id !== row.id);
    if (left.length === 0) this.#groups.delete(key);
    else this.#groups.set(key, left);
  }

  of(key: string): readonly R[] {
    return this.#groups.get(key) ?? [];
  }

  has(key: string): boolean {
    return this.#groups.has(key);
  }

  some(isIt: (row: R) => boolean): boolean {
    return [...this.#groups.values()].some((rows) => rows.some(isIt));
  }
}

/** Ids sort by the time they were made, so that an edited row keeps its place. */
function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : 1;
}

/**
 * How a committed write comes into force: the working copy follows, and exactly the owners whose
 * rules it bears on get a new actor.
 */
import { EACH_END_USER, ownerKey, type Owner } from "../base/scope.ts";
import type { BudgetRow, CreditRow, Noun, Rows } from "../store/contract.ts";
import type { Configured } from "./configured.ts";
import type { DirectoryAdmin } from "./directory-contract.ts";
import type { OwnerActors } from "./owner-actors.ts";
import type { ProviderActors } from "./provider-actors.ts";

export function followChanges(parts: {
  readonly configured: Configured;
  readonly providers: ProviderActors;
  readonly owners: OwnerActors;
}): DirectoryAdmin["changed"] {
  const { configured, providers, owners } = parts;
  const known: Known = {
    budgetOf: ({ budgetId }) => configured.tables.budgets.get(budgetId) ?? null,
    endUsersOf: (tenantId) => owners.endUsersOf(tenantId),
  };
  return async (noun, id, row) => {
    const old = configured.apply(noun, id, row);
    if (noun === "providers") providers.apply(id, configured.tables.providers.get(id) ?? null);
    const concerned = new Map<string, Owner>();
    // A row may have moved: who had it before is concerned as well.
    for (const version of [old, row]) {
      const found = version === null ? [] : ownersConcerned(noun, version, known);
      for (const owner of found) concerned.set(ownerKey(owner), owner);
    }
    const isTenantGone = noun === "tenants" && row === null;
    for (const owner of isTenantGone ? owners.endUsersOf(id) : []) {
      concerned.set(ownerKey(owner), owner);
    }
    await Promise.all([...concerned.values()].map((owner) => owners.rebuild(owner)));
  };
}

/** What is looked up on the way. */
type Known = {
  readonly budgetOf: (credit: CreditRow) => BudgetRow | null;
  /** End users of a tenant that have an actor. */
  readonly endUsersOf: (tenantId: string) => readonly Owner[];
};

function ownersConcerned<N extends Noun>(noun: N, row: Rows[N], known: Known): Owner[] {
  return FINDERS[noun](row, known);
}

type Finders = { readonly [N in Noun]: (row: Rows[N], known: Known) => Owner[] };

const NOBODY = (): Owner[] => [];

const FINDERS: Finders = {
  tenants: ({ id }) => [{ type: "tenant", tenantId: id }],
  tokens: ({ tenantId }) => [{ type: "tenant", tenantId }],
  limits: ({ tenantId }) => [{ type: "tenant", tenantId }],
  budgets: ofBudget,
  credits: ofCredit,
  projects: NOBODY,
  providers: NOBODY,
  routes: NOBODY,
  prices: NOBODY,
};

function ofBudget({ scopeType, scopeId, tenantId }: BudgetRow, { endUsersOf }: Known): Owner[] {
  if (tenantId === null) return [{ type: "everyone" }];
  if (scopeType !== "end_user") return [{ type: "tenant", tenantId }];
  return scopeId === EACH_END_USER
    ? [...endUsersOf(tenantId)]
    : [{ type: "end_user", tenantId, endUserId: scopeId }];
}

function ofCredit(credit: CreditRow, known: Known): Owner[] {
  const budget = known.budgetOf(credit);
  if (budget === null) return [];
  const { endUserId } = credit;
  return endUserId === null || budget.tenantId === null
    ? ofBudget(budget, known)
    : [{ type: "end_user", tenantId: budget.tenantId, endUserId }];
}

/** Scopes as operators write them: what each names, and how lists are filtered by them. */
import { LIMITS } from "../base/limits.ts";
import {
  EACH_END_USER,
  GLOBAL_SCOPE_ID,
  type LimitScopeType,
  type ScopeRef,
  type ScopeType,
} from "../base/scope.ts";
import type { BudgetRow, Store } from "../store/contract.ts";
import { providerNamed } from "./names.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { BudgetScope, BudgetScopeInput, Scope } from "./shapes/scope.ts";

const WORDS = {
  tenant: "tenant",
  project: "project",
  token: "access token",
} as const satisfies Record<LimitScopeType, string>;

/** The tenant that a scope lies in; refused when there is no such scope. */
export async function tenantOfScope(store: Store, scope: Scope): Promise<AdminVerdict<string>> {
  const tenantId = await FINDERS[scope.type](store, scope.id);
  if (tenantId !== undefined) return allow(tenantId);
  return unknown(WORDS[scope.type], scope.id);
}

const FINDERS = {
  tenant: async (store, id) => (await store.get("tenants", id))?.id,
  project: async (store, id) => (await store.get("projects", id))?.tenantId,
  token: async (store, id) => (await store.get("tokens", id))?.tenantId,
} as const satisfies Record<
  LimitScopeType,
  (store: Store, id: string) => Promise<string | undefined>
>;

function unknown(word: string, id: string): ReturnType<typeof refuse> {
  const sentence = `scope.id names no ${word}: there is none ${id}.`;
  return refuse("unprocessable", sentence, "/scope/id");
}

type Place = Pick<BudgetRow, "scopeType" | "scopeId" | "tenantId">;

/** The columns of a budget's scope; refused when it is not one, or names nothing. */
export async function placeOf(store: Store, scope: BudgetScopeInput): Promise<AdminVerdict<Place>> {
  const { type, id, tenant_id: tenantId } = scope;
  if (tenantId !== undefined && type !== "end_user") {
    const sentence = "scope.tenant_id is for the scope end_user alone.";
    return refuse("invalid_request", sentence, "/scope/tenant_id");
  }
  if (type === "global") return globalPlace(id);
  if (id === undefined) {
    const sentence = `scope.id is required: it must say which ${type} it is.`;
    return refuse("invalid_request", sentence, "/scope/id");
  }
  switch (type) {
    case "end_user":
      return endUserPlace(store, id, tenantId);
    case "provider": {
      const provider = await providerNamed(store, id);
      return provider === null ? unknown("provider", id) : spanning(type, provider.id);
    }
    case "route":
      return routePlace(store, id);
    default: {
      const tenant = await tenantOfScope(store, { type, id });
      if (!tenant.allowed) return tenant;
      return allow({ scopeType: type, scopeId: id, tenantId: tenant.value });
    }
  }
}

function spanning(scopeType: "global" | "provider" | "route", scopeId: string) {
  return allow({ scopeType, scopeId, tenantId: null });
}

function globalPlace(id: string | undefined): AdminVerdict<Place> {
  if (id === undefined || id === GLOBAL_SCOPE_ID) return spanning("global", GLOBAL_SCOPE_ID);
  const sentence = `scope.id must be left out or "*": the scope global contains everything.`;
  return refuse("invalid_request", sentence, "/scope/id");
}

async function endUserPlace(
  store: Store,
  id: string,
  tenantId: string | undefined,
): Promise<AdminVerdict<Place>> {
  if (tenantId === undefined) {
    const sentence =
      "scope.tenant_id is required: an end user is known by their tenant's own word for them.";
    return refuse("invalid_request", sentence, "/scope/tenant_id");
  }
  if (id.length > LIMITS.endUserCharactersMax || !id.isWellFormed()) {
    const sentence = `scope.id must be a text of at most ${LIMITS.endUserCharactersMax} characters: longer words are known as sha256: and their hash in hexadecimal.`;
    return refuse("invalid_request", sentence, "/scope/id");
  }
  const tenant = await store.get("tenants", tenantId);
  if (tenant !== null) return allow({ scopeType: "end_user", scopeId: id, tenantId });
  const sentence = `scope.tenant_id names no tenant: there is none ${tenantId}.`;
  return refuse("unprocessable", sentence, "/scope/tenant_id");
}

/** By id, or by public model name where that is one route's alone. */
async function routePlace(store: Store, reference: string): Promise<AdminVerdict<Place>> {
  const route = reference.startsWith("rte_") ? await store.get("routes", reference) : null;
  if (route !== null) return spanning("route", route.id);
  const { rows } = await store.page("routes", { model: reference }, { limit: 3, cursor: null });
  const [first, ...others] = rows;
  if (first === undefined) return unknown("route", reference);
  if (others.length === 0) return spanning("route", first.id);
  const ids = rows.map((row) => row.id).join(", ");
  const sentence = `scope.id must be the id of a route: several have the model ${reference} (${ids}).`;
  return refuse("unprocessable", sentence, "/scope/id");
}

/** A budget's scope as it is shown and as it can be sent back. */
export function shownScope({ scopeType, scopeId, tenantId }: Place): BudgetScope {
  return scopeType === "end_user" && tenantId !== null
    ? { type: scopeType, id: scopeId, tenant_id: tenantId }
    : { type: scopeType, id: scopeId };
}

/** A scope that money was counted in, whose end users hold their tenant's id. */
export function shownRef({ type, id }: ScopeRef): BudgetScope {
  const slash = id.indexOf("/");
  if (type !== "end_user" || slash === -1) return { type, id };
  return { type, id: id.slice(slash + 1), tenant_id: id.slice(0, slash) };
}

/** Whether a budget is a default of which each end user of its tenant has an account. */
export function isForEach({ scopeType, scopeId }: Place): boolean {
  return scopeType === "end_user" && scopeId === EACH_END_USER;
}

/** The members of a row that a list of scoped things is filtered by. */
export function scopeWhere<T extends ScopeType>(filter: {
  readonly tenant_id?: string;
  readonly scope_type?: T;
  readonly scope_id?: string;
}) {
  return {
    tenantId: filter.tenant_id,
    scopeType: filter.scope_type,
    scopeId: filter.scope_id,
  };
}

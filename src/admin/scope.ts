/** Scopes as operators write them: where one lies, and how lists are filtered by it. */
import type { ScopeType } from "../base/scope.ts";
import type { Store } from "../store/contract.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { Scope } from "./shapes/scope.ts";

const WORDS = { tenant: "tenant", project: "project", token: "access token" } as const;

/** The tenant that a scope lies in; refused when there is no such scope. */
export async function tenantOfScope(store: Store, scope: Scope): Promise<AdminVerdict<string>> {
  const tenantId = await FINDERS[scope.type](store, scope.id);
  if (tenantId !== undefined) return allow(tenantId);
  const sentence = `scope.id names no ${WORDS[scope.type]}: there is none ${scope.id}.`;
  return refuse("unprocessable", sentence, "/scope/id");
}

const FINDERS = {
  tenant: async (store, id) => (await store.get("tenants", id))?.id,
  project: async (store, id) => (await store.get("projects", id))?.tenantId,
  token: async (store, id) => (await store.get("tokens", id))?.tenantId,
} as const satisfies Record<ScopeType, (store: Store, id: string) => Promise<string | undefined>>;

/** The members of a row that a list of scoped things is filtered by. */
export function scopeWhere(filter: {
  readonly tenant_id?: string;
  readonly scope_type?: ScopeType;
  readonly scope_id?: string;
}) {
  return {
    tenantId: filter.tenant_id,
    scopeType: filter.scope_type,
    scopeId: filter.scope_id,
  };
}

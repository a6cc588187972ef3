/** Scopes that budgets and limits attach to, and those that one exchange and its attempts count in. */

export type ScopeType =
  | "token"
  | "end_user"
  | "project"
  | "tenant"
  | "route"
  | "provider"
  | "global";
/** Rates and slots are kept per scope of a tenant. */
export type LimitScopeType = "token" | "project" | "tenant";
export type ScopeRef = { readonly type: ScopeType; readonly id: string };

/** Who asks: an access token, perhaps in a project, always in a tenant, perhaps for an end user. */
export type ScopeChain = {
  readonly tokenId: string;
  readonly projectId: string | null;
  readonly tenantId: string;
  /** The client's own word for whom it asks; null when it does not say. */
  readonly endUserId: string | null;
};

/** Who asks for what no tenant asked for: ids that no tenant and no access token can have. */
export const HOUSE_SCOPES: ScopeChain = {
  tokenId: "shadow",
  projectId: null,
  tenantId: "house",
  endUserId: null,
};

/** Everything that an attempt's money counts in. */
export type AttemptScopes = ScopeChain & {
  /** null where the client named a provider's model directly. */
  readonly routeId: string | null;
  readonly providerId: string;
};

/** The id of the one scope that contains everything. */
export const GLOBAL_SCOPE_ID = "*";
/** An end user's budget with this id is a default for each of the tenant. */
export const EACH_END_USER = "*";

/** End users are known by their tenants' words, so theirs is the tenant's id and the word. */
export function endUserScopeId(tenantId: string, endUserId: string): string {
  return `${tenantId}/${endUserId}`;
}

/** From the narrowest to the widest; checks run in this order. */
export const SCOPE_TYPES: readonly ScopeType[] = [
  "token",
  "end_user",
  "project",
  "tenant",
  "route",
  "provider",
  "global",
];

/** The id of an attempt's scope of one type; null where it has none. */
export function scopeIdOf(scopes: AttemptScopes, type: ScopeType): string | null {
  switch (type) {
    case "end_user":
      return scopes.endUserId === null ? null : endUserScopeId(scopes.tenantId, scopes.endUserId);
    case "route":
      return scopes.routeId;
    case "provider":
      return scopes.providerId;
    case "global":
      return GLOBAL_SCOPE_ID;
    default:
      return limitScopeIdOf(scopes, type);
  }
}

/** The same of the scopes that rates and slots are kept for. */
export function limitScopeIdOf(chain: ScopeChain, type: LimitScopeType): string | null {
  if (type === "token") return chain.tokenId;
  return type === "project" ? chain.projectId : chain.tenantId;
}

export function isLimitScope(type: ScopeType): type is LimitScopeType {
  return type === "token" || type === "project" || type === "tenant";
}

/** The scopes of an attempt from the narrowest to the widest. */
export function scopesOf(scopes: AttemptScopes): readonly ScopeRef[] {
  const refs: ScopeRef[] = [];
  for (const type of SCOPE_TYPES) {
    const id = scopeIdOf(scopes, type);
    if (id !== null) refs.push({ type, id });
  }
  return refs;
}

/**
 * Whose set of budgets and limits one actor keeps: a tenant's with its projects and access tokens,
 * one end user's, or the one that spans all tenants (global, providers, routes).
 */
export type Owner =
  | { readonly type: "tenant"; readonly tenantId: string }
  | { readonly type: "end_user"; readonly tenantId: string; readonly endUserId: string }
  | { readonly type: "everyone" };

/** Distinct for distinct owners. */
export function ownerKey(owner: Owner): string {
  if (owner.type === "everyone") return GLOBAL_SCOPE_ID;
  return owner.type === "tenant" ? owner.tenantId : endUserScopeId(owner.tenantId, owner.endUserId);
}

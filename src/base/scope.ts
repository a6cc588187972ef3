/** Scopes that budgets and limits attach to, and the chain of them that one exchange runs under. */

export type ScopeType = "tenant" | "project" | "token";
export type ScopeRef = { readonly type: ScopeType; readonly id: string };

/** Who asks: an access token, perhaps in a project, always in a tenant. */
export type ScopeChain = {
  readonly tokenId: string;
  readonly projectId: string | null;
  readonly tenantId: string;
};

/** The scopes of a chain from the narrowest to the widest; checks run in this order. */
export function scopesOf(chain: ScopeChain): readonly ScopeRef[] {
  const token: ScopeRef = { type: "token", id: chain.tokenId };
  const tenant: ScopeRef = { type: "tenant", id: chain.tenantId };
  return chain.projectId === null
    ? [token, tenant]
    : [token, { type: "project", id: chain.projectId }, tenant];
}

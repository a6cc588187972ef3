/** Whose money an attempt counts in: the oracle's own reading of the scopes. */
import type { AttemptRow, ScopeKind } from "./oracle-types.ts";

/** As much of an attempt as says where it counts. */
type Where = Pick<
  AttemptRow,
  "tokenId" | "projectId" | "tenantId" | "endUserId" | "routeId" | "providerId"
>;

type Scope = {
  readonly scopeKind: ScopeKind;
  readonly scopeId: string;
  readonly tenantId: string | null;
};

/** An account for each end user of a tenant. */
const EACH = "*";

export function isInScope(row: Where, scope: Scope): boolean {
  const { scopeKind, scopeId, tenantId } = scope;
  switch (scopeKind) {
    case "token":
      return row.tokenId === scopeId;
    case "project":
      return row.projectId === scopeId;
    case "tenant":
      return row.tenantId === scopeId;
    case "end_user":
      return (
        row.tenantId === tenantId &&
        row.endUserId !== null &&
        [EACH, row.endUserId].includes(scopeId)
      );
    case "route":
      return row.routeId === scopeId;
    case "provider":
      return row.providerId === scopeId;
    default:
      return true;
  }
}

/** The account of a rule that an attempt counts in: of a rule for each end user, that user's. */
export function accountFor<T extends Scope>(
  terms: T,
  { endUserId }: { readonly endUserId: string | null },
): T {
  const isEach = terms.scopeKind === "end_user" && terms.scopeId === EACH && endUserId !== null;
  return isEach ? { ...terms, scopeId: endUserId } : terms;
}

/** The names under which the ledger keeps running sums of an attempt. */
export function sumNames(row: Where): string[] {
  const names = [
    `token ${row.tokenId}`,
    `tenant ${row.tenantId}`,
    `provider ${row.providerId}`,
    "global *",
  ];
  if (row.projectId !== null) names.push(`project ${row.projectId}`);
  if (row.routeId !== null) names.push(`route ${row.routeId}`);
  if (row.endUserId !== null) names.push(`end_user ${row.tenantId}/${row.endUserId}`);
  return names;
}

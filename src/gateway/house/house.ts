/**
 * Who asks where no client does: the house. Its attempts stand in the ledger like every other, under an id
 * that no tenant can have, so that budgets of everyone, of providers and of routes bound them and no tenant
 * pays for them.
 */
import { HOUSE_SCOPES } from "../../base/scope.ts";
import type { Principal } from "../exchange.ts";

export const HOUSE: Principal = {
  scopes: HOUSE_SCOPES,
  tenant: {
    id: HOUSE_SCOPES.tenantId,
    name: HOUSE_SCOPES.tenantId,
    status: "active",
    terms: {},
    metadata: {},
    version: 1,
    createdAtMs: 0,
  },
  token: {
    id: HOUSE_SCOPES.tokenId,
    tenantId: HOUSE_SCOPES.tenantId,
    projectId: null,
    name: HOUSE_SCOPES.tokenId,
    hash: "",
    previousHash: null,
    previousUntilMs: null,
    hint: "",
    expiresAtMs: null,
    maxRequests: null,
    allowedModels: null,
    terms: {},
    metadata: {},
    revokedAtMs: null,
    requestCount: 0,
    lastUsedAtMs: null,
    version: 1,
    createdAtMs: 0,
  },
};

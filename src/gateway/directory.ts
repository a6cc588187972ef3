/**
 * The directory: everything configured and every actor, one lookup away. The store is the record;
 * this is its working copy, built at start and following each committed write.
 */
import type { ProviderHealth } from "../../actors/contract.ts";
import { providerHealth } from "../../actors/provider.ts";
import { tenantBudgets, tenantLimits } from "../../actors/tenant.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { BudgetRow, ProviderRow, RouteRow, Store, TokenRow } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import { createConfigured, tenantConcerned } from "./configured.ts";
import type { DirectoryAdmin } from "./directory-contract.ts";
import type { Principal } from "./exchange.ts";
import { createProviderActors, type ProviderEntry } from "./provider-actors.ts";
import { resolveModel, type Resolved } from "./resolve.ts";
import { PASSIVATION_PERIOD_MS, TenantActors } from "./tenant-actors.ts";

export interface Directory extends DirectoryAdmin {
  readonly tenants: TenantActors;
  /** By the keyed hash of an access token; null when there is none. */
  readonly tokenByHash: (hash: string) => TokenRow | null;
  readonly principalOf: (token: TokenRow) => Principal;
  /** null when the tenant may not know of such a model. */
  readonly resolve: (tenantId: string, model: string) => Resolved | null;
  /** Routes that a tenant's access tokens may call by name. */
  readonly modelsOf: (tenantId: string) => readonly RouteRow[];
  readonly providers: () => Iterable<ProviderEntry>;
  readonly budget: (id: string) => BudgetRow | null;
  /** Counts a request of an access token, as the ledger does with its first hold. */
  readonly countRequest: (tokenId: string) => void;
  readonly stop: () => void;
}

export async function createDirectory(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The credential of a provider in plain text; null when it has none. */
  readonly unseal: (row: ProviderRow) => string | null;
}): Promise<Directory> {
  const { store, clock, log } = deps;
  const configured = createConfigured(await store.configuration());
  const { tables } = configured;
  const requestCounts = new Map(
    [...tables.tokens.values()].map((row) => [row.id, row.requestCount]),
  );
  const providers = createProviderActors(deps);
  for (const row of tables.providers.values()) providers.apply(row.id, row);
  const tenants = new TenantActors({ store, clock, log, rules: configured.rulesOf });
  const passivation = clock.every(PASSIVATION_PERIOD_MS, () => tenants.passivateIdle());

  const healthOf = (id: string): ProviderHealth => {
    const entry = providers.byId(id);
    assert(entry, `provider ${id} is not in the directory`);
    return providerHealth(entry.handle, clock.nowMs());
  };

  return {
    tenants,
    tokenByHash: configured.tokenByHash,
    principalOf: (token) => {
      const tenant = tables.tenants.get(token.tenantId);
      assert(tenant, `access token ${token.id} belongs to no tenant`);
      const { tenantId, projectId } = token;
      return { token, tenant, scopes: { tokenId: token.id, projectId, tenantId } };
    },
    resolve: (tenantId, model) =>
      resolveModel(configured, providers, tenantId, model, clock.nowMs()),
    modelsOf: configured.modelsOf,
    providers: providers.all,
    budget: (id) => tables.budgets.get(id) ?? null,
    changed: async (noun, id, row) => {
      const old = configured.apply(noun, id, row);
      if (noun === "providers") providers.apply(id, tables.providers.get(id) ?? null);
      if (noun === "tenants" && row === null) tenants.forget(id);
      const tenantId = tenantConcerned(noun, row ?? old);
      if (tenantId !== null && tables.tenants.has(tenantId)) await tenants.rebuild(tenantId);
    },
    budgetStates: async (tenantId) =>
      tables.tenants.has(tenantId)
        ? tenantBudgets(await tenants.ready(tenantId), clock.nowMs())
        : [],
    limitStates: async (tenantId) =>
      tables.tenants.has(tenantId)
        ? tenantLimits(await tenants.ready(tenantId), clock.nowMs())
        : [],
    providerHealth: healthOf,
    countRequest: (tokenId) => {
      requestCounts.set(tokenId, (requestCounts.get(tokenId) ?? 0) + 1);
    },
    requestCount: (tokenId) => requestCounts.get(tokenId) ?? 0,
    stop: () => {
      passivation.cancel();
      for (const [, handle] of tenants.loaded()) handle.stop();
      providers.stop();
    },
  };
}

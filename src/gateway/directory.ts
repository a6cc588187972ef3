/**
 * The directory: everything configured and every actor, one lookup away. The store is the record;
 * this is its working copy, built at start and following each committed write.
 */
import { tenantBudgets, tenantLimits } from "../../actors/tenant.ts";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { AttemptScopes } from "../base/scope.ts";
import type { Meter, Surface } from "../dialects/surfaces.ts";
import type {
  BudgetRow,
  ProviderRow,
  RouteRow,
  Store,
  TenantRow,
  TokenRow,
} from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { createAlerts } from "./alerts.ts";
import { createBudgetStates } from "./budget-states.ts";
import { followChanges } from "./changes.ts";
import { createExplain } from "./create-explain.ts";
import { createConfigured } from "./configured.ts";
import type { Presenter } from "./credentials/presenter.ts";
import type { DirectoryAdmin } from "./directory-contract.ts";
import type { Principal } from "./exchange.ts";
import { loadLearned } from "./learned.ts";
import { OwnerActors } from "./owner-actors.ts";
import { PASSIVATION_PERIOD_MS } from "./passivation.ts";
import {
  createProviderActors,
  entryHealth,
  laneStates,
  type ProviderEntry,
  type ProviderActors,
} from "./provider-actors.ts";
import { resolveModel, type Resolved } from "./resolve.ts";
import type { Watchdog } from "./watchdog.ts";
import { loadUnpricedModels, type UnpricedTarget } from "./unpriced.ts";

export interface Directory extends DirectoryAdmin {
  readonly owners: OwnerActors;
  /** By the keyed hash of an access token; null when there is none. */
  readonly tokenByHash: (hash: string) => TokenRow | null;
  readonly principalOf: (token: TokenRow) => Principal;
  /**
   * null when the tenant may not know of such a model. `meters`: of the surface; any unless it is said.
   * `isPinned`: where it goes is settled, so that it takes nobody's turn.
   */
  readonly resolve: (
    tenantId: string,
    model: string,
    meters?: readonly Meter[],
    isPinned?: boolean,
  ) => Resolved | null;
  /** Routes that a tenant's access tokens may call by name. */
  readonly modelsOf: (tenantId: string) => readonly RouteRow[];
  readonly providers: () => Iterable<ProviderEntry>;
  /** null: it was removed. */
  readonly provider: (id: string) => ProviderEntry | null;
  readonly budget: (id: string) => BudgetRow | null;
  /** Does a budget that can refuse apply to an attempt? */
  readonly isBounded: (scopes: AttemptScopes) => boolean;
  /** Has any end user of the tenant's a budget? */
  readonly hasEndUserBudgets: (tenantId: string) => boolean;
  /** Counts a request of an access token, as the ledger does with its first hold. */
  readonly countRequest: (tokenId: string) => void;
  /** Counts a request for models that nobody has a price of. */
  readonly countUnpriced: (targets: readonly UnpricedTarget[], surface: Surface) => void;
  /** Stops every actor; resolves when what they have learned is written. */
  readonly stop: () => Promise<void>;
}

export type DirectoryParts = {
  readonly watchdog: Watchdog;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "budgetAlerted">;
  /** A credential in plain text; throws for one that is damaged or of another provider. */
  readonly unseal: (sealed: string, providerId: string) => string;
  /** What presents a credential; throws for one of another kind than the provider's. */
  readonly present: (row: ProviderRow, credential: string) => Presenter;
};

export async function createDirectory(parts: DirectoryParts): Promise<Directory> {
  const { store, clock, log, metrics, unseal, present, watchdog } = parts;
  const configured = createConfigured(await store.configuration());
  const { tables, budgets } = configured;
  const requestCounts = countsOf(tables.tokens.values());
  const tenantOf = (tokenId: string): string | null => tables.tokens.get(tokenId)?.tenantId ?? null;
  const learned = await loadLearned({ store, clock, log, tenantOf });
  const unpriced = await loadUnpricedModels({ store, clock, log });
  const alerts = createAlerts({ store, log, metrics });
  const providers = createProviderActors({ clock, log, unseal, present, learned, watchdog });
  for (const row of tables.providers.values()) providers.apply(row.id, row);
  const owners = new OwnerActors({ store, clock, log, configured, alerts, learned });
  const timers = [
    clock.every(PASSIVATION_PERIOD_MS, () => owners.passivateIdle()),
    clock.every(LIMITS.sideWriteMs, () => void writeAside()),
  ];

  /** What requests never wait for. */
  async function writeAside(): Promise<void> {
    alerts.retry();
    await Promise.all([learned.save(), unpriced.save()]);
  }

  const tenantHandle = (tenantId: string) => owners.ready({ type: "tenant", tenantId });
  return {
    owners,
    tokenByHash: configured.tokenByHash,
    principalOf: (token) => principalOf(token, tables.tenants.get(token.tenantId)),
    resolve: (tenantId, model, meters = [], isPinned = false) =>
      resolveModel(configured, providers, { tenantId, model, meters, isPinned }, clock.nowMs()),
    modelsOf: configured.modelsOf,
    providers: providers.all,
    provider: providers.byId,
    budget: (id) => tables.budgets.get(id) ?? null,
    isBounded: budgets.isBounded,
    hasEndUserBudgets: budgets.hasEndUsers,
    changed: followChanges({ configured, providers, owners }),
    budgetState: createBudgetStates({ store, clock, owners, budgets }),
    budgetStates: async (tenantId) =>
      tables.tenants.has(tenantId)
        ? tenantBudgets(await tenantHandle(tenantId), clock.nowMs())
        : [],
    limitStates: async (tenantId) =>
      tables.tenants.has(tenantId) ? tenantLimits(await tenantHandle(tenantId), clock.nowMs()) : [],
    providerHealth: (id) => entryHealth(entryOf(providers, id), clock.nowMs()),
    providerLanes: (id) => laneStates(entryOf(providers, id), clock.nowMs()),
    explain: createExplain({ clock, configured, providers, owners }),
    countRequest: (tokenId) => {
      requestCounts.set(tokenId, (requestCounts.get(tokenId) ?? 0) + 1);
    },
    requestCount: (tokenId) => requestCounts.get(tokenId) ?? 0,
    countUnpriced: (targets, surface) => {
      for (const target of targets) unpriced.note(target, surface);
    },
    stop: async () => {
      for (const timer of timers) timer.cancel();
      owners.stop();
      providers.stop();
      await writeAside();
    },
  };
}

function principalOf(token: TokenRow, tenant: TenantRow | undefined): Principal {
  assert(tenant, `access token ${token.id} belongs to no tenant`);
  const { tenantId, projectId } = token;
  return { token, tenant, scopes: { tokenId: token.id, projectId, tenantId, endUserId: null } };
}

function entryOf(providers: ProviderActors, id: string): ProviderEntry {
  const entry = providers.byId(id);
  assert(entry, "there is no such provider in the directory");
  return entry;
}

/** Requests of each access token, as they were when the process started. */
function countsOf(tokens: Iterable<TokenRow>): Map<string, number> {
  return new Map([...tokens].map(({ id, requestCount }) => [id, requestCount]));
}

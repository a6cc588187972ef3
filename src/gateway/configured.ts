/**
 * Everything configured, in memory, with the indexes that the request path looks things up by. It
 * follows committed writes one by one and never writes itself.
 */
import type { BudgetRule, LimitRule } from "../../actors/contract.ts";
import type {
  BudgetRow,
  Configuration,
  LimitRow,
  Noun,
  PriceRow,
  RouteRow,
  Rows,
  TokenRow,
} from "../store/contract.ts";
import type { TenantRules } from "./tenant-input.ts";

type Tables = { readonly [N in Noun]: Map<string, Rows[N]> };

export interface Configured {
  readonly tables: Tables;
  /** Takes a committed write; answers with what was there before. */
  readonly apply: <N extends Noun>(noun: N, id: string, row: Rows[N] | null) => Rows[N] | null;
  readonly tokenByHash: (hash: string) => TokenRow | null;
  /** A tenant's own route for a model, else the one for all tenants. */
  readonly routeFor: (tenantId: string, model: string) => RouteRow | null;
  readonly priceFor: (providerId: string, model: string) => PriceRow | null;
  readonly rulesOf: (tenantId: string) => TenantRules | null;
  readonly modelsOf: (tenantId: string) => readonly RouteRow[];
}

/** An index over one noun: told of every change. */
type Indexers = {
  readonly [N in Noun]: (row: Rows[N] | null, old: Rows[N] | null) => void;
};

export function createConfigured(configuration: Configuration): Configured {
  const tables: Tables = {
    tenants: byId(configuration.tenants),
    projects: byId(configuration.projects),
    tokens: byId(configuration.tokens),
    providers: byId(configuration.providers),
    routes: byId(configuration.routes),
    prices: byId(configuration.prices),
    budgets: byId(configuration.budgets),
    limits: byId(configuration.limits),
  };
  const tokensByHash = new Map<string, TokenRow>();
  const routesByModel = new Map<string, RouteRow>();
  const pricesByModel = new Map<string, PriceRow>();
  const indexers: Indexers = {
    tenants: notIndexed,
    projects: notIndexed,
    providers: notIndexed,
    budgets: notIndexed,
    limits: notIndexed,
    tokens: (row, old) => {
      for (const hash of hashesOf(old)) tokensByHash.delete(hash);
      for (const hash of hashesOf(row)) if (row !== null) tokensByHash.set(hash, row);
    },
    routes: (row, old) => {
      if (old !== null) routesByModel.delete(pairKey(old.tenantId, old.model));
      if (row !== null) routesByModel.set(pairKey(row.tenantId, row.model), row);
    },
    prices: (row, old) => {
      if (old !== null) pricesByModel.delete(pairKey(old.providerId, old.model));
      if (row !== null) pricesByModel.set(pairKey(row.providerId, row.model), row);
    },
  };
  for (const row of tables.tokens.values()) indexers.tokens(row, null);
  for (const row of tables.routes.values()) indexers.routes(row, null);
  for (const row of tables.prices.values()) indexers.prices(row, null);

  return {
    tables,
    apply: (noun, id, row) => {
      const old = tables[noun].get(id) ?? null;
      if (row === null) tables[noun].delete(id);
      else tables[noun].set(id, row);
      indexers[noun](row, old);
      return old;
    },
    tokenByHash: (hash) => tokensByHash.get(hash) ?? null,
    routeFor: (tenantId, model) =>
      routesByModel.get(pairKey(tenantId, model)) ??
      routesByModel.get(pairKey(null, model)) ??
      null,
    priceFor: (providerId, model) => pricesByModel.get(pairKey(providerId, model)) ?? null,
    rulesOf: (tenantId) => rulesOf(tables, tenantId),
    modelsOf: (tenantId) =>
      [...tables.routes.values()].filter(
        (route) => route.tenantId === null || route.tenantId === tenantId,
      ),
  };
}

/** The tenant whose actor a row bears on; null when it bears on none. */
export function tenantConcerned<N extends Noun>(noun: N, row: Rows[N] | null): string | null {
  if (row === null) return null;
  if (noun === "tenants") return row.id;
  const concerns = noun === "budgets" || noun === "limits" || noun === "tokens";
  return concerns && "tenantId" in row ? row.tenantId : null;
}

/** For nouns that are only ever found by their id. */
function notIndexed(): void {
  // Nothing to follow.
}

function rulesOf(tables: Tables, tenantId: string): TenantRules | null {
  const tenant = tables.tenants.get(tenantId);
  if (tenant === undefined) return null;
  const requestsMax = new Map<string, number>();
  for (const token of tables.tokens.values()) {
    if (token.tenantId === tenantId && token.maxRequests !== null) {
      requestsMax.set(token.id, token.maxRequests);
    }
  }
  return {
    status: tenant.status,
    budgets: ofTenant(tables.budgets, tenantId).map(budgetRule),
    limits: ofTenant(tables.limits, tenantId).map(limitRule),
    requestsMax,
  };
}

function budgetRule(row: BudgetRow): BudgetRule {
  return {
    id: row.id,
    scope: { type: row.scopeType, id: row.scopeId },
    amountNanoUsd: row.amountNanoUsd,
    window: row.window,
    timeZone: row.timeZone,
    mode: row.mode,
  };
}

function limitRule(row: LimitRow): LimitRule {
  return {
    id: row.id,
    scope: { type: row.scopeType, id: row.scopeId },
    requestsPerMinute: row.requestsPerMinute,
    tokensPerMinute: row.tokensPerMinute,
    maxConcurrent: row.maxConcurrent,
    burst: row.burst,
  };
}

function ofTenant<R extends { readonly tenantId: string }>(
  table: ReadonlyMap<string, R>,
  tenantId: string,
): R[] {
  return [...table.values()].filter((row) => row.tenantId === tenantId);
}

function byId<R extends { readonly id: string }>(rows: readonly R[]): Map<string, R> {
  return new Map(rows.map((row) => [row.id, row]));
}

function hashesOf(row: TokenRow | null): string[] {
  if (row === null) return [];
  return row.previousHash === null ? [row.hash] : [row.hash, row.previousHash];
}

/** Ids hold no line feed, so that two different pairs never share a key. */
function pairKey(first: string | null, second: string): string {
  return `${first ?? ""}\n${second}`;
}

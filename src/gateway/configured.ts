/**
 * Everything configured, in memory, with the indexes that the request path looks things up by. It
 * follows committed writes one by one and never writes itself.
 */
import type { LimitRule } from "../../actors/contract.ts";
import type { Owner } from "../base/scope.ts";
import type {
  Configuration,
  LimitRow,
  Noun,
  PriceRow,
  RouteRow,
  Rows,
  TokenRow,
} from "../store/contract.ts";
import { createOwnerBudgets, type OwnerBudgets } from "./owner-budgets.ts";
import type { OwnerRules } from "./owner-input.ts";

type Tables = { readonly [N in Noun]: Map<string, Rows[N]> };

export interface Configured {
  readonly tables: Tables;
  /** Takes a committed write; answers with what was there before. */
  readonly apply: <N extends Noun>(noun: N, id: string, row: Rows[N] | null) => Rows[N] | null;
  readonly tokenByHash: (hash: string) => TokenRow | null;
  /** A tenant's own route for a model, else the one for all tenants. */
  readonly routeFor: (tenantId: string, model: string) => RouteRow | null;
  readonly priceFor: (providerId: string, model: string) => PriceRow | null;
  readonly budgets: OwnerBudgets;
  /** null when the owner's tenant does not exist (any more). */
  readonly rulesOf: (owner: Owner) => OwnerRules | null;
  /** False: there is nothing to ask this owner. */
  readonly hasRules: (owner: Owner) => boolean;
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
    credits: byId(configuration.credits),
  };
  const budgets = createOwnerBudgets(configuration.budgets, configuration.credits);
  const tokensByHash = new Map<string, TokenRow>();
  const routesByModel = new Map<string, RouteRow>();
  const pricesByModel = new Map<string, PriceRow>();
  const indexers: Indexers = {
    tenants: notIndexed,
    projects: notIndexed,
    providers: notIndexed,
    budgets: budgets.budget,
    credits: budgets.credit,
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
    budgets,
    rulesOf: (owner) => rulesOf(tables, budgets, owner),
    hasRules: (owner) => hasRules(tables, budgets, owner),
    modelsOf: (tenantId) =>
      [...tables.routes.values()].filter(
        (route) => route.tenantId === null || route.tenantId === tenantId,
      ),
  };
}

/** For nouns that are only ever found by their id. */
function notIndexed(): void {
  // Nothing to follow.
}

function rulesOf(tables: Tables, budgets: OwnerBudgets, owner: Owner): OwnerRules | null {
  const ofBudgets = { budgets: budgets.rulesOf(owner), limits: [], requestsMax: new Map() };
  if (owner.type === "everyone") return { status: "active", ...ofBudgets };
  const { tenantId } = owner;
  const tenant = tables.tenants.get(tenantId);
  if (tenant === undefined) return null;
  // Whether the tenant is suspended is its own actor's to say, and that one is asked first.
  if (owner.type === "end_user") return { status: "active", ...ofBudgets };
  const requestsMax = new Map<string, number>();
  for (const token of tables.tokens.values()) {
    if (token.tenantId === tenantId && token.maxRequests !== null) {
      requestsMax.set(token.id, token.maxRequests);
    }
  }
  const limits = [...tables.limits.values()].filter((row) => row.tenantId === tenantId);
  return { ...ofBudgets, status: tenant.status, limits: limits.map(limitRule), requestsMax };
}

function hasRules(tables: Tables, budgets: OwnerBudgets, owner: Owner): boolean {
  if (owner.type === "everyone") return budgets.hasEveryone();
  const { tenantId } = owner;
  if (owner.type === "tenant") return tables.tenants.has(tenantId);
  return tables.tenants.has(tenantId) && budgets.hasEndUser(tenantId, owner.endUserId);
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

/**
 * Model name → what may serve it: a route's enabled and priced targets in the operator's order, or
 * one direct target `provider-name/upstream-model`; each as often as its provider has lanes for it.
 */
import type { RouteRow } from "../store/contract.ts";
import type { Configured } from "./configured.ts";
import { FREE_PRICE, type ModelPrice, pricesAny } from "./prices/price.ts";
import { effectivePrice } from "./prices/resolve.ts";
import type { Meter } from "../dialects/surfaces.ts";
import { withoutScript } from "./prices/simulated.ts";
import type { UnpricedTarget } from "./unpriced.ts";
import type { Lane } from "./lanes.ts";
import type { ProviderActors, ProviderEntry } from "./provider-actors.ts";

export type RouteTarget = RouteRow["targets"][number];
export type RouteTerms = RouteRow["terms"];
export type StrategyName = RouteRow["strategy"];

/** A way into a provider and an upstream model that may serve, with the price in force. */
export type Candidate = {
  readonly provider: ProviderEntry;
  readonly lane: Lane;
  /** The route's target; null where the client named the provider's model directly. */
  readonly target: RouteTarget | null;
  readonly model: string;
  readonly price: ModelPrice;
};

/** Candidates for after a refusal, by what the provider refused for; best first. */
export type Fallbacks = Readonly<Record<"context_window" | "content_filter", readonly Candidate[]>>;

export type Resolved = {
  /** The name that the client used. */
  readonly route: string;
  /** null where it names a provider's model directly. */
  readonly routeId: string | null;
  readonly strategy: StrategyName;
  /** How the route serves; of a direct target with every default. */
  readonly terms: RouteTerms;
  /** Of targets that serve; the lanes of a target stand together. */
  readonly candidates: readonly Candidate[];
  readonly fallbacks: Fallbacks;
  /** Of targets that get copies of requests. */
  readonly shadows: readonly Candidate[];
  /** Priced serving targets of disabled providers: they serve nothing, but tell what a request would ask. */
  readonly disabled: readonly Candidate[];
  /** Enabled serving targets left out because no price is known for them. */
  readonly unpriced: readonly UnpricedTarget[];
};

/** What a name stands for, before prices and lanes. */
type Named = {
  readonly provider: ProviderEntry | null;
  readonly target: RouteTarget | null;
  readonly model: string;
};

/** What somebody asks for by a model's name. */
export type ModelAsked = {
  readonly tenantId: string;
  readonly model: string;
  /** Of the surface: what is free needs no price. Empty: of any. */
  readonly meters: readonly Meter[];
  /** Where the request goes is settled: it takes nobody's turn among the credentials. */
  readonly isPinned: boolean;
};

/** null when the tenant may not know of such a model. */
export function resolveModel(
  configured: Configured,
  providers: ProviderActors,
  { tenantId, model, meters, isPinned }: ModelAsked,
  atMs: number,
): Resolved | null {
  const route = configured.routeFor(tenantId, model);
  const named = route === null ? directTarget(providers, model) : routeTargets(providers, route);
  if (named === null) return null;
  const { id: routeId = null, strategy = "priority", terms = {} } = route ?? {};
  const priceOf = pricesAt(configured, meters, atMs);
  const lanesOf = (entry: ProviderEntry) => (isPinned ? entry.lanesNow : entry.lanesFor);
  const places = placesOf(named, lanesOf, priceOf);
  return { route: model, routeId, strategy, terms, ...places };
}

/** A route as it would serve; nothing takes its turn. */
export function lookAtRoute(
  configured: Configured,
  providers: ProviderActors,
  route: RouteRow,
  meters: readonly Meter[],
  atMs: number,
): Resolved {
  const { id: routeId, model, strategy, terms } = route;
  const named = routeTargets(providers, route);
  const places = placesOf(named, ({ lanesNow }) => lanesNow, pricesAt(configured, meters, atMs));
  return { route: model, routeId, strategy, terms, ...places };
}

type PriceOf = (provider: ProviderEntry, model: string) => ModelPrice | null;

/**
 * A price counts only where it is one of what is given: a model that reads aloud has none per picture. What
 * is free at most providers is so where nobody has said what it costs.
 */
function pricesAt(configured: Configured, meters: readonly Meter[], atMs: number): PriceOf {
  const isFree = meters.includes("free");
  const paid = isFree ? meters.filter((meter) => meter !== "free") : meters;
  if (isFree && paid.length === 0) return () => FREE_PRICE;
  return ({ row }, model) => {
    const operatorPrice = configured.priceFor(row.id, withoutScript(model));
    const price = effectivePrice(row, model, operatorPrice, atMs);
    const isMeant = price !== null && (meters.length === 0 || pricesAny(price, paid));
    if (isMeant) return price;
    return isFree ? FREE_PRICE : null;
  };
}

function placesOf(
  named: readonly Named[],
  lanesOf: (provider: ProviderEntry) => ProviderEntry["lanesFor"],
  priceOf: PriceOf,
): Places {
  const places = createPlaces();
  for (const { provider, target, model: upstreamModel } of named) {
    if (provider === null) continue;
    const price = priceOf(provider, upstreamModel);
    if (price !== null) {
      const place = placeFor(places, provider, target);
      for (const lane of lanesOf(provider)(upstreamModel)) {
        place?.push({ provider, lane, target, model: upstreamModel, price });
      }
    } else if (provider.row.enabled && target?.use === undefined) {
      places.unpriced.push({ providerId: provider.row.id, model: withoutScript(upstreamModel) });
    }
  }
  return places;
}

/** Where candidates are gathered. */
type Places = {
  readonly candidates: Candidate[];
  readonly fallbacks: Readonly<Record<keyof Fallbacks, Candidate[]>>;
  readonly shadows: Candidate[];
  readonly disabled: Candidate[];
  readonly unpriced: UnpricedTarget[];
};

function createPlaces(): Places {
  return {
    candidates: [],
    fallbacks: { context_window: [], content_filter: [] },
    shadows: [],
    disabled: [],
    unpriced: [],
  };
}

/** null: nobody needs to know of it. */
function placeFor(
  { candidates, fallbacks, shadows, disabled }: Places,
  { row: { enabled } }: ProviderEntry,
  target: RouteTarget | null,
): Candidate[] | null {
  const use = target?.use;
  if (use === undefined) return enabled ? candidates : disabled;
  if (!enabled) return null;
  return use === "shadow" ? shadows : fallbacks[use];
}

/** Stable: targets of one priority keep the order in which the operator listed them. */
function routeTargets(providers: ProviderActors, { targets }: RouteRow): readonly Named[] {
  return targets
    .toSorted((first, second) => first.priority - second.priority)
    .map((target) => ({
      provider: providers.byId(target.providerId),
      target,
      model: target.model,
    }));
}

function directTarget(providers: ProviderActors, model: string): readonly Named[] | null {
  const slash = model.indexOf("/");
  const provider = slash > 0 ? providers.byName(model.slice(0, slash)) : null;
  const upstreamModel = model.slice(slash + 1);
  if (provider === null || !provider.row.enabled || upstreamModel === "") return null;
  return [{ provider, target: null, model: upstreamModel }];
}

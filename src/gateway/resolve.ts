/**
 * Model name → what may serve it: a route's enabled and priced targets in the operator's order, or
 * one direct target `provider-name/upstream-model`; each as often as its provider has lanes for it.
 */
import type { RouteRow } from "../store/contract.ts";
import type { Configured } from "./configured.ts";
import type { ModelPrice } from "./prices/price.ts";
import { effectivePrice } from "./prices/resolve.ts";
import { withoutScript } from "./prices/simulated.ts";
import type { UnpricedTarget } from "./unpriced.ts";
import type { Lane, ProviderActors, ProviderEntry } from "./provider-actors.ts";

export type RouteTarget = RouteRow["targets"][number];
export type RouteTerms = RouteRow["terms"];

/** A way into a provider and an upstream model that may serve, with the price in force. */
export type Candidate = {
  readonly provider: ProviderEntry;
  readonly lane: Lane;
  /** The route's target; null where the client named the provider's model directly. */
  readonly target: RouteTarget | null;
  readonly model: string;
  readonly price: ModelPrice;
};

export type Resolved = {
  /** The name that the client used. */
  readonly route: string;
  /** null where it names a provider's model directly. */
  readonly routeId: string | null;
  /** How the route serves; of a direct target with every default. */
  readonly terms: RouteTerms;
  readonly candidates: readonly Candidate[];
  /** Priced targets of disabled providers: they serve nothing, but tell what a request would ask. */
  readonly disabled: readonly Candidate[];
  /** Enabled targets left out because no price is known for them. */
  readonly unpriced: readonly UnpricedTarget[];
};

/** What a name stands for, before prices and lanes. */
type Named = {
  readonly provider: ProviderEntry | null;
  readonly target: RouteTarget | null;
  readonly model: string;
};

/** null when the tenant may not know of such a model. */
export function resolveModel(
  configured: Configured,
  providers: ProviderActors,
  tenantId: string,
  model: string,
  atMs: number,
): Resolved | null {
  const route = configured.routeFor(tenantId, model);
  const named = route === null ? directTarget(providers, model) : routeTargets(providers, route);
  if (named === null) return null;
  const candidates: Candidate[] = [];
  const disabled: Candidate[] = [];
  const unpriced: UnpricedTarget[] = [];
  for (const { provider, target, model: upstreamModel } of named) {
    if (provider === null) continue;
    const operatorPrice = configured.priceFor(provider.row.id, withoutScript(upstreamModel));
    const price = effectivePrice(provider.row, upstreamModel, operatorPrice, atMs);
    if (price !== null) {
      for (const lane of provider.lanesFor(upstreamModel)) {
        const priced = { provider, lane, target, model: upstreamModel, price };
        (provider.row.enabled ? candidates : disabled).push(priced);
      }
    } else if (provider.row.enabled) {
      unpriced.push({ providerId: provider.row.id, model: withoutScript(upstreamModel) });
    }
  }
  const terms = route?.terms ?? {};
  return { route: model, routeId: route?.id ?? null, terms, candidates, disabled, unpriced };
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

/**
 * Model name → what may serve it: a route's enabled and priced targets in the operator's order, or
 * one direct target `provider-name/upstream-model`.
 */
import type { Configured } from "./configured.ts";
import type { ModelPrice } from "./prices/price.ts";
import { effectivePrice } from "./prices/resolve.ts";
import { withoutScript } from "./prices/simulated.ts";
import type { UnpricedTarget } from "./unpriced.ts";
import type { ProviderActors, ProviderEntry } from "./provider-actors.ts";

/** A provider and an upstream model that may serve, with the price in force. */
export type Candidate = {
  readonly provider: ProviderEntry;
  readonly model: string;
  readonly price: ModelPrice;
};

export type Resolved = {
  /** The name that the client used. */
  readonly route: string;
  /** null where it names a provider's model directly. */
  readonly routeId: string | null;
  readonly candidates: readonly Candidate[];
  /** Priced targets of disabled providers: they serve nothing, but tell what a request would ask. */
  readonly disabled: readonly Candidate[];
  /** Enabled targets left out because no price is known for them. */
  readonly unpriced: readonly UnpricedTarget[];
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
  const targets =
    route === null
      ? directTarget(providers, model)
      : // Stable: targets of one priority keep the order in which the operator listed them.
        route.targets
          .toSorted((first, second) => first.priority - second.priority)
          .map((target) => ({ provider: providers.byId(target.providerId), model: target.model }));
  if (targets === null) return null;
  const candidates: Candidate[] = [];
  const disabled: Candidate[] = [];
  const unpriced: UnpricedTarget[] = [];
  for (const { provider, model: upstreamModel } of targets) {
    if (provider === null) continue;
    const operatorPrice = configured.priceFor(provider.row.id, withoutScript(upstreamModel));
    const price = effectivePrice(provider.row, upstreamModel, operatorPrice, atMs);
    if (price !== null) {
      const priced = { provider, model: upstreamModel, price };
      (provider.row.enabled ? candidates : disabled).push(priced);
    } else if (provider.row.enabled) {
      unpriced.push({ providerId: provider.row.id, model: withoutScript(upstreamModel) });
    }
  }
  return { route: model, routeId: route?.id ?? null, candidates, disabled, unpriced };
}

function directTarget(
  providers: ProviderActors,
  model: string,
): readonly { readonly provider: ProviderEntry; readonly model: string }[] | null {
  const slash = model.indexOf("/");
  const provider = slash > 0 ? providers.byName(model.slice(0, slash)) : null;
  const upstreamModel = model.slice(slash + 1);
  if (provider === null || !provider.row.enabled || upstreamModel === "") return null;
  return [{ provider, model: upstreamModel }];
}

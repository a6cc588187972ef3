/** Gathers what the explanation of a request looks at: the route and who asks, as they are now. */
import type { Clock } from "../base/clock.ts";
import { metersOf } from "../dialects/surfaces.ts";
import { explain } from "./choose/explain.ts";
import { surfaceAsked } from "./choose/explained-surface.ts";
import type { Configured } from "./configured.ts";
import type { DirectoryAdmin } from "./directory-contract.ts";
import type { OwnerActors } from "./owner-actors.ts";
import type { ProviderActors } from "./provider-actors.ts";
import { lookAtRoute } from "./resolve.ts";

export function createExplain(parts: {
  readonly clock: Clock;
  readonly configured: Configured;
  readonly providers: ProviderActors;
  readonly owners: OwnerActors;
}): DirectoryAdmin["explain"] {
  const { clock, configured, providers, owners } = parts;
  const { tables } = configured;
  return async (asked) => {
    const { tenantId, routeId } = asked;
    const handle = tenantId === null ? null : await owners.ready({ type: "tenant", tenantId });
    const route = tables.routes.get(routeId);
    if (route === undefined) return null;
    const surface = surfaceAsked(asked);
    if (!surface.allowed) return surface;
    const atMs = clock.nowMs();
    const meters = metersOf(surface.value);
    return explain(asked, {
      route,
      surface: surface.value,
      resolved: lookAtRoute(configured, providers, route, meters, atMs),
      tenant: tenantId === null ? null : (tables.tenants.get(tenantId) ?? null),
      handle,
      providerNamed: (id) => providers.byId(id)?.row ?? { name: id, enabled: false },
      atMs,
    });
  };
}

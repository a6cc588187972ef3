/**
 * How a route would serve a request: which candidates are considered, in which order, and why each is
 * taken or left. Nothing is sent, held, counted or changed.
 */
import { formatTime } from "../base/clock.ts";
import { formatUsd } from "../base/units.ts";
import type { Store } from "../store/contract.ts";
import type { AdminDeps, Explained } from "./deps.ts";
import { rounded } from "./provider-health.ts";
import { type AdminRefused, type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { RouteExplainInput, RouteExplanation } from "./shapes/route-explain.ts";

export type Explain = (
  routeId: string,
  input: RouteExplainInput,
) => Promise<AdminVerdict<RouteExplanation>>;

export function createExplain({ store, directory }: AdminDeps): Explain {
  return async (routeId, { headers = {}, request, surface = null, ...who }) => {
    const route = await store.get("routes", routeId);
    if (route === null) return noRoute(routeId);
    const asks = await whoAsks(store, who, route.tenantId);
    if (!asks.allowed) return asks;
    const ask = { ...asks.value, routeId, headers, surface, body: request };
    const explained = await directory.explain(ask);
    if (explained === null) return noRoute(routeId);
    if (!explained.allowed) {
      const { message, param = null } = explained.refusal;
      return refuse("invalid_request", message, pointerOf(param));
    }
    return allow(show(explained.value));
  };
}

function noRoute(id: string): AdminRefused {
  return refuse("not_found", `There is no route ${id}.`);
}

type Asks = { readonly tenantId: string | null; readonly tokenId: string | null };

/** The access token's tenant, or the tenant; without either the one that the route belongs to. */
async function whoAsks(
  store: Store,
  { tenant_id: tenantId, token_id: tokenId }: Pick<RouteExplainInput, "tenant_id" | "token_id">,
  routesTenantId: string | null,
): Promise<AdminVerdict<Asks>> {
  if (tenantId !== undefined && tokenId !== undefined) {
    return refuse("invalid_request", "tenant_id and token_id exclude each other.", "/tenant_id");
  }
  const asks = await asked(store, tenantId, tokenId, routesTenantId);
  if (!asks.allowed || routesTenantId === null) return asks;
  if (asks.value.tenantId === routesTenantId) return asks;
  const param = tokenId === undefined ? "/tenant_id" : "/token_id";
  return refuse("unprocessable", "The route is another tenant's.", param);
}

async function asked(
  store: Store,
  tenantId: string | undefined,
  tokenId: string | undefined,
  routesTenantId: string | null,
): Promise<AdminVerdict<Asks>> {
  if (tokenId !== undefined) {
    const token = await store.get("tokens", tokenId);
    return token === null
      ? refuse("unprocessable", `There is no access token ${tokenId}.`, "/token_id")
      : allow({ tenantId: token.tenantId, tokenId });
  }
  if (tenantId === undefined) return allow({ tenantId: routesTenantId, tokenId: null });
  const tenant = await store.get("tenants", tenantId);
  return tenant === null
    ? refuse("unprocessable", `There is no tenant ${tenantId}.`, "/tenant_id")
    : allow({ tenantId, tokenId: null });
}

/**
 * `messages[0]` of the body is `/request/messages/0` here; a header's name stands below `/headers`. No body
 * is refused for a member `surface`.
 */
function pointerOf(param: string | null): string {
  if (param === null) return "/request";
  if (param === "surface") return "/surface";
  if (param.startsWith("x-tollgate-")) return `/headers/${param}`;
  return `/request/${param.replaceAll(/[[.]/g, "/").replaceAll("]", "")}`;
}

function show({ strategy, isSticky, candidates }: Explained): RouteExplanation {
  return {
    strategy,
    sticky: isSticky === null ? null : { found: isSticky },
    candidates: candidates.map(({ score, availableAtMs, ...candidate }) => ({
      ...candidate,
      score:
        score === null
          ? null
          : {
              first_token_ms: rounded(score.firstTokenMs, 1),
              failure_share: rounded(score.failureShare, 1_000),
              cost_usd: formatUsd(score.costNanoUsd),
              in_flight: score.inFlight,
              weight: score.weight,
            },
      available_at: availableAtMs === null ? null : formatTime(availableAtMs),
    })),
  };
}

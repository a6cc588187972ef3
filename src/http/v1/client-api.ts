/**
 * The client API as routes, mounted from the table of surfaces. `parse: "none"` and no hooks: Elysia
 * hands the request over untouched and passes the Response through. Paths that do not exist answer in
 * the dialect too.
 */
import { Elysia } from "elysia";
import type { Place } from "../../dialects/contract.ts";
import { type Surface, SURFACES } from "../../dialects/surfaces.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { exchangeRoute } from "./exchange-route.ts";
import { modelRoute, modelsRoute, unknownRoute } from "./models-route.ts";
import { modelDetail, modelsDetail, SURFACE_DETAILS } from "./operations.ts";

const untouched = { parse: "none" } as const;

export function clientApi(gateway: Gateway) {
  const app = new Elysia({ name: "client-api" });
  for (const [surface, path] of mounts()) {
    app.route(
      SURFACES[surface].method,
      path.replace("{id}", ":id"),
      ({ request, server, params }) =>
        exchangeRoute(gateway, surface, namedBy(params), request, server),
      { ...untouched, detail: SURFACE_DETAILS[surface] },
    );
  }
  return app
    .get("/v1/models", ({ request }) => modelsRoute(gateway, request), { detail: modelsDetail })
    .get("/v1/models/*", ({ request }) => modelRoute(gateway, request), { detail: modelDetail })
    .all("/v1/*", ({ request }) => unknownRoute(gateway, request), {
      ...untouched,
      detail: { hide: true },
    });
}

/** What a path names beside its surface. Elysia gives no parameters at all to a path that has none. */
function namedBy(params: Readonly<Record<string, string>> | undefined): Omit<Place, "query"> {
  const id = params?.["id"];
  return id === undefined ? NOTHING : { model: null, objectId: id };
}

const NOTHING = { model: null };

/** Every path of every surface. */
function mounts(): [Surface, string][] {
  const surfaces = Object.keys(SURFACES) as Surface[];
  return surfaces.flatMap((surface) =>
    SURFACES[surface].paths.map((path): [Surface, string] => [surface, path]),
  );
}

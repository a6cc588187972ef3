/**
 * The client API as routes, mounted from the table of surfaces. `parse: "none"` and no hooks: Elysia
 * hands the request over untouched and passes the Response through. Paths that do not exist answer in
 * the dialect too.
 */
import { Elysia } from "elysia";
import type { Place } from "../../dialects/contract.ts";
import { type Surface, SURFACES } from "../../dialects/surfaces.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { batchListDetail } from "./batch-operations.ts";
import { exchangeRoute } from "./exchange-route.ts";
import { fileListDetail } from "./file-operations.ts";
import { keptRoute } from "./kept-route.ts";
import { languageOf, modelRoute, modelsRoute, unknownRoute, urlOf } from "./models-route.ts";
import { MODEL_MOUNTS, methodAt, PATH_MOUNTS } from "./mounts.ts";
import { googleModelDetail, googleModelsDetail } from "./google-operations.ts";
import { modelDetail, modelsDetail, SURFACE_DETAILS } from "./operations.ts";

const untouched = { parse: "none" } as const;

export function clientApi(gateway: Gateway) {
  const app = new Elysia({ name: "client-api" });
  for (const { path, surface } of PATH_MOUNTS) {
    app.route(
      SURFACES[surface].method,
      path.replaceAll(/\{(\w+)\}/g, ":$1"),
      ({ request, server, params }) =>
        isShared(path) && languageOf(request) !== SURFACES[surface].dialect
          ? unknownRoute(gateway, request)
          : exchangeRoute(gateway, surface, namedBy(params), request, server),
      // Further paths of a surface say the same: its document has the first.
      { ...untouched, detail: isFirst(surface, path) ? SURFACE_DETAILS[surface] : { hide: true } },
    );
  }
  for (const mount of MODEL_MOUNTS) {
    app.post(
      `${mount.root}*`,
      ({ request, server }) => {
        const method = methodAt(mount, urlOf(request).pathname);
        return method === null
          ? unknownRoute(gateway, request)
          : exchangeRoute(gateway, method.surface, { model: method.model }, request, server);
      },
      // The document has its paths one by one.
      { ...untouched, detail: { hide: true } },
    );
  }
  return app
    .get("/v1/files", ({ request }) => filesRoute(gateway, request), { detail: fileListDetail })
    .get("/v1/batches", ({ request }) => keptRoute(gateway, "batch", request), {
      detail: batchListDetail,
    })
    .get("/v1/models", ({ request }) => modelsRoute(gateway, request), { detail: modelsDetail })
    .get("/v1/models/*", ({ request }) => modelRoute(gateway, request), { detail: modelDetail })
    .get("/v1beta/models", ({ request }) => modelsRoute(gateway, request), {
      detail: googleModelsDetail,
    })
    .get("/v1beta/models/*", ({ request }) => modelRoute(gateway, request), {
      detail: googleModelDetail,
    })
    .all("/v1/*", ({ request }) => unknownRoute(gateway, request), {
      ...untouched,
      detail: { hide: true },
    })
    .all("/v1beta/*", ({ request }) => unknownRoute(gateway, request), {
      ...untouched,
      detail: { hide: true },
    })
    .all("/v2/*", ({ request }) => unknownRoute(gateway, request), {
      ...untouched,
      detail: { hide: true },
    });
}

/** What a path names beside its surface. Elysia gives no parameters at all to a path that has none. */
function namedBy(params: Readonly<Record<string, string>> | undefined): Omit<Place, "query"> {
  const { id, item_id: itemId } = params ?? {};
  if (id === undefined) return NOTHING;
  return { model: null, objectId: id, ...(itemId === undefined ? {} : { itemId }) };
}

const NOTHING = { model: null };

/** Anthropic's API has files of its own there, whose forms and answers are others. */
function isShared(path: string): boolean {
  return path.startsWith("/v1/files");
}

function filesRoute(gateway: Gateway, request: Request): Response | Promise<Response> {
  return languageOf(request) === "openai"
    ? keptRoute(gateway, "file", request)
    : unknownRoute(gateway, request);
}

function isFirst(surface: Surface, path: string): boolean {
  return SURFACES[surface].paths[0] === path;
}

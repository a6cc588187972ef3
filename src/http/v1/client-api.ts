/**
 * The client API as routes. `parse: "none"` and no hooks: Elysia hands the request over untouched and
 * passes the Response through. Paths that do not exist answer in the dialect too.
 */
import { Elysia } from "elysia";
import type { Dialect } from "../../dialects/contract.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { exchangeRoute } from "./exchange-route.ts";
import { modelRoute, modelsRoute, unknownRoute } from "./models-route.ts";
import { chatDetail, embeddingsDetail, modelDetail, modelsDetail } from "./operations.ts";

const untouched = { parse: "none" } as const;

export function clientApi(gateway: Gateway, dialect: Dialect) {
  return new Elysia({ name: "client-api" })
    .post(
      "/v1/chat/completions",
      ({ request, server }) => exchangeRoute(gateway, dialect, "chat", request, server),
      { ...untouched, detail: chatDetail },
    )
    .post(
      "/v1/embeddings",
      ({ request, server }) => exchangeRoute(gateway, dialect, "embeddings", request, server),
      { ...untouched, detail: embeddingsDetail },
    )
    .get("/v1/models", ({ request }) => modelsRoute(gateway, dialect, request), {
      detail: modelsDetail,
    })
    .get("/v1/models/*", ({ request }) => modelRoute(gateway, dialect, request), {
      detail: modelDetail,
    })
    .all("/v1/*", ({ request }) => unknownRoute(gateway, dialect, request), {
      ...untouched,
      detail: { hide: true },
    });
}

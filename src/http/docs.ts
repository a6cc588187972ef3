/**
 * `/docs` and `/docs/json`: the OpenAPI document that the plugin builds from the mounted routes, and
 * Swagger UI on it. Needs no credential and no network; the document tells nothing that the source
 * does not. Whoever opens the bare address that the start prints is led here.
 */
import { swagger } from "@elysiajs/swagger";
import { Elysia } from "elysia";
import { ASSET_NAMES, assetReply } from "./openapi/assets.ts";
import { documentation } from "./openapi/document.ts";
import { PAGE_HEADERS, PAGE_HTML } from "./openapi/page.ts";

const hidden = { detail: { hide: true } } as const;

export function docsRoutes({ version }: { readonly version: string }) {
  const app = new Elysia({ name: "docs" })
    .use(swagger({ path: "/docs", specPath: "/docs/json", documentation: documentation(version) }))
    // Registered after the plugin, this takes the place of its own page.
    .get("/docs", ({ request }) => pageReply(request), hidden)
    .get("/", () => leadTo("docs"), hidden);
  for (const name of ASSET_NAMES) {
    app.get(`/docs/assets/${name}`, ({ request }) => assetReply(name, request), hidden);
  }
  return app;
}

/** Elysia takes `/docs/` for `/docs` too, but the page's relative paths would miss there. */
function pageReply(request: Request): Response {
  const isBelow = URL.parse(request.url)?.pathname.endsWith("/") ?? false;
  return isBelow ? leadTo("../docs") : new Response(PAGE_HTML, { headers: PAGE_HEADERS });
}

/** Relative, so that it stays behind the prefix of a proxy. */
function leadTo(location: string): Response {
  return new Response(null, { status: 302, headers: { location } });
}

/** `/api/v1/routes`: public model names. */
import type { Admin } from "../../admin/admin.ts";
import { RouteFilter } from "../../admin/shapes/route.ts";
import { pageExample, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Route"> = {
  id: "rte_019ab3f1019475d2a143e5f607182930",
  model: "gpt-5-mini",
  tenant_id: null,
  strategy: "priority",
  targets: [
    { provider: "openai", model: "gpt-5-mini", weight: 1, priority: 0 },
    { provider: "local-vllm", model: "qwen3-32b", weight: 1, priority: 1 },
  ],
  ...VERSIONED,
};

export function routeRoutes(http: AdminHttp, admin: Admin) {
  return resource(
    http,
    {
      path: "routes",
      one: "route",
      many: "routes",
      idExample: example.id,
      about: {
        create: "A public model name and the targets that may serve it, tried by the strategy.",
        remove: "Clients that ask for its model get model_not_found from then on.",
      },
      shapes: {
        input: "RouteInput",
        change: "RouteChange",
        one: "Route",
        made: "Route",
        many: "RoutePage",
        filter: RouteFilter,
      },
      examples: {
        input: {
          model: "gpt-5-mini",
          targets: [
            { provider: "openai", model: "gpt-5-mini" },
            { provider: "local-vllm", model: "qwen3-32b", priority: 1 },
          ],
        },
        change: { targets: [{ provider: "openai", model: "gpt-5-mini" }] },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.routes,
  );
}

/** `/api/v1/routes`: public model names. */
import type { Admin } from "../../admin/admin.ts";
import { RouteFilter } from "../../admin/shapes/route.ts";
import { pageExample, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const PLAIN = { use: "serve", percent: null, when: null, continues: null } as const;

const example: Shape<"Route"> = {
  id: "rte_019ab3f1019475d2a143e5f607182930",
  model: "gpt-5-mini",
  tenant_id: null,
  strategy: "priority",
  targets: [
    { provider: "openai", model: "gpt-5-mini", weight: 1, priority: 0, ...PLAIN },
    { provider: "local-vllm", model: "qwen3-32b", weight: 1, priority: 1, ...PLAIN },
  ],
  retries: {
    attempts_max: 3,
    backoff_base_ms: 50,
    backoff_max_ms: 5_000,
    total_ms: null,
    statuses: null,
    continue_streams: false,
  },
  sticky: null,
  hedge: null,
  single_flight: null,
  resumable: false,
  keep_alive_ms: 15_000,
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

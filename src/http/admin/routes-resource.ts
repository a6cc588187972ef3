/** `/api/v1/routes`: public model names. */
import type { Admin } from "../../admin/admin.ts";
import { RouteFilter } from "../../admin/shapes/route.ts";
import { jsonBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { pageExample, VERSIONED } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY, resource } from "./resource.ts";
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

const explanation: Shape<"RouteExplanation"> = {
  strategy: { name: "priority", from: "route" },
  sticky: null,
  candidates: [
    {
      provider: "openai",
      model: "gpt-5-mini",
      lane: 1,
      use: "serve",
      verdict: "taken",
      reason: { code: "strategy", sentence: "The strategy puts it here." },
      score: {
        first_token_ms: 412.5,
        failure_share: 0,
        cost_usd: "0.0021",
        in_flight: 3,
        weight: 1,
      },
      available_at: null,
    },
    {
      provider: "local-vllm",
      model: "qwen3-32b",
      lane: null,
      use: "serve",
      verdict: "left",
      reason: { code: "breaker", sentence: "Its breaker is open after failures." },
      score: {
        first_token_ms: null,
        failure_share: 0.9,
        cost_usd: "0.00",
        in_flight: 0,
        weight: 1,
      },
      available_at: "2026-11-20T09:31:07.114Z",
    },
  ],
};

function explainOperation(http: AdminHttp, admin: Admin) {
  return operation(
    http,
    {
      id: "explain_route",
      tag: "routes",
      summary: "Explain how a route would serve a request",
      description:
        "Which candidates are considered, in which order, and why each is taken or left, by the same rules that serve requests. Nothing is sent, held, counted or left to chance: canaries without a conversation and targets to explore are not drawn, weights stand in their order.",
      idOf: { one: "route", example: example.id },
      query: NO_QUERY,
      body: jsonBody("RouteExplainInput", {
        headers: { "x-tollgate-strategy": "cheapest" },
        surface: "chat",
        request: { messages: [{ role: "user", content: "hello" }] },
      }),
      answer: answerOf(200, "RouteExplanation", "What would happen now.", explanation),
      refusals: [400, 404, 422],
    },
    ({ id, body }) => admin.explain(id, body),
  );
}

export function routeRoutes(http: AdminHttp, admin: Admin) {
  const explain = explainOperation(http, admin);
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
          strategy: "fastest",
          targets: [
            { provider: "openai", model: "gpt-5-mini" },
            { provider: "azure", model: "gpt-5-mini", percent: 5 },
            { provider: "local-vllm", model: "qwen3-32b", priority: 1, when: { tools: false } },
          ],
          sticky: { by: "end_user" },
        },
        change: { retries: { attempts_max: 2 }, hedge: { percentile: 95 }, keep_alive_ms: 5_000 },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.routes,
  ).post("/:id/explain", explain.handle, explain.hooks);
}

/** `/api/v1/usage`. */
import { Elysia } from "elysia";
import type { Admin } from "../../admin/admin.ts";
import { UsageFilter } from "../../admin/shapes/usage.ts";
import { noBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { PROVIDER_ID } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Usage"> = {
  from: "2026-11-01T00:00:00.000Z",
  to: "2026-11-21T00:00:00.000Z",
  data: [
    {
      provider_id: PROVIDER_ID,
      provider: "openai",
      day: "2026-11-20",
      requests: 120,
      attempts: 121,
      input_tokens: 48_000,
      output_tokens: 15_500,
      cached_input_tokens: 12_000,
      reasoning_tokens: 0,
      cost_usd: "0.0436",
    },
  ],
};

export function usageRoutes(http: AdminHttp, admin: Admin) {
  const sum = operation(
    http,
    {
      id: "get_usage",
      tag: "usage",
      summary: "Add up requests, model tokens and cost",
      description: "From the ledger's own sums, by whole UTC days and any grouping.",
      idOf: null,
      query: UsageFilter,
      body: noBody,
      answer: answerOf(200, "Usage", "One row per group.", example),
      refusals: [400],
    },
    ({ query }) => admin.usage(query),
  );
  return new Elysia({ prefix: "/usage" }).get("", sum.handle, sum.hooks);
}

/** `/api/v1/requests`: the request log. */
import { Elysia } from "elysia";
import type { Admin } from "../../admin/admin.ts";
import { RequestsFilter } from "../../admin/shapes/request.ts";
import { noBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { BUDGET_ID, pageExample, PROJECT_ID, TENANT_ID, TOKEN_ID } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const row: Shape<"LoggedRequestPage">["data"][number] = {
  id: "req_019ab3f145d87e16b587293041526374",
  created_at: "2026-11-20T09:31:02.114Z",
  tenant_id: TENANT_ID,
  project_id: PROJECT_ID,
  token_id: TOKEN_ID,
  end_user: "customer-42",
  route: "gpt-5-mini",
  provider: null,
  model: null,
  status: 429,
  error_code: "budget_exceeded",
  stream: true,
  input_tokens: 0,
  output_tokens: 0,
  cached_input_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: "0.00",
  estimated: false,
  attempt_count: 0,
  latency_ms: 1,
  first_token_ms: null,
  client_gone: false,
  tried: null,
  answered_by: null,
};

const detail: Shape<"RequestDetail"> = {
  ...row,
  logged: true,
  attempts: [],
  ledger: [],
  refusal: {
    kind: "budget",
    scope: { type: "project", id: PROJECT_ID },
    rule_id: BUDGET_ID,
    unit: "usd",
    limit: "50.00",
    posted: "49.98",
    held: "0.015",
    asked: "0.008",
    frees_at: "2026-11-30T23:00:00.000Z",
  },
};

export function requestRoutes(http: AdminHttp, admin: Admin) {
  const plain = { tag: "requests", body: noBody };
  const list = operation(
    http,
    {
      ...plain,
      id: "list_requests",
      summary: "List requests, newest first",
      idOf: null,
      query: RequestsFilter,
      answer: answerOf(200, "LoggedRequestPage", "A page of the log.", pageExample(row)),
      refusals: [400],
    },
    ({ query }) => admin.requests.list(query),
  );
  const get = operation(
    http,
    {
      ...plain,
      id: "get_request",
      summary: "Show everything known of a request",
      description:
        "Its attempts and ledger entries and, for a refusal, which scope refused, its limit, what was posted and held, and when it frees.",
      idOf: { one: "request, as in x-request-id", example: row.id },
      query: NO_QUERY,
      answer: answerOf(200, "RequestDetail", "The request.", detail),
      refusals: [400, 404],
    },
    ({ id }) => admin.requests.get(id),
  );
  return new Elysia({ prefix: "/requests" })
    .get("", list.handle, list.hooks)
    .get("/:id", get.handle, get.hooks);
}

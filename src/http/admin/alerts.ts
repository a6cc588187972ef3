/** `/api/v1/alerts`. */
import { Elysia } from "elysia";
import type { Admin } from "../../admin/admin.ts";
import { AlertFilter } from "../../admin/shapes/budget-money.ts";
import { noBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { BUDGET_ID, pageExample, PROJECT_ID } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"AlertPage">["data"][number] = {
  budget_id: BUDGET_ID,
  scope: { type: "project", id: PROJECT_ID },
  threshold: 0.8,
  amount_usd: "50.00",
  posted_usd: "40.12",
  window_started_at: "2026-10-31T23:00:00.000Z",
  created_at: "2026-11-20T09:31:02.114Z",
};

export function alertRoutes(http: AdminHttp, admin: Admin) {
  const list = operation(
    http,
    {
      id: "list_alerts",
      tag: "alerts",
      summary: "List alerts, newest first",
      description:
        "Each threshold of each budget once per window, whatever crashed in between. An edit of the budget does not repeat or withdraw them.",
      idOf: null,
      query: AlertFilter,
      body: noBody,
      answer: answerOf(200, "AlertPage", "A page of alerts.", pageExample(example)),
      refusals: [400],
    },
    ({ query }) => admin.alerts(query),
  );
  return new Elysia({ prefix: "/alerts" }).get("", list.handle, list.hooks);
}

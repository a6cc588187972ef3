/** `/api/v1/budgets`: the rules. What is done with their money is in `budget-money.ts` beside this. */
import type { Admin } from "../../admin/admin.ts";
import { AccountFilter, BudgetFilter } from "../../admin/shapes/budget.ts";
import { noBody } from "./body.ts";
import { creditOperations, windowOperations } from "./budget-money.ts";
import { answerOf } from "./describe.ts";
import { BUDGET_ID, pageExample, PROJECT_ID, TENANT_ID, VERSIONED } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Budget"> = {
  id: BUDGET_ID,
  tenant_id: TENANT_ID,
  scope: { type: "project", id: PROJECT_ID },
  amount_usd: "50.00",
  window: "month",
  anchor: null,
  time_zone: "Europe/Berlin",
  mode: "hard",
  on_hold_reached: "stop",
  alert_thresholds: [0.5, 0.8],
  topped_up_usd: "0.00",
  posted_usd: "12.345678",
  held_usd: "0.002",
  remaining_usd: "37.652322",
  window_started_at: "2026-10-31T23:00:00.000Z",
  window_ends_at: "2026-11-30T23:00:00.000Z",
  ...VERSIONED,
};

function getOperation(http: AdminHttp, { budgets }: Admin) {
  return operation(
    http,
    {
      id: "get_budget",
      tag: "budgets",
      summary: "Show a budget",
      description:
        "Of a budget that is a default for each end user, `end_user` says whose account to show; without it the account's members are null.",
      idOf: { one: "budget", example: BUDGET_ID },
      query: AccountFilter,
      body: noBody,
      answer: answerOf(200, "Budget", "The budget as it is now.", example),
      refusals: [400, 404],
    },
    ({ id, query }) => budgets.get(id, query),
  );
}

export function budgetRoutes(http: AdminHttp, admin: Admin) {
  const { reset, topUp, credits, removeCredit } = creditOperations(http, admin, example);
  const { history, projection } = windowOperations(http, admin);
  return resource(
    http,
    {
      path: "budgets",
      one: "budget",
      many: "budgets",
      idExample: example.id,
      get: getOperation(http, admin),
      about: {
        create:
          "Money per calendar window of everything, a tenant, a project, an access token, an end user, a provider or a route; several of one scope hold beside each other. What its scope spent in the running window before it was created counts.",
        remove:
          "The spend stays in the ledger; nothing refuses by this budget any more, and its credits go with it.",
      },
      shapes: {
        input: "BudgetInput",
        change: "BudgetChange",
        one: "Budget",
        made: "Budget",
        many: "BudgetPage",
        filter: BudgetFilter,
      },
      examples: {
        input: {
          scope: { type: "project", id: PROJECT_ID },
          amount_usd: "50.00",
          window: "month",
          time_zone: "Europe/Berlin",
          alert_thresholds: [0.5, 0.8],
        },
        change: { amount_usd: "75.00" },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    { ...admin.budgets, get: (id) => admin.budgets.get(id, {}) },
  )
    .post("/:id/reset", reset.handle, reset.hooks)
    .post("/:id/top_up", topUp.handle, topUp.hooks)
    .get("/:id/credits", credits.handle, credits.hooks)
    .delete("/:id/credits/:credit_id", removeCredit.handle, removeCredit.hooks)
    .get("/:id/history", history.handle, history.hooks)
    .get("/:id/projection", projection.handle, projection.hooks);
}

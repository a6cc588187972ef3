/** What operators do with a budget's money, and its past and likely future. */
import type { Admin } from "../../admin/admin.ts";
import { AccountFilter } from "../../admin/shapes/budget.ts";
import { CreditFilter, HistoryFilter } from "../../admin/shapes/budget-money.ts";
import { jsonBody, noBody, optionalBody } from "./body.ts";
import { answerOf, nothing } from "./describe.ts";
import { BUDGET_ID, pageExample, VERSIONED } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const credit: Shape<"Credit"> = {
  id: "crd_019ab3f156e97f27c698304152637485",
  budget_id: BUDGET_ID,
  kind: "top_up",
  amount_usd: "20.00",
  end_user: null,
  starts_at: "2026-11-20T09:31:02.114Z",
  expires_at: "2026-11-21T09:31:02.114Z",
  in_force: true,
  note: "Launch day",
  ...VERSIONED,
};

const pastWindow: Shape<"PastWindowPage">["data"][number] = {
  started_at: "2026-09-30T22:00:00.000Z",
  ended_at: "2026-10-31T23:00:00.000Z",
  amount_usd: "50.00",
  posted_usd: "48.1234",
};

const projected: Shape<"Projection"> = {
  at: "2026-11-20T09:31:02.114Z",
  since: "2026-10-31T23:00:00.000Z",
  window_ends_at: "2026-11-30T23:00:00.000Z",
  amount_usd: "50.00",
  posted_usd: "35.00",
  projected_usd: "54.078193521",
  cap_reached_at: "2026-11-28T17:41:37.303Z",
};

const common = {
  tag: "budgets",
  idOf: { one: "budget", example: BUDGET_ID },
  query: NO_QUERY,
  body: noBody,
};

export function creditOperations(http: AdminHttp, { budgets }: Admin, example: Shape<"Budget">) {
  const shown = { ...example, posted_usd: "0.00", remaining_usd: "49.998" };
  const reset = operation(
    http,
    {
      ...common,
      id: "reset_budget",
      summary: "Let the running window begin anew",
      description:
        "What was posted in it no longer counts against the cap; what is held for requests in flight still does. The ledger and usage stay as they are, and the reset is listed under the budget's credits.",
      body: optionalBody("BudgetReset", {}),
      answer: answerOf(200, "Budget", "The budget as it is now.", shown),
      refusals: [400, 404],
    },
    ({ id, body }) => budgets.reset(id, body),
  );
  const topUp = operation(
    http,
    {
      ...common,
      id: "top_up_budget",
      summary: "Raise the cap for a while",
      description:
        "Until it expires, across windows; without an expiry until the running window ends, of a total budget for ever.",
      body: jsonBody("BudgetTopUp", {
        amount_usd: "20.00",
        duration_minutes: 1_440,
        note: "Launch day",
      }),
      answer: answerOf(201, "Credit", "The credit.", credit),
      refusals: [400, 404, 422],
    },
    ({ id, body }) => budgets.topUp(id, body),
  );
  const credits = operation(
    http,
    {
      ...common,
      id: "list_budget_credits",
      summary: "List what was added to a budget",
      query: CreditFilter,
      answer: answerOf(200, "CreditPage", "Top-ups and resets.", pageExample(credit)),
      refusals: [400, 404],
    },
    ({ id, query }) => budgets.credits(id, query),
  );
  const removeCredit = operation(
    http,
    {
      ...common,
      id: "remove_budget_credit",
      summary: "Take back a top-up or a reset",
      description: "The budget is as if it had never been made.",
      partOf: { name: "credit_id", one: "credit", example: credit.id },
      answer: nothing,
      refusals: [400, 404],
    },
    ({ id, partId }) => budgets.removeCredit(id, partId),
  );
  return { reset, topUp, credits, removeCredit };
}

export function windowOperations(http: AdminHttp, { budgets }: Admin) {
  const history = operation(
    http,
    {
      ...common,
      id: "list_budget_windows",
      summary: "List a budget's past windows, newest first",
      description:
        "What its scope spent in each, from the ledger's sums by the window's terms as they are now; with `from` also before the budget was created.",
      query: HistoryFilter,
      answer: answerOf(200, "PastWindowPage", "Past windows.", pageExample(pastWindow)),
      refusals: [400, 404],
    },
    ({ id, query }) => budgets.history(id, query),
  );
  const projection = operation(
    http,
    {
      ...common,
      id: "get_budget_projection",
      summary: "Show where a budget's running window is heading",
      description:
        "Spend since the window began, or was last reset, carried on at the same rate to the window's end.",
      query: AccountFilter,
      answer: answerOf(200, "Projection", "The projection.", projected),
      refusals: [400, 404],
    },
    ({ id, query }) => budgets.projection(id, query),
  );
  return { history, projection };
}

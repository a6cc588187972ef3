/** `/api/v1/budgets`. */
import type { Admin } from "../../admin/admin.ts";
import { BudgetFilter } from "../../admin/shapes/budget.ts";
import { pageExample, PROJECT_ID, TENANT_ID, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Budget"> = {
  id: "bud_019ab3f123b67cf4a365071829304152",
  tenant_id: TENANT_ID,
  scope: { type: "project", id: PROJECT_ID },
  amount_usd: "50.00",
  window: "month",
  time_zone: "Europe/Berlin",
  mode: "hard",
  alert_thresholds: [0.5, 0.8],
  posted_usd: "12.345678",
  held_usd: "0.002",
  remaining_usd: "37.652322",
  window_started_at: "2026-10-31T23:00:00.000Z",
  window_ends_at: "2026-11-30T23:00:00.000Z",
  ...VERSIONED,
};

export function budgetRoutes(http: AdminHttp, admin: Admin) {
  return resource(
    http,
    {
      path: "budgets",
      one: "budget",
      many: "budgets",
      idExample: example.id,
      about: {
        create:
          "Money per calendar window of a tenant, project or access token. What its scope spent in the running window before it was created counts.",
        remove: "The spend stays in the ledger; nothing refuses by this budget any more.",
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
    admin.budgets,
  );
}

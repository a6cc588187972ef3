/** Alerts: thresholds that windows of budgets have passed, once each, newest first. */
import { formatTime } from "../base/clock.ts";
import { formatUsd } from "../base/units.ts";
import type { AlertRow } from "../store/money-contract.ts";
import { type Page, pageQuery } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { type AdminVerdict, allow } from "./refusal.ts";
import { shownRef } from "./scope.ts";
import type { Alert, AlertFilter } from "./shapes/budget-money.ts";

export type Alerts = (filter: AlertFilter) => Promise<AdminVerdict<Page<Alert>>>;

export function createAlerts({ store }: AdminDeps): Alerts {
  return async (filter) => {
    const { budget_id: budgetId } = filter;
    const where = budgetId === undefined ? {} : { budgetId };
    const page = await store.alertPage(where, pageQuery(filter));
    return allow({ data: page.rows.map(showAlert), next_cursor: page.nextCursor });
  };
}

const PPM = 1_000_000;

function showAlert(row: AlertRow): Alert {
  return {
    budget_id: row.budgetId,
    scope: shownRef({ type: row.scopeType, id: row.scopeId }),
    threshold: row.thresholdPpm / PPM,
    amount_usd: formatUsd(row.amountNanoUsd),
    posted_usd: formatUsd(row.postedNanoUsd),
    window_started_at: formatTime(row.windowStartMs),
    created_at: formatTime(row.createdAtMs),
  };
}

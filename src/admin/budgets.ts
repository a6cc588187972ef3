/**
 * Budgets: money per window of a scope. An edit changes the rule and never the usage; what is shown
 * as spent and held is what admission itself works with.
 */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import { formatUsd, type NanoUsd, parseUsd } from "../base/units.ts";
import type { BudgetRow } from "../store/contract.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps, BudgetState } from "./deps.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { scopeWhere, tenantOfScope } from "./scope.ts";
import type { Budget, BudgetChange, BudgetFilter, BudgetInput } from "./shapes/budget.ts";
import { named } from "./write.ts";

export type Budgets = Configured<Budget, BudgetInput, BudgetChange, BudgetFilter>;

export function createBudgets(deps: AdminDeps): Budgets {
  return configured(deps, "budgets", {
    rowOf: (input: BudgetInput) => budgetRow(deps, input),
    editOf: (change: BudgetChange) => () => {
      const rule = readRule(change);
      if (!rule.allowed) return rule;
      const { window, mode } = change;
      return allow(named<BudgetRow>({ ...rule.value, window, mode }));
    },
    whereOf: (filter: BudgetFilter) => named<BudgetRow>(scopeWhere(filter)),
    show: (rows) => showBudgets(deps, rows),
  });
}

async function budgetRow(deps: AdminDeps, input: BudgetInput): Promise<AdminVerdict<BudgetRow>> {
  const rule = readRule(input);
  if (!rule.allowed) return rule;
  const tenant = await tenantOfScope(deps.store, input.scope);
  if (!tenant.allowed) return tenant;
  const { amountNanoUsd = null, timeZone = "UTC", alertThresholds = [] } = rule.value;
  return allow({
    id: newId("budget", deps.random),
    scopeType: input.scope.type,
    scopeId: input.scope.id,
    tenantId: tenant.value,
    amountNanoUsd,
    window: input.window,
    timeZone,
    mode: input.mode ?? "hard",
    alertThresholds,
    version: 1,
    createdAtMs: deps.clock.nowMs(),
  });
}

type Rule = Partial<Pick<BudgetRow, "amountNanoUsd" | "timeZone" | "alertThresholds">>;

function readRule(change: BudgetChange): AdminVerdict<Rule> {
  const amount = readAmount(change.amount_usd);
  if (!amount.allowed) return amount;
  const { time_zone: timeZone, alert_thresholds: thresholds } = change;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const sentence = "time_zone must be an IANA time zone such as UTC or Europe/Berlin.";
    return refuse("invalid_request", sentence, "/time_zone");
  }
  const alertThresholds =
    thresholds === undefined ? undefined : [...new Set(thresholds)].sort((a, b) => a - b);
  return allow(named<Rule>({ amountNanoUsd: amount.value, timeZone, alertThresholds }));
}

/** undefined: not named; null: unlimited. */
function readAmount(
  amount: string | number | null | undefined,
): AdminVerdict<NanoUsd | null | undefined> {
  if (amount === undefined || amount === null) return allow(amount);
  const nanoUsd = parseUsd(amount);
  return nanoUsd === undefined
    ? refuse(
        "invalid_request",
        'amount_usd must be an amount in US dollars from 0 to 9007199 with at most 9 decimals, such as "5.00", or null for no cap.',
        "/amount_usd",
      )
    : allow(nanoUsd);
}

/** Offsets such as +02:00 are refused: they have no daylight saving time, which is never meant. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    // The only way to ask: an unknown zone is a RangeError.
    return false;
  }
}

async function showBudgets(deps: AdminDeps, rows: readonly BudgetRow[]): Promise<Budget[]> {
  const tenantIds = [...new Set(rows.map((row) => row.tenantId))];
  const states = await Promise.all(tenantIds.map((id) => deps.directory.budgetStates(id)));
  const byId = new Map(states.flat().map((state) => [state.budgetId, state]));
  return rows.flatMap((row) => {
    const state = byId.get(row.id);
    return state === undefined ? [] : [showBudget(row, state)];
  });
}

function showBudget(row: BudgetRow, state: BudgetState): Budget {
  const { postedNanoUsd, heldNanoUsd, windowStartedAtMs, windowEndsAtMs } = state;
  return {
    id: row.id,
    tenant_id: row.tenantId,
    scope: { type: row.scopeType, id: row.scopeId },
    amount_usd: row.amountNanoUsd === null ? null : formatUsd(row.amountNanoUsd),
    window: row.window,
    time_zone: row.timeZone,
    mode: row.mode,
    alert_thresholds: [...row.alertThresholds],
    posted_usd: formatUsd(postedNanoUsd),
    held_usd: formatUsd(heldNanoUsd),
    remaining_usd:
      row.amountNanoUsd === null
        ? null
        : formatUsd(row.amountNanoUsd - postedNanoUsd - heldNanoUsd),
    window_started_at: formatTime(windowStartedAtMs),
    window_ends_at: windowEndsAtMs === null ? null : formatTime(windowEndsAtMs),
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}

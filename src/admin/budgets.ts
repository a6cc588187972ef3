/**
 * Budgets: money per window of a scope. An edit changes the rule and never the usage; what is shown
 * as spent and held is what admission itself works with.
 */
import { windowOf } from "../../actors/policy/window.ts";
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import { formatUsd } from "../base/units.ts";
import type { BudgetRow } from "../store/contract.ts";
import { accountOf, creditsOf, notInForce } from "./budget-account.ts";
import { type BudgetCredits, createBudgetCredits } from "./budget-credits.ts";
import { readRule, type Rule, shownAnchor } from "./budget-rule.ts";
import { type BudgetWindows, createBudgetWindows } from "./budget-windows.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps, BudgetState } from "./deps.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { isForEach, placeOf, scopeWhere, shownScope } from "./scope.ts";
import type {
  AccountFilter,
  Budget,
  BudgetChange,
  BudgetFilter,
  BudgetInput,
} from "./shapes/budget.ts";
import type { BudgetReset } from "./shapes/budget-money.ts";
import { createTurns } from "./turns.ts";
import { missing, named, removeRow } from "./write.ts";

export type Budgets = Omit<Configured<Budget, BudgetInput, BudgetChange, BudgetFilter>, "get"> &
  Omit<BudgetCredits, "reset"> &
  BudgetWindows & {
    /** Takes back what the running window has posted: 0 from now on. Usage stays what it was. */
    readonly reset: (id: string, input: BudgetReset) => Promise<AdminVerdict<Budget>>;
    /** With the account of one end user where the budget is a default for each. */
    readonly get: (id: string, account: AccountFilter) => Promise<AdminVerdict<Budget>>;
  };

export function createBudgets(deps: AdminDeps): Budgets {
  // A reset belongs to the window that it was made in, so no edit may move it meanwhile.
  const inTurn = createTurns();
  const credits = createBudgetCredits(deps, inTurn);
  const { change, ...rows } = budgetRows(deps);
  return {
    ...rows,
    change: (id, edit, ifVersion) => inTurn(id, () => change(id, edit, ifVersion)),
    ...credits,
    ...createBudgetWindows(deps),
    reset: async (id, input) => {
      const reset = await credits.reset(id, input);
      return reset.allowed ? getBudget(deps, id, input) : reset;
    },
    get: (id, account) => getBudget(deps, id, account),
    remove: (id) => inTurn(id, () => removeBudget(deps, id)),
  };
}

function budgetRows(deps: AdminDeps): Configured<Budget, BudgetInput, BudgetChange, BudgetFilter> {
  return configured(deps, "budgets", {
    rowOf: (input: BudgetInput) => budgetRow(deps, input),
    editOf: (change: BudgetChange) => (current) => editOf(deps, change, current),
    whereOf: (filter: BudgetFilter) => named<BudgetRow>(scopeWhere(filter)),
    show: async (rows) => {
      const shown = await Promise.all(rows.map((row) => showBudget(deps, row, null)));
      return shown.filter((budget) => budget !== null);
    },
  });
}

async function budgetRow(deps: AdminDeps, input: BudgetInput): Promise<AdminVerdict<BudgetRow>> {
  const rule = readRule(input, null);
  if (!rule.allowed) return rule;
  const place = await placeOf(deps.store, input.scope);
  if (!place.allowed) return place;
  return allow({
    id: newId("budget", deps.random),
    ...place.value,
    amountNanoUsd: null,
    window: input.window,
    timeZone: "UTC",
    anchor: null,
    mode: "hard",
    onHoldReached: "stop",
    alertThresholds: [],
    ...rule.value,
    version: 1,
    createdAtMs: deps.clock.nowMs(),
  });
}

async function editOf(
  deps: AdminDeps,
  change: BudgetChange,
  current: BudgetRow,
): Promise<AdminVerdict<Rule>> {
  const rule = readRule(change, current);
  if (!rule.allowed) return rule;
  const { window, timeZone, anchor } = rule.value;
  const movesWindow = window !== undefined || timeZone !== undefined || anchor !== undefined;
  if (!movesWindow) return rule;
  const reset = await resetWithin(deps, { ...current, ...rule.value });
  if (reset === null) return rule;
  const sentence = `The window cannot be moved while the running one has a reset, whose amount belongs to the window as it was: remove the credit ${reset} first.`;
  return refuse("conflict", sentence, null);
}

/** The id of a reset that lies in the window which would run after an edit; null: there is none. */
async function resetWithin(deps: AdminDeps, edited: BudgetRow): Promise<string | null> {
  const { startMs } = windowOf(edited, deps.clock.nowMs());
  const credits = await creditsOf(deps.store, edited.id);
  const reset = credits.find(({ kind, startsAtMs }) => kind === "reset" && startsAtMs >= startMs);
  return reset?.id ?? null;
}

async function getBudget(
  deps: AdminDeps,
  id: string,
  { end_user: endUser }: AccountFilter,
): Promise<AdminVerdict<Budget>> {
  const row = await deps.store.get("budgets", id);
  if (row === null) return missing("budgets", id);
  if (endUser !== undefined) {
    const account = accountOf(row, endUser, "end_user");
    if (!account.allowed) return account;
  }
  const budget = await showBudget(deps, row, endUser ?? null);
  return budget === null ? notInForce(row, endUser ?? null) : allow(budget);
}

/** The store takes its credits away with it, so the directory is told of those as well. */
async function removeBudget(deps: AdminDeps, id: string): Promise<AdminVerdict<null>> {
  const credits = await creditsOf(deps.store, id);
  const removed = await removeRow(deps, "budgets", id);
  if (!removed.allowed) return removed;
  for (const credit of credits) await deps.directory.changed("credits", credit.id, null);
  return removed;
}

/** null: being created or removed at this moment, and not in force. */
async function showBudget(
  deps: AdminDeps,
  row: BudgetRow,
  endUserId: string | null,
): Promise<Budget | null> {
  const hasManyAccounts = isForEach(row) && endUserId === null;
  const state = hasManyAccounts ? null : await deps.directory.budgetState(row, endUserId);
  if (state === null && !hasManyAccounts) return null;
  const running = windowOf(row, deps.clock.nowMs());
  const startedAtMs = state?.windowStartedAtMs ?? running.startMs;
  const endsAtMs = state === null ? running.endMs : state.windowEndsAtMs;
  return {
    id: row.id,
    tenant_id: row.tenantId,
    scope: shownScope(row),
    amount_usd: usdOrNull(row.amountNanoUsd),
    window: row.window,
    anchor: shownAnchor(row.anchor),
    time_zone: row.timeZone,
    mode: row.mode,
    on_hold_reached: row.onHoldReached,
    alert_thresholds: [...row.alertThresholds],
    ...showState(row, state),
    window_started_at: formatTime(startedAtMs),
    window_ends_at: endsAtMs === null ? null : formatTime(endsAtMs),
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}

type Shown = Pick<Budget, "topped_up_usd" | "posted_usd" | "held_usd" | "remaining_usd">;

function showState(row: BudgetRow, state: BudgetState | null): Shown {
  if (state === null) {
    return { topped_up_usd: null, posted_usd: null, held_usd: null, remaining_usd: null };
  }
  const { amountNanoUsd, postedNanoUsd, heldNanoUsd } = state;
  const capNanoUsd = row.amountNanoUsd;
  const toppedUpNanoUsd =
    amountNanoUsd === null || capNanoUsd === null ? 0 : amountNanoUsd - capNanoUsd;
  return {
    topped_up_usd: formatUsd(toppedUpNanoUsd),
    posted_usd: formatUsd(postedNanoUsd),
    held_usd: formatUsd(heldNanoUsd),
    remaining_usd: usdOrNull(
      amountNanoUsd === null ? null : amountNanoUsd - postedNanoUsd - heldNanoUsd,
    ),
  };
}

function usdOrNull(amountNanoUsd: number | null): string | null {
  return amountNanoUsd === null ? null : formatUsd(amountNanoUsd);
}

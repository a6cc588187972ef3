/**
 * What operators do to a budget's running window: add to its cap for a while, or let its posted
 * begin anew. Both are entries beside the ledger, so usage stays what it was.
 */
import { windowOf } from "../../actors/policy/window.ts";
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import { formatUsd, NANO_USD_MAX, type NanoUsd, parseUsd } from "../base/units.ts";
import type { BudgetRow, CreditRow } from "../store/contract.ts";
import { accountOf, creditEndMs, creditsOf, notInForce } from "./budget-account.ts";
import { type Page, pageQuery } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import type { Turns } from "./turns.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { BudgetReset, BudgetTopUp, Credit, CreditFilter } from "./shapes/budget-money.ts";
import { parseTime } from "./time.ts";
import { insertRow, missing, removeRow } from "./write.ts";

export interface BudgetCredits {
  /** Takes back what the running window has posted; nothing happens when that is nothing. */
  readonly reset: (id: string, input: BudgetReset) => Promise<AdminVerdict<Credit | null>>;
  readonly topUp: (id: string, input: BudgetTopUp) => Promise<AdminVerdict<Credit>>;
  /** Oldest first. */
  readonly credits: (id: string, filter: CreditFilter) => Promise<AdminVerdict<Page<Credit>>>;
  readonly removeCredit: (id: string, creditId: string) => Promise<AdminVerdict<null>>;
}

/** `inTurn` keeps what happens to one budget apart: two resets at once would take back the same money. */
export function createBudgetCredits(deps: AdminDeps, inTurn: Turns): BudgetCredits {
  const { store } = deps;
  return {
    reset: (id, input) => inTurn(id, () => reset(deps, id, input)),
    topUp: (id, input) => inTurn(id, () => topUp(deps, id, input)),
    credits: async (id, filter) => {
      const budget = await store.get("budgets", id);
      if (budget === null) return missing("budgets", id);
      const page = await store.page("credits", { budgetId: id }, pageQuery(filter));
      const data = page.rows.map((row) => showCredit(deps, budget, row));
      return allow({ data, next_cursor: page.nextCursor });
    },
    removeCredit: (id, creditId) =>
      inTurn(id, async () => {
        const credit = await store.get("credits", creditId);
        return credit?.budgetId === id
          ? removeRow(deps, "credits", creditId)
          : missing("credits", creditId);
      }),
  };
}

async function reset(
  deps: AdminDeps,
  id: string,
  input: BudgetReset,
): Promise<AdminVerdict<Credit | null>> {
  const budget = await deps.store.get("budgets", id);
  if (budget === null) return missing("budgets", id);
  const account = accountOf(budget, input.end_user, "/end_user");
  if (!account.allowed) return account;
  const askedAtMs = deps.clock.nowMs();
  const state = await deps.directory.budgetState(budget, account.value);
  if (state === null) return notInForce(budget, account.value);
  if (state.postedNanoUsd <= 0) return allow(null);
  return insertCredit(deps, budget, {
    kind: "reset",
    amountNanoUsd: state.postedNanoUsd,
    endUserId: account.value,
    // The amount was posted in this window, even when it began while we asked.
    startsAtMs: Math.max(askedAtMs, state.windowStartedAtMs),
    expiresAtMs: null,
    note: null,
  });
}

async function topUp(
  deps: AdminDeps,
  id: string,
  input: BudgetTopUp,
): Promise<AdminVerdict<Credit>> {
  const nowMs = deps.clock.nowMs();
  const budget = await deps.store.get("budgets", id);
  if (budget === null) return missing("budgets", id);
  const account = accountOf(budget, input.end_user, "/end_user");
  if (!account.allowed) return account;
  const expiresAtMs = readExpiry(input, nowMs);
  if (!expiresAtMs.allowed) return expiresAtMs;
  const amount = await readTopUp(deps, budget, account.value, input.amount_usd);
  if (!amount.allowed) return amount;
  return insertCredit(deps, budget, {
    kind: "top_up",
    amountNanoUsd: amount.value,
    endUserId: account.value,
    startsAtMs: nowMs,
    // Written down, so that a later edit of the window cannot bring back what has ended.
    expiresAtMs: expiresAtMs.value ?? windowOf(budget, nowMs).endMs,
    note: input.note ?? null,
  });
}

/** null: with the window. */
function readExpiry(input: BudgetTopUp, nowMs: number): AdminVerdict<number | null> {
  const { expires_at: expiresAt, duration_minutes: minutes } = input;
  if (expiresAt !== undefined && minutes !== undefined) {
    const sentence = "Give expires_at or duration_minutes, not both.";
    return refuse("invalid_request", sentence, "/duration_minutes");
  }
  if (minutes !== undefined) return allow(nowMs + minutes * 60_000);
  if (expiresAt === undefined) return allow(null);
  const atMs = parseTime(expiresAt);
  return atMs !== undefined && atMs > nowMs
    ? allow(atMs)
    : refuse("invalid_request", "expires_at must lie in the future.", "/expires_at");
}

async function readTopUp(
  deps: AdminDeps,
  budget: BudgetRow,
  endUserId: string | null,
  text: string | number,
): Promise<AdminVerdict<NanoUsd>> {
  const amount = parseUsd(text);
  if (amount === undefined || amount === 0) {
    const sentence =
      'amount_usd must be an amount in US dollars above 0 with at most 9 decimals, such as "5.00".';
    return refuse("invalid_request", sentence, "/amount_usd");
  }
  if (budget.amountNanoUsd === null) {
    const sentence = "The budget is unlimited: there is no cap that a top-up could raise.";
    return refuse("unprocessable", sentence, "/amount_usd");
  }
  const credits = await creditsOf(deps.store, budget.id);
  const nowMs = deps.clock.nowMs();
  const added = credits.filter((credit) => {
    const endMs = creditEndMs(budget, credit);
    const isTopUp = credit.kind === "top_up" && credit.endUserId === endUserId;
    return isTopUp && (endMs === null || endMs > nowMs);
  });
  const sum = added.reduce((total, credit) => total + credit.amountNanoUsd, amount);
  if (budget.amountNanoUsd + sum <= NANO_USD_MAX) return allow(amount);
  const most = formatUsd(NANO_USD_MAX);
  const sentence = `amount_usd is too much: the cap with all its top-ups must be at most ${most}.`;
  return refuse("unprocessable", sentence, "/amount_usd");
}

type NewCredit = Omit<CreditRow, "id" | "budgetId" | "version" | "createdAtMs">;

async function insertCredit(
  deps: AdminDeps,
  budget: BudgetRow,
  members: NewCredit,
): Promise<AdminVerdict<Credit>> {
  const written = await insertRow(deps, "credits", {
    ...members,
    id: newId("credit", deps.random),
    budgetId: budget.id,
    version: 1,
    createdAtMs: deps.clock.nowMs(),
  });
  return written.allowed ? allow(showCredit(deps, budget, written.value)) : written;
}

function showCredit(deps: AdminDeps, budget: BudgetRow, row: CreditRow): Credit {
  const nowMs = deps.clock.nowMs();
  const endMs = creditEndMs(budget, row);
  return {
    id: row.id,
    budget_id: row.budgetId,
    kind: row.kind,
    amount_usd: formatUsd(row.amountNanoUsd),
    end_user: row.endUserId,
    starts_at: formatTime(row.startsAtMs),
    expires_at: endMs === null ? null : formatTime(endMs),
    in_force: row.startsAtMs <= nowMs && (endMs === null || nowMs < endMs),
    note: row.note,
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}

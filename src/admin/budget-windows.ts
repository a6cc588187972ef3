/**
 * A budget's past windows and where the running one is heading. Windows are arithmetic over the
 * ledger's sums, so both are right whatever was configured at the time. Integer arithmetic alone.
 */
import { windowOf } from "../../actors/policy/window.ts";
import { formatTime } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import { formatUsd, NANO_USD_MAX, type NanoUsd } from "../base/units.ts";
import type { BudgetRow } from "../store/contract.ts";
import { accountOf, creditsOf, notInForce, scopeOfAccount } from "./budget-account.ts";
import type { Page } from "./configured.ts";
import type { AdminDeps, BudgetState } from "./deps.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { AccountFilter } from "./shapes/budget.ts";
import type { HistoryFilter, PastWindow, Projection } from "./shapes/budget-money.ts";
import { readSpan } from "./span.ts";
import { missing } from "./write.ts";

export interface BudgetWindows {
  /** Newest first, without the running one. */
  readonly history: (id: string, filter: HistoryFilter) => Promise<AdminVerdict<Page<PastWindow>>>;
  readonly projection: (id: string, filter: AccountFilter) => Promise<AdminVerdict<Projection>>;
}

export function createBudgetWindows(deps: AdminDeps): BudgetWindows {
  return {
    history: async (id, filter) => {
      const budget = await deps.store.get("budgets", id);
      return budget === null ? missing("budgets", id) : history(deps, budget, filter);
    },
    projection: async (id, filter) => {
      const budget = await deps.store.get("budgets", id);
      return budget === null ? missing("budgets", id) : projection(deps, budget, filter);
    },
  };
}

type Past = { readonly startMs: number; readonly endMs: number };

async function history(
  deps: AdminDeps,
  budget: BudgetRow,
  filter: HistoryFilter,
): Promise<AdminVerdict<Page<PastWindow>>> {
  const account = accountOf(budget, filter.end_user, "end_user");
  if (!account.allowed) return account;
  const span = readSpan(filter);
  if (!span.allowed) return span;
  const beforeMs = readCursor(filter.cursor);
  if (!beforeMs.allowed) return beforeMs;
  const { fromMs = budget.createdAtMs, toMs = Number.POSITIVE_INFINITY } = span.value;
  const nowMs = deps.clock.nowMs();
  const limit = filter.limit ?? LIMITS.pageRowsDefault;
  const lastMs = Math.min(toMs, nowMs, beforeMs.value ?? nowMs);
  const found = pastWindows(budget, { fromMs, lastMs, nowMs }, limit + 1);
  const scope = scopeOfAccount(budget, account.value);
  const rows = found.slice(0, limit);
  const sums = await deps.store.windowSums(
    rows.map((window) => ({ budgetId: budget.id, scope, ...window })),
  );
  const last = rows.at(-1);
  return allow({
    data: rows.map((window, place) => showPast(budget, window, sums[place] ?? 0)),
    next_cursor: found.length > limit && last !== undefined ? `w${last.startMs}` : null,
  });
}

function readCursor(cursor: string | undefined): AdminVerdict<number | null> {
  if (cursor === undefined) return allow(null);
  const digits = /^w(\d{1,15})$/.exec(cursor)?.[1];
  return digits === undefined
    ? refuse("invalid_request", "The cursor is not one that an earlier page gave.", "cursor")
    : allow(Number(digits));
}

/** Newest first: began before `lastMs`, ended after `fromMs`, and are over. */
function pastWindows(
  budget: BudgetRow,
  { fromMs, lastMs, nowMs }: Readonly<Record<"fromMs" | "lastMs" | "nowMs", number>>,
  limit: number,
): readonly Past[] {
  const found: Past[] = [];
  let atMs = lastMs - 1;
  // Windows touch, so the moment before one lies in the one before it.
  while (found.length < limit && atMs >= Math.max(0, fromMs)) {
    const { startMs, endMs } = windowOf(budget, atMs);
    if (endMs === null) break;
    if (endMs <= nowMs) found.push({ startMs, endMs });
    atMs = startMs - 1;
  }
  return found;
}

function showPast(budget: BudgetRow, window: Past, postedNanoUsd: NanoUsd): PastWindow {
  return {
    started_at: formatTime(window.startMs),
    ended_at: formatTime(window.endMs),
    amount_usd: budget.amountNanoUsd === null ? null : formatUsd(budget.amountNanoUsd),
    posted_usd: formatUsd(postedNanoUsd),
  };
}

async function projection(
  deps: AdminDeps,
  budget: BudgetRow,
  filter: AccountFilter,
): Promise<AdminVerdict<Projection>> {
  const account = accountOf(budget, filter.end_user, "end_user");
  if (!account.allowed) return account;
  const state = await deps.directory.budgetState(budget, account.value);
  if (state === null) return notInForce(budget, account.value);
  const credits = await creditsOf(deps.store, budget.id);
  const resets = credits.filter(
    ({ kind, endUserId, startsAtMs }) =>
      kind === "reset" && endUserId === account.value && startsAtMs >= state.windowStartedAtMs,
  );
  const sinceMs = Math.max(state.windowStartedAtMs, ...resets.map((reset) => reset.startsAtMs));
  return allow(project(state, sinceMs, deps.clock.nowMs()));
}

/** Below this part of the window a rate says nothing. */
const LEAST_PART = 50;

/** Posted per elapsed time, carried on to the window's end. */
export function project(state: BudgetState, sinceMs: number, nowMs: number): Projection {
  const { amountNanoUsd, postedNanoUsd, windowStartedAtMs, windowEndsAtMs } = state;
  const elapsedMs = nowMs - sinceMs;
  const lengthMs = windowEndsAtMs === null ? null : windowEndsAtMs - windowStartedAtMs;
  const isKnown = lengthMs !== null && elapsedMs > 0 && elapsedMs * LEAST_PART >= lengthMs;
  const rest = isKnown && windowEndsAtMs !== null ? windowEndsAtMs - nowMs : null;
  const projected = rest === null ? null : postedNanoUsd + scaled(postedNanoUsd, rest, elapsedMs);
  const reachedMs = capReachedMs(state, { elapsedMs, restMs: rest, nowMs });
  return {
    at: formatTime(nowMs),
    since: formatTime(sinceMs),
    window_ends_at: windowEndsAtMs === null ? null : formatTime(windowEndsAtMs),
    amount_usd: amountNanoUsd === null ? null : formatUsd(amountNanoUsd),
    posted_usd: formatUsd(postedNanoUsd),
    projected_usd: projected === null ? null : formatUsd(Math.min(projected, NANO_USD_MAX)),
    cap_reached_at: reachedMs === null ? null : formatTime(reachedMs),
  };
}

function capReachedMs(
  { amountNanoUsd, postedNanoUsd }: BudgetState,
  at: { readonly elapsedMs: number; readonly restMs: number | null; readonly nowMs: number },
): number | null {
  if (amountNanoUsd === null) return null;
  if (postedNanoUsd >= amountNanoUsd) return at.nowMs;
  if (at.restMs === null || postedNanoUsd <= 0) return null;
  const waitMs = scaled(amountNanoUsd - postedNanoUsd, at.elapsedMs, postedNanoUsd);
  return waitMs < at.restMs ? at.nowMs + waitMs : null;
}

/** `amount × factor ÷ divisor`, rounded down; the product may pass 2^53, its quotient is capped. */
function scaled(amount: number, factor: number, divisor: number): number {
  const quotient = (BigInt(amount) * BigInt(factor)) / BigInt(divisor);
  return quotient > BigInt(NANO_USD_MAX) ? NANO_USD_MAX : Number(quotient);
}

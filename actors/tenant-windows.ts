/**
 * How budgets move from window to window. A budget's account turns over when it is looked at, in
 * whichever direction the clock went: accounts of other windows are kept while they hold money, so
 * that a clock which leaps forward and back finds what was spent.
 *
 * Invariant: of every moment for which `knowsTime` is true, each budget's account is the ledger's. The
 * other moments (before the actor was built, or past the windows it can keep) need a new actor.
 */
import { covers, createAccount, withAmountAt, type BudgetAccount } from "./policy/budget.ts";
import type { BudgetEntry, TenantRecord } from "./tenant-record.ts";

/** Accounts that a budget keeps beside the current one; a clock that behaves needs one. */
const OTHERS_MAX = 4;

/** False when the clock has gone where this actor does not know what was spent. */
export function knowsTime({ knownFromMs, knownUntilMs }: TenantRecord, atMs: number): boolean {
  return atMs >= knownFromMs && atMs < knownUntilMs;
}

/** Makes the window that contains `atMs` the current one; that takes nothing from anybody. */
export function turnOver(
  record: TenantRecord,
  budgets: readonly BudgetEntry[],
  atMs: number,
): void {
  for (const budget of budgets) {
    const { account } = budget;
    if (covers(account, atMs)) {
      budget.account = withAmountAt(account, atMs);
      continue;
    }
    const at = budget.others.findIndex((other) => covers(other, atMs));
    const [kept] = at < 0 ? [] : budget.others.splice(at, 1);
    const next = kept ?? createAccount(account.terms, 0, atMs);
    budget.account = withAmountAt(next, atMs);
    if (account.postedNanoUsd > 0 || account.heldNanoUsd > 0) keep(record, budget, account);
  }
}

/** The account of the window that contains `atMs`, for somebody who only looks. */
export function accountAt({ account, others }: BudgetEntry, atMs: number): BudgetAccount {
  const known = covers(account, atMs) ? account : others.find((other) => covers(other, atMs));
  return withAmountAt(known ?? createAccount(account.terms, 0, atMs), atMs);
}

/** The account of the window that began at `startMs`; undefined when it is history. */
export function accountOf(
  { account, others }: BudgetEntry,
  startMs: number,
): BudgetAccount | undefined {
  return account.startMs === startMs ? account : others.find((each) => each.startMs === startMs);
}

/** Puts back what became of an account, wherever it is. */
export function replaceAccount(budget: BudgetEntry, account: BudgetAccount): void {
  if (budget.account.startMs === account.startMs) {
    budget.account = account;
    return;
  }
  const at = budget.others.findIndex(({ startMs }) => startMs === account.startMs);
  if (at >= 0) budget.others[at] = account;
}

/** With one too many, the window furthest back goes, or of windows ahead the furthest ahead. */
function keep(record: TenantRecord, { account, others }: BudgetEntry, left: BudgetAccount): void {
  others.push(left);
  if (others.length <= OTHERS_MAX) return;
  others.sort((one, other) => one.startMs - other.startMs);
  const [oldest] = others;
  if (oldest !== undefined && oldest.startMs < account.startMs) {
    others.shift();
    record.knownFromMs = Math.max(record.knownFromMs, oldest.endMs ?? record.knownFromMs);
  } else {
    const newest = others.pop();
    record.knownUntilMs = Math.min(record.knownUntilMs, newest?.startMs ?? record.knownUntilMs);
  }
}

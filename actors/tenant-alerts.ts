/**
 * Budgets that passed a threshold: looked for when money is posted and when the actor is built, each
 * window's thresholds told once, and left in the record until somebody takes them.
 */
import { alertMarks } from "./policy/alert.ts";
import { withAmountAt, type BudgetAccount } from "./policy/budget.ts";
import type { AlertEntry, BudgetEntry, TenantRecord } from "./tenant-record.ts";

/** Windows whose count of told thresholds is remembered; older ones have ended long ago. */
const TOLD_WINDOWS_MAX = 8;

/** Leaves an alert for each threshold that `account` has passed and not told before. */
export function noteAlerts(
  record: TenantRecord,
  { budgetId, scope, alerts }: BudgetEntry,
  account: BudgetAccount,
  atMs: number,
): void {
  const { thresholdsPpm } = alerts;
  if (thresholdsPpm.length === 0 || account.postedNanoUsd === 0) return;
  if (isQuiet(alerts, account)) return;
  const { amountNanoUsd, startMs, postedNanoUsd } = withAmountAt(account, within(account, atMs));
  if (amountNanoUsd === null) return;
  const marks = marksOf(alerts, amountNanoUsd);
  const before = alerts.told.get(startMs) ?? 0;
  let told = before;
  for (; told < marks.length && postedNanoUsd >= (marks[told] ?? Infinity); told += 1) {
    const thresholdPpm = thresholdsPpm[told] ?? 0;
    record.alerts.push({
      budgetId,
      scope,
      windowStartMs: startMs,
      thresholdPpm,
      amountNanoUsd,
      postedNanoUsd,
      atMs,
    });
  }
  if (told > before) remember(alerts.told, startMs, told);
  alerts.quiet = { startMs, belowNanoUsd: marks[told] ?? Infinity };
}

/** Most settlements pass no threshold; of an amount that time changes nothing is known beforehand. */
function isQuiet({ quiet }: AlertEntry, { startMs, postedNanoUsd, terms }: BudgetAccount): boolean {
  return (
    quiet !== null &&
    quiet.startMs === startMs &&
    postedNanoUsd < quiet.belowNanoUsd &&
    terms.topUps.length === 0
  );
}

/** What is posted late counts against the amount that its window had in the end. */
function within({ startMs, endMs }: BudgetAccount, atMs: number): number {
  return Math.max(startMs, endMs === null ? atMs : Math.min(atMs, endMs - 1));
}

function marksOf(alerts: AlertEntry, amountNanoUsd: number): readonly number[] {
  if (alerts.marks?.amountNanoUsd !== amountNanoUsd) {
    alerts.marks = { amountNanoUsd, nanoUsd: alertMarks(amountNanoUsd, alerts.thresholdsPpm) };
  }
  return alerts.marks.nanoUsd;
}

function remember(told: Map<number, number>, startMs: number, count: number): void {
  told.delete(startMs);
  told.set(startMs, count);
  if (told.size <= TOLD_WINDOWS_MAX) return;
  for (const oldest of told.keys()) {
    told.delete(oldest);
    break;
  }
}

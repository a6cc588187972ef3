/** What credits make of a budget, by the oracle's own reckoning. */
import { spanOf, type Span } from "./calendar.ts";
import type { BudgetTerms } from "./oracle-types.ts";

/** The amount with the top-ups in force at a moment; 0 where there is none. */
export function amountAt(terms: BudgetTerms, wallMs: number): number {
  const { window, timeZone, credits, amountNanoUsd } = terms;
  let amount = amountNanoUsd ?? 0;
  for (const { kind, amountNanoUsd: added, startsAtMs, expiresAtMs } of credits) {
    const untilMs = expiresAtMs ?? spanOf(window, timeZone, startsAtMs).endMs;
    if (kind === "top_up" && wallMs >= startsAtMs && wallMs < untilMs) amount += added;
  }
  return amount;
}

/** What is left of a window's postings when its resets are taken off. */
export function lessResets(postedNanoUsd: number, { credits }: BudgetTerms, span: Span): number {
  let left = postedNanoUsd;
  for (const { kind, amountNanoUsd, startsAtMs } of credits) {
    const isIn = startsAtMs >= span.startMs && startsAtMs < span.endMs;
    if (kind === "reset" && isIn) left = Math.max(0, left - amountNanoUsd);
  }
  return left;
}

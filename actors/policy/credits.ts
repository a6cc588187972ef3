/**
 * What operators added to a budget, as arithmetic on time. A top-up raises the amount while it is in
 * force; a reset takes back what had been posted in its window before it. Neither touches a posting.
 */
import { NANO_USD_MAX, type NanoUsd } from "../../src/base/units.ts";
import { assertNanoUsd } from "./facts.ts";
import { windowOf, type WindowSpan, type WindowTerms } from "./window.ts";

export type Credit = {
  readonly kind: "top_up" | "reset";
  readonly amountNanoUsd: NanoUsd;
  readonly startsAtMs: number;
  readonly expiresAtMs: number | null;
};

/** In force from `fromMs` up to but without `untilMs`; null: for ever. */
export type TopUp = {
  readonly nanoUsd: NanoUsd;
  readonly fromMs: number;
  readonly untilMs: number | null;
};

/** Counts in the window that contains `atMs`. */
export type Reset = { readonly nanoUsd: NanoUsd; readonly atMs: number };

/** The top-ups of a budget; one without an expiry ends with the window that contains its start. */
export function topUpsOf(terms: WindowTerms, credits: readonly Credit[]): TopUp[] {
  return ofKind(credits, "top_up").map(({ amountNanoUsd, startsAtMs, expiresAtMs }) => ({
    nanoUsd: amountNanoUsd,
    fromMs: startsAtMs,
    untilMs: expiresAtMs ?? windowOf(terms, startsAtMs).endMs,
  }));
}

export function resetsOf(credits: readonly Credit[]): Reset[] {
  return ofKind(credits, "reset").map(({ amountNanoUsd, startsAtMs }) => ({
    nanoUsd: amountNanoUsd,
    atMs: startsAtMs,
  }));
}

function ofKind(credits: readonly Credit[], kind: Credit["kind"]): Credit[] {
  const found = credits.filter((credit) => credit.kind === kind);
  for (const { amountNanoUsd } of found) assertNanoUsd(amountNanoUsd, "a credit");
  return found;
}

/** The amount with the top-ups that are in force at `atMs`; unlimited stays unlimited. */
export function raisedAmount(
  amountNanoUsd: NanoUsd | null,
  topUps: readonly TopUp[],
  atMs: number,
): NanoUsd | null {
  if (amountNanoUsd === null || topUps.length === 0) return amountNanoUsd;
  let raised = amountNanoUsd;
  for (const { nanoUsd, fromMs, untilMs } of topUps) {
    const isInForce = atMs >= fromMs && (untilMs === null || atMs < untilMs);
    if (isInForce) raised = Math.min(NANO_USD_MAX, raised + nanoUsd);
  }
  return raised;
}

/** What is left of the sum of a window's postings once its resets are taken off; never below 0. */
export function lessResets(
  postedNanoUsd: NanoUsd,
  resets: readonly Reset[],
  { startMs, endMs }: WindowSpan,
): NanoUsd {
  let left = postedNanoUsd;
  for (const { nanoUsd, atMs } of resets) {
    if (atMs >= startMs && (endMs === null || atMs < endMs)) left = Math.max(0, left - nanoUsd);
  }
  return left;
}

/**
 * The account of one window of one budget: its amount with the top-ups in force, what was posted,
 * less what resets took back, and what is held. Invariant: posted + held + free = amount, in integer
 * nano-dollars, and posted + held never passes the largest amount, so that every sum stays exact.
 *
 * A hold belongs to the window that admitted it, and is settled there.
 */
import { NANO_USD_MAX, type NanoUsd } from "../../src/base/units.ts";
import {
  lessResets,
  raisedAmount,
  resetsOf,
  topUpsOf,
  type Credit,
  type Reset,
  type TopUp,
} from "./credits.ts";
import { assertNanoUsd } from "./facts.ts";
import { windowOf, type WindowTerms } from "./window.ts";

export type BudgetTerms = WindowTerms & {
  /** Without its top-ups; null: no bound. */
  readonly amountNanoUsd: NanoUsd | null;
  readonly mode: "hard" | "soft";
  readonly topUps: readonly TopUp[];
  readonly resets: readonly Reset[];
};

export type BudgetAccount = {
  readonly terms: BudgetTerms;
  readonly startMs: number;
  readonly endMs: number | null;
  /** With the top-ups in force when it was last looked at; null: no bound. */
  readonly amountNanoUsd: NanoUsd | null;
  readonly postedNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
};

/** The rule of a budget, as far as money is concerned. */
export type PlainTerms = WindowTerms & {
  readonly amountNanoUsd: NanoUsd | null;
  readonly mode: "hard" | "soft";
  readonly credits: readonly Credit[];
};

export function termsOf(rule: PlainTerms): BudgetTerms {
  const { window, timeZone, anchor, amountNanoUsd, mode, credits } = rule;
  if (amountNanoUsd !== null) assertNanoUsd(amountNanoUsd, "a budget");
  const topUps = topUpsOf(rule, credits);
  return { window, timeZone, anchor, amountNanoUsd, mode, topUps, resets: resetsOf(credits) };
}

/** The account of the window that contains `atMs`; `postedNanoUsd` is the ledger's sum of it. */
export function createAccount(
  terms: BudgetTerms,
  postedNanoUsd: NanoUsd,
  atMs: number,
): BudgetAccount {
  assertNanoUsd(postedNanoUsd, "posted");
  const span = windowOf(terms, atMs);
  return {
    terms,
    startMs: span.startMs,
    endMs: span.endMs,
    amountNanoUsd: raisedAmount(terms.amountNanoUsd, terms.topUps, atMs),
    postedNanoUsd: lessResets(postedNanoUsd, terms.resets, span),
    heldNanoUsd: 0,
  };
}

/** Does the account's window contain the moment? */
export function covers({ startMs, endMs }: BudgetAccount, atMs: number): boolean {
  return endMs === null || (startMs <= atMs && atMs < endMs);
}

/** The account with the top-ups of `atMs`, a moment of its own window. */
export function withAmountAt(account: BudgetAccount, atMs: number): BudgetAccount {
  const { terms } = account;
  if (terms.topUps.length === 0) return account;
  const amountNanoUsd = raisedAmount(terms.amountNanoUsd, terms.topUps, atMs);
  return amountNanoUsd === account.amountNanoUsd ? account : { ...account, amountNanoUsd };
}

/** What refuses: the amount of a hard budget; null where nothing does. */
export function boundOf({ amountNanoUsd, terms }: BudgetAccount): NanoUsd | null {
  return terms.mode === "hard" ? amountNanoUsd : null;
}

/** Below 0 when attempts cost more than their holds, or the amount fell; null: there is no amount. */
export function freeOf({
  amountNanoUsd,
  postedNanoUsd,
  heldNanoUsd,
}: BudgetAccount): NanoUsd | null {
  return amountNanoUsd === null ? null : amountNanoUsd - postedNanoUsd - heldNanoUsd;
}

/** What costs nothing passes even an exhausted budget, and one of 0. */
export function hasRoom(account: BudgetAccount, nanoUsd: NanoUsd): boolean {
  const bound = boundOf(account);
  if (bound === null || nanoUsd === 0) return true;
  return nanoUsd <= bound - account.postedNanoUsd - account.heldNanoUsd;
}

/**
 * Takes a hold that was found to fit. A budget that refuses nothing takes of it what its sum can
 * still count; what was taken is the difference.
 */
export function reserve(account: BudgetAccount, nanoUsd: NanoUsd): BudgetAccount {
  const { terms, startMs, endMs, amountNanoUsd, postedNanoUsd, heldNanoUsd } = account;
  const countable = NANO_USD_MAX - postedNanoUsd;
  return {
    terms,
    startMs,
    endMs,
    amountNanoUsd,
    postedNanoUsd,
    heldNanoUsd: Math.min(countable, heldNanoUsd + nanoUsd),
  };
}

/** Turns what was taken for a hold into its cost, which may be more (truth wins) or 0 (a void). */
export function settleHold(
  account: BudgetAccount,
  hold: { readonly heldNanoUsd: NanoUsd; readonly costNanoUsd: NanoUsd },
): BudgetAccount {
  const { terms, startMs, endMs, amountNanoUsd } = account;
  const heldNanoUsd = account.heldNanoUsd - hold.heldNanoUsd;
  const postedNanoUsd = Math.min(
    NANO_USD_MAX - heldNanoUsd,
    account.postedNanoUsd + hold.costNanoUsd,
  );
  assertNanoUsd(heldNanoUsd, "what stays held");
  assertNanoUsd(postedNanoUsd, "posted");
  return { terms, startMs, endMs, amountNanoUsd, postedNanoUsd, heldNanoUsd };
}

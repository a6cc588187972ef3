/**
 * The account of one budget: what was posted and what is held in its current window. Windows turn
 * over when they are looked at. Invariant: posted + held + free = amount, in integer nano-dollars.
 *
 * A hold belongs to the window that admitted it. What is resolved after the window has ended is the
 * ledger's history, and does not touch the window that follows.
 */
import { NANO_USD_MAX, type NanoUsd } from "../../src/base/units.ts";
import { windowOf, type WindowKind } from "./window.ts";

export type BudgetTerms = {
  /** null: no bound. */
  readonly amountNanoUsd: NanoUsd | null;
  readonly window: WindowKind;
  readonly timeZone: string;
  readonly mode: "hard" | "soft";
};

export type BudgetAccount = {
  readonly terms: BudgetTerms;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly postedNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
};

/** The account of the window that contains `atMs`, with what the ledger has posted in it. */
export function createAccount(
  terms: BudgetTerms,
  postedNanoUsd: NanoUsd,
  atMs: number,
): BudgetAccount {
  const { startMs, endMs } = windowOf(terms.window, terms.timeZone, atMs);
  return { terms, startMs, endMs, postedNanoUsd, heldNanoUsd: 0 };
}

/** The account as of `atMs`: itself, or an empty one once its window has ended. */
export function accountAt(account: BudgetAccount, atMs: number): BudgetAccount {
  // A clock that steps back does not bring an ended window back.
  if (account.endMs === null || atMs < account.endMs) return account;
  return createAccount(account.terms, 0, atMs);
}

/** The amount that refuses: of a hard budget its own, else the largest that the ledger can hold. */
export function boundOf({ amountNanoUsd, mode }: BudgetTerms): NanoUsd {
  return mode === "hard" && amountNanoUsd !== null ? amountNanoUsd : NANO_USD_MAX;
}

/** What may still be held; below 0 when attempts cost more than their holds or the amount fell. */
export function freeOf(account: BudgetAccount): NanoUsd {
  return boundOf(account.terms) - account.postedNanoUsd - account.heldNanoUsd;
}

/** Takes a hold that was found to fit. */
export function reserve(account: BudgetAccount, nanoUsd: NanoUsd): BudgetAccount {
  return { ...account, heldNanoUsd: account.heldNanoUsd + nanoUsd };
}

/**
 * Turns a hold of the window that began at `windowStartMs` into its cost, which may be more (truth
 * wins) or 0 (a void). Leaves the account as it is when that window is over.
 */
export function settleHold(
  account: BudgetAccount,
  windowStartMs: number,
  hold: { readonly heldNanoUsd: NanoUsd; readonly costNanoUsd: NanoUsd },
): BudgetAccount {
  if (account.startMs !== windowStartMs) return account;
  return {
    ...account,
    heldNanoUsd: account.heldNanoUsd - hold.heldNanoUsd,
    postedNanoUsd: Math.min(NANO_USD_MAX, account.postedNanoUsd + hold.costNanoUsd),
  };
}

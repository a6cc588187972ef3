/**
 * The rule of admission (design, section 5): which of an attempt's ways to run is held. The first
 * one whose worst case fits into what every hard budget of the chain has left. Near exhaustion, when
 * less than a twentieth of an amount would remain, a learned worst case is not good enough: the
 * absolute bound must fit, and is what is held.
 */
import type { NanoUsd } from "../../src/base/units.ts";
import { boundOf, freeOf, type BudgetAccount } from "./budget.ts";

/** Below amount ÷ this, a budget counts as nearly exhausted. */
const NEAR_EXHAUSTION_DIVISOR = 20;

export type PricedOption = { readonly nanoUsd: NanoUsd; readonly strictNanoUsd: NanoUsd };

type Account = { readonly account: BudgetAccount };

export type HoldChoice<O, B> =
  | { readonly fits: true; readonly option: O; readonly heldNanoUsd: NanoUsd }
  /** Of the last option, the cheapest: what it asked, and the first budget it did not fit into. */
  | { readonly fits: false; readonly budget: B; readonly askedNanoUsd: NanoUsd };

/** Chooses among at least one option, in their order of preference. Nothing is taken. */
export function chooseHold<O extends PricedOption, B extends Account>(
  options: readonly O[],
  budgets: readonly B[],
): HoldChoice<O, B> | null {
  let refused: HoldChoice<O, B> | null = null;
  for (const option of options) {
    const fitting = fit(option, budgets);
    if (fitting.fits) return fitting;
    refused = fitting;
  }
  return refused;
}

function fit<O extends PricedOption, B extends Account>(
  option: O,
  budgets: readonly B[],
): HoldChoice<O, B> {
  let heldNanoUsd = option.nanoUsd;
  for (const budget of budgets) {
    if (!hasRoom(budget, option.nanoUsd)) {
      return { fits: false, budget, askedNanoUsd: option.nanoUsd };
    }
    if (isNearExhaustion(budget, option.nanoUsd)) heldNanoUsd = option.strictNanoUsd;
  }
  if (heldNanoUsd === option.nanoUsd) return { fits: true, option, heldNanoUsd };
  for (const budget of budgets) {
    if (!hasRoom(budget, heldNanoUsd)) return { fits: false, budget, askedNanoUsd: heldNanoUsd };
  }
  return { fits: true, option, heldNanoUsd };
}

/** What costs nothing passes even an exhausted budget, and one of 0. */
function hasRoom({ account }: Account, nanoUsd: NanoUsd): boolean {
  return nanoUsd === 0 || nanoUsd <= freeOf(account);
}

function isNearExhaustion({ account }: Account, nanoUsd: NanoUsd): boolean {
  const { amountNanoUsd, mode } = account.terms;
  if (mode === "soft" || amountNanoUsd === null) return false;
  return freeOf(account) - nanoUsd < Math.ceil(boundOf(account.terms) / NEAR_EXHAUSTION_DIVISOR);
}

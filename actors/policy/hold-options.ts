/**
 * The rule of admission (design, section 5): which of an attempt's ways to run is held. The first
 * one whose worst case fits into what every hard budget of the chain has left.
 */
import type { NanoUsd } from "../../src/base/units.ts";
import { hasRoom, type BudgetAccount } from "./budget.ts";

export type PricedOption = {
  /** What is held. */
  readonly nanoUsd: NanoUsd;
  /** What every budget must have left for it, where that is more than what is held. */
  readonly roomNanoUsd?: NanoUsd;
};

type Account = { readonly account: BudgetAccount };

export type HoldChoice<O, B> =
  | {
      readonly fits: true;
      readonly option: O;
      readonly optionIndex: number;
      readonly heldNanoUsd: NanoUsd;
    }
  /** Of the last option, the cheapest: the room it asked for, and the first budget without it. */
  | { readonly fits: false; readonly budget: B; readonly askedNanoUsd: NanoUsd };

/** Chooses among at least one option, in their order of preference. Nothing is taken. */
export function chooseHold<O extends PricedOption, B extends Account>(
  options: readonly O[],
  budgets: readonly B[],
): HoldChoice<O, B> | null {
  let refused: HoldChoice<O, B> | null = null;
  let optionIndex = 0;
  for (const option of options) {
    const { nanoUsd, roomNanoUsd = nanoUsd } = option;
    const budget = budgets.find(({ account }) => !hasRoom(account, roomNanoUsd));
    if (budget === undefined) return { fits: true, option, optionIndex, heldNanoUsd: nanoUsd };
    refused = { fits: false, budget, askedNanoUsd: roomNanoUsd };
    optionIndex += 1;
  }
  return refused;
}

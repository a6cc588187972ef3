/** Guarantees: what is held fits; zero means zero; the first way that fits is taken. */
import { describe, expect, test } from "bun:test";
import { createAccount, termsOf, type BudgetAccount } from "../../actors/policy/budget.ts";
import { chooseHold } from "../../actors/policy/hold-options.ts";
import { NANO_USD_MAX } from "../../src/base/units.ts";
import { number, numberOrNull, table } from "./table.ts";

const AT_MS = Date.UTC(2026, 4, 10, 12);

function budget(
  amountNanoUsd: number | null,
  postedNanoUsd: number,
  mode: "hard" | "soft",
): { readonly account: BudgetAccount } {
  const plain = { window: "day", timeZone: "UTC", anchor: null, credits: [] } as const;
  const terms = termsOf({ ...plain, amountNanoUsd, mode });
  return { account: createAccount(terms, postedNanoUsd, AT_MS) };
}

/** Worst cases, several in order of preference. */
function options(cell: string): { nanoUsd: number; name: string }[] {
  return cell.split(" ").map((text) => ({ nanoUsd: number(text), name: text }));
}

const ONE_BUDGET = table(
  ["amount", "posted", "mode", "options", "chosen", "held", "why"],
  `
  amount | posted | mode | options  | chosen | held | why
  1000   | 0      | hard | 400 100  | 400    | 400  | the worst case fits
  1000   | 600    | hard | 400 100  | 400    | 400  | exactly
  1000   | 601    | hard | 400 100  | 100    | 100  | only the capped one fits
  1000   | 901    | hard | 400 100  | -      | 100  | nothing fits: told is the cheapest
  1000   | 900    | hard | 100      | 100    | 100  | the last nano-dollar can be held
  0      | 0      | hard | 1        | -      | 1    | an amount of 0 blocks what has a price
  0      | 0      | hard | 0        | 0      | 0    | and lets pass what has none
  1000   | 2000   | hard | 0        | 0      | 0    | what is free passes an overdrawn budget too
  1000   | 2000   | hard | 1        | -      | 1    |
  -      | 9999   | hard | 400      | 400    | 400  | unlimited refuses nothing
  1000   | 9999   | soft | 400      | 400    | 400  | a soft budget counts and never refuses
  0      | 0      | soft | 400      | 400    | 400  |
  `,
);

describe("a hold is chosen", () => {
  for (const row of ONE_BUDGET) {
    test(`of ${row.options} with ${row.posted} of ${row.amount} (${row.mode}) spent: ${row.why}`, () => {
      const mode = row.mode === "soft" ? "soft" : "hard";
      const one = budget(numberOrNull(row.amount), number(row.posted), mode);
      const choice = chooseHold(options(row.options), [one]);
      expect(
        choice?.fits === true
          ? { chosen: choice.option.name, held: choice.heldNanoUsd }
          : { chosen: "-", held: choice?.askedNanoUsd ?? -1 },
      ).toEqual({ chosen: row.chosen, held: number(row.held) });
    });
  }

  test("what holds nothing and asks for room is refused by a budget that is used up", () => {
    const budgets = [budget(1_000, 999, "hard"), budget(1_000, 1_000, "soft")];
    const free = [{ nanoUsd: 0, roomNanoUsd: 1 }];
    expect([
      chooseHold(free, budgets),
      chooseHold(free, [budget(1_000, 1_000, "hard")]),
    ]).toMatchObject([
      { fits: true, heldNanoUsd: 0 },
      { fits: false, askedNanoUsd: 1 },
    ]);
  });

  test("only where every budget of the chain has room, and the first that has none is told", () => {
    const wide = budget(10_000, 0, "hard");
    const tight = budget(1_000, 950, "hard");
    const tighter = budget(1_000, 990, "hard");
    const only = options("100");
    expect(chooseHold(only, [wide, tight, tighter])).toEqual({
      fits: false,
      budget: tight,
      askedNanoUsd: 100,
    });
    expect(chooseHold(only, [wide])).toMatchObject({ fits: true, heldNanoUsd: 100 });
  });

  test("by its place in the list, also when a later one is held", () => {
    const tight = budget(1_000, 700, "hard");
    expect(chooseHold(options("400 350 100"), [tight])).toMatchObject({
      optionIndex: 2,
      heldNanoUsd: 100,
    });
  });

  test("whatever soft budgets say, up to the largest sums there are", () => {
    const full = budget(1_000, NANO_USD_MAX, "soft");
    const unlimited = budget(null, NANO_USD_MAX, "hard");
    const huge = options(`${NANO_USD_MAX}`);
    expect(chooseHold(huge, [full, unlimited])).toMatchObject({ fits: true });
  });

  test("against the amount with its top-ups", () => {
    const topUp = {
      kind: "top_up",
      amountNanoUsd: 1_000,
      startsAtMs: 0,
      expiresAtMs: null,
    } as const;
    const plain = { window: "total", timeZone: "UTC", anchor: null, mode: "hard" } as const;
    const terms = termsOf({ ...plain, amountNanoUsd: 1_000, credits: [topUp] });
    const raised = { account: createAccount(terms, 1_500, AT_MS) };
    expect(chooseHold(options("500"), [raised])).toMatchObject({ heldNanoUsd: 500 });
    expect(chooseHold(options("501"), [raised])).toMatchObject({ fits: false });
  });

  test("of nothing when there is nothing to choose from", () => {
    expect(chooseHold([], [budget(1_000, 0, "hard")])).toBeNull();
  });
});

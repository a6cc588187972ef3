/** Guarantees: what is held fits; zero means zero; near the end only the absolute bound counts. */
import { describe, expect, test } from "bun:test";
import { createAccount, type BudgetAccount } from "../../actors/policy/budget.ts";
import { chooseHold } from "../../actors/policy/hold-options.ts";
import { number, numberOrNull, table } from "./table.ts";

const AT_MS = Date.UTC(2026, 4, 10, 12);

function budget(
  amountNanoUsd: number | null,
  postedNanoUsd: number,
  mode: "hard" | "soft",
): { readonly account: BudgetAccount } {
  const terms = { amountNanoUsd, window: "day", timeZone: "UTC", mode } as const;
  return { account: createAccount(terms, postedNanoUsd, AT_MS) };
}

/** `worst/strict`, several in order of preference; a capped one ends with `c`. */
function options(cell: string): { nanoUsd: number; strictNanoUsd: number; name: string }[] {
  return cell.split(" ").map((text) => {
    const [worst = "", strict = ""] = text.split("/");
    return { nanoUsd: number(worst), strictNanoUsd: number(strict), name: text };
  });
}

const ONE_BUDGET = table(
  ["amount", "posted", "mode", "options", "chosen", "held", "why"],
  `
  amount | posted | mode | options           | chosen    | held | why
  1000   | 0      | hard | 400/900 100/200   | 400/900   | 400  | the worst case fits
  1000   | 500    | hard | 400/900 100/200   | 400/900   | 400  | a tenth remains: the learned bound will do
  1000   | 550    | hard | 400/900 100/200   | 400/900   | 400  | exactly a twentieth remains
  1000   | 551    | hard | 400/900 100/200   | 100/200   | 100  | less would remain, and the strict bound does not fit
  1000   | 551    | hard | 400/449           | 400/449   | 449  | less would remain, and the strict bound fits exactly
  1000   | 551    | hard | 400/450           | -         | 450  | the strict bound is one too much
  1000   | 700    | hard | 400/900 100/200   | 100/200   | 100  | only the capped one fits
  1000   | 860    | hard | 400/900 100/140   | 100/140   | 140  | the capped one, by its strict bound
  1000   | 901    | hard | 400/900 100/200   | -         | 100  | nothing fits: told is the cheapest
  1000   | 900    | hard | 100/100           | 100/100   | 100  | the last nano-dollar can be held
  0      | 0      | hard | 1/1               | -         | 1    | an amount of 0 blocks what has a price
  0      | 0      | hard | 0/0               | 0/0       | 0    | and lets pass what has none
  1000   | 2000   | hard | 0/0               | 0/0       | 0    | what is free passes an overdrawn budget too
  1000   | 2000   | hard | 1/1               | -         | 1    |
  -      | 9999   | hard | 400/900           | 400/900   | 400  | unlimited refuses nothing
  1000   | 9999   | soft | 400/900           | 400/900   | 400  | a soft budget counts and never refuses
  0      | 0      | soft | 400/900           | 400/900   | 400  |
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

  test("only where every budget of the chain has room, and the first that has none is told", () => {
    const wide = budget(10_000, 0, "hard");
    const tight = budget(1_000, 950, "hard");
    const tighter = budget(1_000, 990, "hard");
    const only = options("100/200");
    expect(chooseHold(only, [wide, tight, tighter])).toEqual({
      fits: false,
      budget: tight,
      askedNanoUsd: 100,
    });
    expect(chooseHold(only, [wide])).toMatchObject({ fits: true, heldNanoUsd: 100 });
  });

  test("by the strict bound everywhere as soon as one budget is nearly exhausted", () => {
    const near = budget(1_000, 880, "hard");
    const roomy = budget(10_000, 0, "hard");
    expect(chooseHold(options("100/110"), [roomy, near])).toMatchObject({ heldNanoUsd: 110 });
    const noRoomForStrict = budget(10_000, 9_895, "soft");
    expect(chooseHold(options("100/110"), [noRoomForStrict, near])).toMatchObject({
      heldNanoUsd: 110,
    });
  });

  test("of nothing when there is nothing to choose from", () => {
    expect(chooseHold([], [budget(1_000, 0, "hard")])).toBeNull();
  });
});

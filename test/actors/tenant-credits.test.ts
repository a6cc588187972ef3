/** Guarantee: credits change what may be spent and when, never what was. */
import { describe, expect, test } from "bun:test";
import type { BudgetCredit } from "../../actors/contract.ts";
import { tenantBudgets, type TenantHandle } from "../../actors/tenant.ts";
import { admit, ask, budgetRule, costing, DAY_MS, settle, START_MS, tenant } from "./fixtures.ts";

const HOUR_MS = 3_600_000;

function credit(more: Partial<BudgetCredit>): BudgetCredit {
  return {
    id: "crd_1",
    kind: "top_up",
    amountNanoUsd: 500,
    startsAtMs: START_MS,
    expiresAtMs: null,
    ...more,
  };
}

function credited(credits: readonly BudgetCredit[], posted = 0): TenantHandle {
  return tenant({ budgets: [budgetRule({ credits })], postedNanoUsd: { bud_1: posted } });
}

function hold(handle: TenantHandle, name: string, nanoUsd: number, atMs: number): string {
  return ask(handle, admit(name, { options: costing(nanoUsd), atMs }));
}

/** Amount, posted and held. */
function state(handle: TenantHandle, atMs: number): (number | null | undefined)[] {
  const [budget] = tenantBudgets(handle, atMs);
  return [budget?.amountNanoUsd, budget?.postedNanoUsd, budget?.heldNanoUsd];
}

describe("a top-up that expires within the window", () => {
  const endsMs = START_MS + HOUR_MS;

  test("leaves nothing to admit until what is free is positive again", () => {
    const handle = credited([credit({ expiresAtMs: endsMs })], 600);
    expect(hold(handle, "1", 700, endsMs - 1)).toBe("allowed");
    expect(state(handle, endsMs - 1)).toEqual([1_500, 600, 700]);
    expect(state(handle, endsMs)).toEqual([1_000, 600, 700]);
    expect(hold(handle, "2", 1, endsMs)).toBe("budget_exceeded");
    expect(hold(handle, "free", 0, endsMs)).toBe("allowed");
    handle.send(settle("1", 399, endsMs));
    expect(state(handle, endsMs)).toEqual([1_000, 999, 0]);
    expect(hold(handle, "3", 2, endsMs)).toBe("budget_exceeded");
    expect(hold(handle, "4", 1, endsMs)).toBe("allowed");
  });

  test("counts again when the clock steps back to before its end", () => {
    const handle = credited([credit({ expiresAtMs: endsMs })]);
    expect(hold(handle, "1", 1_001, endsMs)).toBe("budget_exceeded");
    expect(hold(handle, "2", 1_001, endsMs - 1)).toBe("allowed");
  });
});

test("a top-up without an expiry is gone with its window", () => {
  const handle = credited([credit({})]);
  const tomorrowMs = START_MS + DAY_MS;
  expect([state(handle, START_MS), state(handle, tomorrowMs)]).toEqual([
    [1_500, 0, 0],
    [1_000, 0, 0],
  ]);
  expect(hold(handle, "1", 1_500, START_MS)).toBe("allowed");
  expect(hold(handle, "2", 1_001, tomorrowMs)).toBe("budget_exceeded");
  expect(hold(handle, "3", 1_000, tomorrowMs)).toBe("allowed");
});

test("a refusal tells the amount with its credits, and what was spent since the reset", () => {
  const reset = credit({ kind: "reset", amountNanoUsd: 800, startsAtMs: START_MS - 1 });
  const handle = credited([credit({}), reset], 900);
  expect(state(handle, START_MS)).toEqual([1_500, 100, 0]);
  expect(handle.ask(admit("1", { options: costing(1_401) }))).toMatchObject({
    refusal: { reason: { limit: 1_500, posted: 100, held: 0, asked: 1_401, freesAtMs: null } },
  });
  expect(hold(handle, "2", 1_400, START_MS)).toBe("allowed");
});

test("a budget of 0 blocks everything priced, an unlimited one nothing, whatever is credited", () => {
  const zero = tenant({ budgets: [budgetRule({ amountNanoUsd: 0 })] });
  const answers = [1, 0].map((nanoUsd) => hold(zero, `${nanoUsd}`, nanoUsd, START_MS));
  expect(answers).toEqual(["budget_exceeded", "allowed"]);
  const credits = [credit({ amountNanoUsd: 3 })];
  const unlimited = tenant({ budgets: [budgetRule({ amountNanoUsd: null, credits })] });
  expect(hold(unlimited, "1", 2 ** 52, START_MS)).toBe("allowed");
  expect(state(unlimited, START_MS)).toEqual([null, 0, 2 ** 52]);
});

describe("absurd reports", () => {
  test("of one attempt leave a soft budget counting and its streams running", () => {
    const handle = tenant({ budgets: [budgetRule({ mode: "soft" })] });
    hold(handle, "1", 100, START_MS);
    hold(handle, "2", 70, START_MS);
    handle.send(settle("1", Number.MAX_SAFE_INTEGER));
    expect(hold(handle, "3", 100, START_MS)).toBe("allowed");
    handle.send(settle("2", 60));
    handle.send(settle("3", 60));
    expect(state(handle, START_MS)).toEqual([1_000, Number.MAX_SAFE_INTEGER, 0]);
    expect(handle.isAlive()).toBe(true);
  });

  test("that are no amounts kill the actor before they bend an account", () => {
    for (const wrong of [Number.NaN, -1, 0.5, 2 ** 53]) {
      const errors: unknown[] = [];
      const handle = tenant({ budgets: [budgetRule({})] }, (error) => errors.push(error));
      hold(handle, "1", 100, START_MS);
      expect(handle.send(settle("1", wrong))).toBe(false);
      expect(errors).toHaveLength(1);
      expect(state(handle, START_MS)).toEqual([1_000, 0, 100]);
      expect(hold(handle, "2", 0, START_MS)).toBe("internal_error");
    }
  });
});

/** Guarantee: each threshold of each window is told once, with the facts, by what passed it. */
import { describe, expect, test } from "bun:test";
import type { BudgetRule } from "../../actors/contract.ts";
import type { TenantHandle } from "../../actors/tenant.ts";
import {
  admit,
  ask,
  budgetRule,
  costing,
  DAY_MS,
  settle,
  START_MS,
  tenant,
  undo,
} from "./fixtures.ts";

const TODAY_MS = Date.UTC(2026, 4, 10);
const HOUR_MS = 3_600_000;
const THRESHOLDS = { alertThresholdsPpm: [1_000_000, 500_000, 800_000] } as const;

function alerting(more: Partial<BudgetRule> = {}, posted = 0): TenantHandle {
  const budgets = [budgetRule({ ...THRESHOLDS, ...more })];
  return tenant({ budgets, postedNanoUsd: { bud_1: posted } });
}

/** Spends `nanoUsd` and returns what was told of it. */
function spend(handle: TenantHandle, name: string, nanoUsd: number, atMs = START_MS): string[] {
  ask(handle, admit(name, { options: costing(0), atMs }));
  handle.send(settle(name, nanoUsd, atMs));
  return told(handle);
}

function told(handle: TenantHandle): string[] {
  return handle
    .takeAlerts()
    .map(({ thresholdPpm, postedNanoUsd, amountNanoUsd }) =>
      [thresholdPpm / 10_000, "%", postedNanoUsd, "of", amountNanoUsd].join(" "),
    );
}

describe("a settlement", () => {
  test("tells a passed threshold with all facts, to one taker", () => {
    const handle = alerting();
    expect(spend(handle, "1", 499)).toEqual([]);
    ask(handle, admit("2", { options: costing(300) }));
    handle.send(settle("2", 1, START_MS + 7));
    expect(handle.takeAlerts()).toEqual([
      {
        budgetId: "bud_1",
        scope: { type: "token", id: "tok_1" },
        windowStartMs: TODAY_MS,
        thresholdPpm: 500_000,
        amountNanoUsd: 1_000,
        postedNanoUsd: 500,
        atMs: START_MS + 7,
      },
    ]);
    expect(handle.takeAlerts()).toEqual([]);
  });

  test("tells all that it passes, in ascending order, and none again", () => {
    const handle = alerting();
    expect(spend(handle, "1", 900)).toEqual(["50 % 900 of 1000", "80 % 900 of 1000"]);
    expect(spend(handle, "2", 50)).toEqual([]);
    expect(spend(handle, "3", 5_000)).toEqual(["100 % 5950 of 1000"]);
    expect(spend(handle, "4", 5_000)).toEqual([]);
  });

  test("of money that is only held, or given back, tells nothing", () => {
    const handle = alerting();
    ask(handle, admit("1", { options: costing(1_000) }));
    handle.send(undo("1"));
    ask(handle, admit("2", { options: costing(1_000) }));
    handle.send(settle("2", 0));
    expect(told(handle)).toEqual([]);
  });

  test("tells soft budgets too, unlimited ones never", () => {
    expect(spend(alerting({ mode: "soft" }), "1", 800)).toHaveLength(2);
    expect(spend(alerting({ amountNanoUsd: null }), "1", 800)).toEqual([]);
    expect(spend(alerting({ amountNanoUsd: 0 }), "1", 1)).toHaveLength(3);
  });

  test("tells every budget of the chain that it passes", () => {
    const rules = ["token", "tenant"] as const;
    const ids = { token: "tok_1", tenant: "ten_1" } as const;
    const budgets = rules.map((type) =>
      budgetRule({ id: `bud_${type}`, scope: { type, id: ids[type] }, ...THRESHOLDS }),
    );
    const handle = tenant({ budgets });
    ask(handle, admit("1", { options: costing(600) }));
    handle.send(settle("1", 600));
    expect(handle.takeAlerts().map(({ budgetId }) => budgetId)).toEqual([
      "bud_token",
      "bud_tenant",
    ]);
  });
});

describe("a window", () => {
  test("begins with nothing told, and keeps what it told when the clock leaps out and back", () => {
    const handle = alerting();
    expect(spend(handle, "1", 600)).toEqual(["50 % 600 of 1000"]);
    expect(spend(handle, "2", 600, START_MS + DAY_MS)).toEqual(["50 % 600 of 1000"]);
    expect(spend(handle, "3", 100)).toEqual([]);
    expect(spend(handle, "4", 100)).toEqual(["80 % 800 of 1000"]);
  });

  test("that has ended is told of by what is settled late", () => {
    const handle = alerting();
    ask(handle, admit("old", { options: costing(600) }));
    ask(handle, admit("new", { options: costing(1), atMs: START_MS + DAY_MS }));
    handle.send(settle("old", 600, START_MS + DAY_MS));
    expect(handle.takeAlerts()).toMatchObject([{ windowStartMs: TODAY_MS, postedNanoUsd: 600 }]);
  });

  test("whose amount was raised counts against the raised one, and is not told anew", () => {
    const topUp = {
      id: "crd_1",
      kind: "top_up",
      amountNanoUsd: 1_000,
      startsAtMs: START_MS + HOUR_MS,
      expiresAtMs: START_MS + 2 * HOUR_MS,
    } as const;
    const handle = alerting({ credits: [topUp] });
    expect(spend(handle, "1", 500)).toEqual(["50 % 500 of 1000"]);
    expect(spend(handle, "2", 600, START_MS + HOUR_MS)).toEqual([]);
    expect(spend(handle, "3", 500, START_MS + HOUR_MS)).toEqual(["80 % 1600 of 2000"]);
    expect(spend(handle, "4", 1, START_MS + 2 * HOUR_MS)).toEqual(["100 % 1601 of 1000"]);
  });
});

test("an actor tells when it is built what had been passed by then, less what was reset", () => {
  expect(told(alerting({}, 850))).toEqual(["50 % 850 of 1000", "80 % 850 of 1000"]);
  const reset = {
    id: "crd_1",
    kind: "reset",
    amountNanoUsd: 800,
    startsAtMs: START_MS - 1,
    expiresAtMs: null,
  } as const;
  const handle = alerting({ credits: [reset] }, 850);
  expect(told(handle)).toEqual([]);
  expect(spend(handle, "1", 450)).toEqual(["50 % 500 of 1000"]);
});

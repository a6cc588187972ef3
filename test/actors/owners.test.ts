/** Guarantee: the same machine keeps the budgets of a tenant, of an end user and of everyone. */
import { describe, expect, test } from "bun:test";
import type { AttemptScopes, ScopeRef } from "../../src/base/scope.ts";
import type { BudgetRule, TenantEvent } from "../../actors/contract.ts";
import { tenantBudgets, tenantLimits, type TenantHandle } from "../../actors/tenant.ts";
import {
  admit,
  ask,
  budgetRule,
  costing,
  end,
  limitRule,
  SCOPES,
  settle,
  START_MS,
  tenant,
  tenantRequestCount,
  undo,
} from "./fixtures.ts";

const ANN: AttemptScopes = { ...SCOPES, endUserId: "ann" };
const SHARED: readonly ScopeRef[] = [
  { type: "route", id: "rte_1" },
  { type: "provider", id: "prv_1" },
  { type: "provider", id: "prv_2" },
  { type: "global", id: "*" },
];

function budgetsOn(scopes: readonly ScopeRef[], more: Partial<BudgetRule> = {}): BudgetRule[] {
  return scopes.map((scope) => budgetRule({ id: `${scope.type} ${scope.id}`, scope, ...more }));
}

function everyone(more: Partial<BudgetRule> = {}): TenantHandle {
  return tenant({ ownerKey: "*", tenantId: null, budgets: budgetsOn(SHARED, more) });
}

/** Budgets that hold or have posted something. */
function touched(handle: TenantHandle): string[] {
  return tenantBudgets(handle, START_MS)
    .filter(({ postedNanoUsd, heldNanoUsd }) => postedNanoUsd + heldNanoUsd > 0)
    .map(
      ({ budgetId, postedNanoUsd, heldNanoUsd }) => `${budgetId}: ${postedNanoUsd}+${heldNanoUsd}`,
    );
}

type FurtherHold = Extract<TenantEvent, { type: "attempt.hold" }>;

function hold(name: string, attempt: string, more: Partial<FurtherHold> = {}): FurtherHold {
  return {
    type: "attempt.hold",
    exchangeId: `req_${name}`,
    attemptId: `att_${attempt}`,
    scopes: SCOPES,
    options: costing(100),
    atMs: START_MS,
    ...more,
  };
}

describe("everyone's actor", () => {
  test("counts in the route, the provider and the whole, whichever tenant asks", () => {
    const handle = everyone();
    expect(ask(handle, admit("1"))).toBe("allowed");
    const other: AttemptScopes = {
      tokenId: "tok_9",
      projectId: null,
      tenantId: "ten_9",
      endUserId: null,
      routeId: null,
      providerId: "prv_2",
    };
    expect(ask(handle, admit("2", { scopes: other }))).toBe("allowed");
    handle.send(settle("2", 70));
    expect(touched(handle)).toEqual([
      "route rte_1: 0+100",
      "provider prv_1: 0+100",
      "provider prv_2: 70+0",
      "global *: 70+100",
    ]);
  });

  test("says that a shared budget refuses, and nothing of what others spent", () => {
    const sentences = SHARED.slice(0, 2).map((scope) => {
      const budgets = budgetsOn([scope], { amountNanoUsd: 50, window: "month" });
      const handle = tenant({ ownerKey: "*", tenantId: null, budgets });
      const verdict = handle.ask(admit("1"));
      return verdict.allowed ? "" : verdict.refusal.message;
    });
    expect(sentences).toEqual([
      "The monthly budget of this model does not cover this request.",
      "The monthly budget of this provider does not cover this request.",
    ]);
    expect(everyone({ amountNanoUsd: 50 }).ask(admit("1"))).toMatchObject({
      refusal: { reason: { ruleId: "route rte_1", limit: 50, asked: 100, posted: 0 } },
    });
  });

  test("holds a further attempt by its own scopes: another provider, another budget", () => {
    const handle = everyone();
    ask(handle, admit("1"));
    handle.send(settle("1", 0));
    const elsewhere = { ...SCOPES, providerId: "prv_2" };
    expect(ask(handle, hold("1", "1b", { scopes: elsewhere }))).toBe("allowed");
    expect(touched(handle)).toEqual([
      "route rte_1: 0+100",
      "provider prv_2: 0+100",
      "global *: 0+100",
    ]);
  });
});

describe("an end user's actor", () => {
  test("keeps the budgets of one end user, and of no other", () => {
    const budgets = budgetsOn([{ type: "end_user", id: "ten_1/ann" }]);
    const handle = tenant({ ownerKey: "ten_1/ann", budgets });
    expect(ask(handle, admit("1", { scopes: ANN, options: costing(900) }))).toBe("allowed");
    expect(handle.ask(admit("2", { scopes: ANN, options: costing(200) }))).toMatchObject({
      refusal: {
        message:
          "The daily budget of 0.000001 USD of this end user does not cover this request: " +
          "0.00 spent, 0.0000009 held by running requests, up to 0.0000002 asked.",
      },
    });
    for (const endUserId of [null, "bob"]) {
      const scopes = { ...SCOPES, endUserId };
      expect(ask(handle, admit("3", { scopes, options: costing(0) }))).toBe("internal_error");
    }
  });
});

describe("an attempt of an exchange that the owner has not admitted", () => {
  test("is held, settled and ended like any other, and takes no slot", () => {
    const handle = tenant({
      budgets: [budgetRule({})],
      limits: [limitRule({ maxConcurrent: 1, requestsPerMinute: 1 })],
      allowances: [{ tokenId: "tok_1", requestsMax: 5, requestsUsed: 2 }],
    });
    expect(ask(handle, hold("1", "1"))).toBe("allowed");
    expect(touched(handle)).toEqual(["bud_1: 0+100"]);
    handle.send(settle("1", 60));
    handle.send(end("1", 500));
    expect(touched(handle)).toEqual(["bud_1: 60+0"]);
    expect(tenantLimits(handle, START_MS)).toMatchObject([{ requestsRemaining: 1, inFlight: 0 }]);
    expect(handle.record().exchanges.size).toBe(0);
  });

  test("is given back by an undo, which gives back no request that was never counted", () => {
    const handle = tenant({
      budgets: [budgetRule({})],
      allowances: [{ tokenId: "tok_1", requestsMax: 5, requestsUsed: 2 }],
    });
    ask(handle, hold("1", "1"));
    ask(handle, hold("1", "2"));
    handle.send(undo("1"));
    expect(touched(handle)).toEqual([]);
    expect(tenantRequestCount(handle, "tok_1")).toBe(2);
    expect([handle.record().exchanges.size, handle.record().holds.size]).toEqual([0, 0]);
  });

  test("is refused for what it costs, like any other, and leaves no trace", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    expect(ask(handle, hold("1", "1", { options: costing(1_001) }))).toBe("budget_exceeded");
    expect(handle.record().exchanges.size).toBe(0);
    const foreign = { ...SCOPES, tenantId: "ten_2" };
    expect(ask(handle, hold("1", "1", { scopes: foreign }))).toBe("internal_error");
  });
});

describe("a verdict", () => {
  test("tells which option was held, also when it is not the first", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    const options = [...costing(5_000), ...costing(2_000), ...costing(300)];
    expect(handle.ask(admit("1", { options }))).toMatchObject({ value: { optionIndex: 2 } });
    expect(handle.ask(hold("1", "2", { options: options.slice(1) }))).toMatchObject({
      value: { optionIndex: 1, heldNanoUsd: 300 },
    });
  });

  test("wants streams stopped at their hold by a hard budget with an amount that says so", () => {
    const wishes = [
      {},
      { onHoldReached: "finish_and_bill" },
      { mode: "soft" },
      { amountNanoUsd: null },
    ] as const satisfies readonly Partial<BudgetRule>[];
    const answers = wishes.map((more) => {
      const budgets = [budgetRule({ ...more }), ...budgetsOn([{ type: "tenant", id: "ten_9" }])];
      const verdict = tenant({ budgets }).ask(admit("1"));
      return verdict.allowed && verdict.value.stopsAtHold;
    });
    expect(answers).toEqual([true, false, false, false]);
    const mixed = [budgetRule({ onHoldReached: "finish_and_bill" }), budgetRule({ id: "bud_2" })];
    expect(tenant({ budgets: mixed }).ask(admit("1"))).toMatchObject({
      value: { stopsAtHold: true },
    });
  });
});

/** What the tenant's actor guarantees about taking: all or nothing, exactly as much as there is. */
import { describe, expect, test } from "bun:test";
import type { LimitRule } from "../../actors/contract.ts";
import {
  tenantBudgets,
  tenantFills,
  tenantLimits,
  tenantRates,
  type TenantHandle,
} from "../../actors/tenant.ts";
import {
  admit,
  ask,
  budgetRule,
  costing,
  end,
  limitRule,
  money,
  SCOPES,
  settle,
  START_MS,
  tenant,
  undo,
  tenantSlotOwners,
  tenantRequestCount,
} from "./fixtures.ts";

/** Everything an admission may take from, so that two moments can be compared. */
function taken(handle: TenantHandle): unknown {
  return {
    budgets: tenantBudgets(handle, START_MS),
    limits: tenantLimits(handle, START_MS),
    fills: tenantFills(handle),
    owners: tenantSlotOwners(handle),
    requests: tenantRequestCount(handle, "tok_1"),
    holds: handle.record().holds.size,
  };
}

describe("a burst of 500 against room for exactly 10", () => {
  const cases: readonly {
    readonly by: string;
    readonly rule: Parameters<typeof tenant>[0];
    readonly code: string;
  }[] = [
    { by: "a budget", rule: { budgets: [budgetRule({})] }, code: "budget_exceeded" },
    {
      by: "a request rate",
      rule: { limits: [limitRule({ requestsPerMinute: 60, burst: 10 })] },
      code: "rate_limit_exceeded",
    },
    {
      by: "a token rate",
      rule: { limits: [limitRule({ tokensPerMinute: 10_000 })] },
      code: "rate_limit_exceeded",
    },
    {
      by: "slots",
      rule: { limits: [limitRule({ maxConcurrent: 10 })] },
      code: "concurrency_limit_exceeded",
    },
    {
      by: "a request allowance",
      rule: { allowances: [{ tokenId: "tok_1", requestsMax: 12, requestsUsed: 2 }] },
      code: "rate_limit_exceeded",
    },
  ];
  for (const { by, rule, code } of cases) {
    test(`of ${by} admits exactly 10`, () => {
      const handle = tenant(rule);
      const answers = new Map<string, number>();
      for (let each = 0; each < 500; each += 1) {
        const answer = ask(handle, admit(`${each}`, { tokens: 1_000 }));
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
      expect([...answers]).toEqual([
        ["allowed", 10],
        [code, 490],
      ]);
    });
  }

  test("has its room back as soon as the ten settle for less", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    for (let each = 0; each < 10; each += 1) ask(handle, admit(`${each}`));
    expect(money(handle)).toEqual({ posted: 0, held: 1_000 });
    for (let each = 0; each < 10; each += 1) handle.send(settle(`${each}`, 40));
    expect(money(handle)).toEqual({ posted: 400, held: 0 });
    let admitted = 0;
    while (ask(handle, admit(`again-${admitted}`)) === "allowed") admitted += 1;
    expect(admitted).toBe(6);
  });
});

describe("an admission is all or nothing", () => {
  const roomy: Omit<LimitRule, "id" | "scope"> = {
    requestsPerMinute: 60,
    tokensPerMinute: 10_000,
    maxConcurrent: 5,
    burst: null,
  };
  const tight = {
    requests: { requestsPerMinute: 0 },
    tokens: { tokensPerMinute: 0 },
    slots: { maxConcurrent: 0 },
    budget: {},
    allowance: {},
  };
  const scopes = [
    { type: "token", id: "tok_1" },
    { type: "project", id: "prj_1" },
    { type: "tenant", id: "ten_1" },
  ] as const;

  for (const [what, change] of Object.entries(tight)) {
    for (const tightScope of scopes) {
      test(`where ${what} of the ${tightScope.type} refuses, nothing is taken anywhere`, () => {
        const handle = tenant({
          limits: scopes.map((scope) => ({
            id: `lim_${scope.type}`,
            scope,
            ...roomy,
            ...(scope === tightScope ? change : {}),
          })),
          budgets: scopes.map((scope) => ({
            ...budgetRule({ id: `bud_${scope.type}`, scope }),
            amountNanoUsd: what === "budget" && scope === tightScope ? 99 : 10_000,
          })),
          allowances: [
            { tokenId: "tok_1", requestsMax: what === "allowance" ? 0 : 9, requestsUsed: 0 },
          ],
        });
        const before = taken(handle);
        expect(ask(handle, admit("1", { tokens: 500 }))).not.toBe("allowed");
        expect(taken(handle)).toEqual(before);
      });
    }
  }

  test("undone, it leaves everything as it was, once", () => {
    const handle = tenant({
      limits: scopes.map((scope) => ({ id: `lim_${scope.type}`, scope, ...roomy })),
      budgets: scopes.map((scope) => budgetRule({ id: `bud_${scope.type}`, scope })),
      allowances: [{ tokenId: "tok_1", requestsMax: 9, requestsUsed: 3 }],
    });
    const before = taken(handle);
    expect(ask(handle, admit("1", { tokens: 500 }))).toBe("allowed");
    expect(taken(handle)).not.toEqual(before);
    handle.send(undo("1"));
    expect(taken(handle)).toEqual(before);
    handle.send(undo("1"));
    handle.send(end("1"));
    handle.send(settle("1", 70));
    expect(taken(handle)).toEqual(before);
  });

  test("of another tenant's scopes, or asked for twice, it is refused as a failure of ours", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    const foreign = { ...SCOPES, tenantId: "ten_2" };
    expect(ask(handle, admit("1", { scopes: foreign }))).toBe("internal_error");
    expect(ask(handle, admit("1"))).toBe("allowed");
    expect(ask(handle, admit("1"))).toBe("internal_error");
    expect(ask(handle, admit("1", { exchangeId: "req_2" }))).toBe("internal_error");
    expect(money(handle)).toEqual({ posted: 0, held: 100 });
  });
});

describe("a verdict", () => {
  test("says what is held, whether the output is capped, and the tightest rates", () => {
    const handle = tenant({
      budgets: [budgetRule({})],
      limits: [
        limitRule({ id: "lim_1", requestsPerMinute: 60, tokensPerMinute: 1_000 }),
        limitRule({
          id: "lim_2",
          scope: { type: "tenant", id: "ten_1" },
          requestsPerMinute: 6,
          tokensPerMinute: 60_000,
        }),
      ],
    });
    const options = [
      { nanoUsd: 5_000, outputTokensCap: null },
      { nanoUsd: 400, outputTokensCap: 1_024 },
    ];
    expect(handle.ask(admit("1", { options, tokens: 250 }))).toEqual({
      allowed: true,
      value: {
        heldNanoUsd: 400,
        outputTokensCap: 1_024,
        optionIndex: 1,
        stopsAtHold: true,
        requests: { limit: 6, remaining: 5, resetMs: 10_000 },
        tokens: { limit: 1_000, remaining: 750, resetMs: 15_000 },
      },
    });
    expect(tenantRates(handle, SCOPES, START_MS + 10_000)).toEqual({
      requests: { limit: 6, remaining: 6, resetMs: 0 },
      tokens: { limit: 1_000, remaining: 916, resetMs: 5_000 },
    });
  });

  test("on a further attempt is about money alone", () => {
    const handle = tenant({
      budgets: [budgetRule({})],
      limits: [limitRule({ requestsPerMinute: 1, maxConcurrent: 1 })],
    });
    ask(handle, admit("1", { options: costing(600) }));
    const hold = {
      type: "attempt.hold",
      exchangeId: "req_1",
      attemptId: "att_2",
      scopes: SCOPES,
      atMs: START_MS,
    } as const;
    expect(ask(handle, { ...hold, options: costing(500) })).toBe("budget_exceeded");
    handle.send(settle("1", 0));
    expect(handle.ask({ ...hold, options: costing(500) })).toEqual({
      allowed: true,
      value: {
        heldNanoUsd: 500,
        outputTokensCap: null,
        optionIndex: 0,
        stopsAtHold: true,
        requests: null,
        tokens: null,
      },
    });
    expect(ask(handle, { ...hold, options: costing(1) })).toBe("internal_error");
    expect(money(handle)).toEqual({ posted: 0, held: 500 });
  });
});

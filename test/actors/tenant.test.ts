/** What the tenant's actor guarantees about what was taken: it is settled, freed and counted once. */
import { describe, expect, test } from "bun:test";
import { assert } from "../../src/base/assert.ts";
import type { Refusal } from "../../src/base/verdict.ts";
import type { TenantVerdict } from "../../actors/contract.ts";
import {
  isTenantIdle,
  learnedOutputTokens,
  tenantBudgets,
  tenantLimits,
} from "../../actors/tenant.ts";
import {
  admit,
  ask,
  budgetRule,
  costing,
  DAY_MS,
  end,
  limitRule,
  money,
  SCOPES,
  settle,
  START_MS,
  tenant,
  tenantRequestCount,
} from "./fixtures.ts";

function refusalOf(verdict: TenantVerdict): Refusal {
  assert(!verdict.allowed, "the request was allowed");
  return verdict.refusal;
}

describe("money", () => {
  test("settles once, for what it really cost, even beyond the cap", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    ask(handle, admit("1", { options: costing(900) }));
    handle.send(settle("1", 1_300));
    handle.send(settle("1", 1_300));
    expect(money(handle)).toEqual({ posted: 1_300, held: 0 });
    expect(ask(handle, admit("2", { options: costing(1) }))).toBe("budget_exceeded");
    expect(ask(handle, admit("3", { options: costing(0) }))).toBe("allowed");
  });

  test("of an attempt that nobody knows moves nothing", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    expect(handle.send(settle("never-seen", 500))).toBe(true);
    expect(money(handle)).toEqual({ posted: 0, held: 0 });
  });

  test("stays held after the exchange has ended, until the attempt is settled", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    ask(handle, admit("1"));
    handle.send(end("1"));
    expect(money(handle)).toEqual({ posted: 0, held: 100 });
    handle.send(settle("1", 30));
    expect(money(handle)).toEqual({ posted: 30, held: 0 });
  });

  test("counts in every budget of the chain, soft ones included, and in no other", () => {
    const handle = tenant({
      budgets: [
        budgetRule({ id: "bud_token" }),
        budgetRule({ id: "bud_other", scope: { type: "token", id: "tok_2" } }),
        budgetRule({
          id: "bud_soft",
          scope: { type: "project", id: "prj_1" },
          mode: "soft",
          amountNanoUsd: 1,
        }),
        budgetRule({ id: "bud_all", scope: { type: "tenant", id: "ten_1" }, amountNanoUsd: null }),
      ],
    });
    expect(ask(handle, admit("1"))).toBe("allowed");
    handle.send(settle("1", 60));
    const withoutProject = { ...SCOPES, projectId: null };
    expect(ask(handle, admit("2", { scopes: withoutProject }))).toBe("allowed");
    expect(
      tenantBudgets(handle, START_MS).map((state) => [
        state.budgetId,
        state.postedNanoUsd,
        state.heldNanoUsd,
      ]),
    ).toEqual([
      ["bud_token", 60, 100],
      ["bud_other", 0, 0],
      ["bud_soft", 60, 0],
      ["bud_all", 60, 100],
    ]);
  });

  test("of the window before settles there and leaves the new window alone", () => {
    const handle = tenant({ budgets: [budgetRule({})] });
    ask(handle, admit("old", { options: costing(700) }));
    const tomorrowMs = START_MS + DAY_MS;
    expect(ask(handle, admit("new", { options: costing(900), atMs: tomorrowMs }))).toBe("allowed");
    handle.send(settle("old", 650, tomorrowMs));
    expect(tenantBudgets(handle, tomorrowMs)).toEqual([
      {
        budgetId: "bud_1",
        amountNanoUsd: 1_000,
        postedNanoUsd: 0,
        heldNanoUsd: 900,
        windowStartedAtMs: Date.UTC(2026, 4, 11),
        windowEndsAtMs: Date.UTC(2026, 4, 12),
      },
    ]);
  });

  test("is shown for the window of now, though nothing has happened in it yet", () => {
    const handle = tenant({ budgets: [budgetRule({})], postedNanoUsd: { bud_1: 400 } });
    expect(tenantBudgets(handle, START_MS)[0]?.postedNanoUsd).toBe(400);
    expect(tenantBudgets(handle, START_MS + DAY_MS)[0]?.postedNanoUsd).toBe(0);
    expect(money(handle)).toEqual({ posted: 400, held: 0 });
  });
});

describe("rates and slots", () => {
  test("a small token rate stays usable: the estimate is cut to the bucket, the truth is debt", () => {
    const handle = tenant({ limits: [limitRule({ tokensPerMinute: 200 })] });
    expect(ask(handle, admit("1", { tokens: 131_072 }))).toBe("allowed");
    handle.send(end("1", 500));
    const refused = handle.ask(admit("2", { tokens: 100 }));
    // 300 of debt and 100 to take, at 200 a minute.
    expect(refused).toMatchObject({ refusal: { retryAfterMs: 120_000 } });
    const laterMs = START_MS + 120_000;
    expect(ask(handle, admit("3", { tokens: 100, atMs: laterMs - 1 }))).toBe("rate_limit_exceeded");
    expect(ask(handle, admit("4", { tokens: 100, atMs: laterMs }))).toBe("allowed");
  });

  test("tokens that were taken and not used come back when the exchange ends, once", () => {
    const handle = tenant({ limits: [limitRule({ tokensPerMinute: 1_000 })] });
    ask(handle, admit("1", { tokens: 800 }));
    handle.send(end("1", 300));
    handle.send(end("1", 300));
    expect(tenantLimits(handle, START_MS)).toEqual([
      { limitId: "lim_1", requestsRemaining: null, tokensRemaining: 700, inFlight: 0 },
    ]);
  });

  test("a refusal tells what was used and what requests in flight hold", () => {
    const handle = tenant({ limits: [limitRule({ tokensPerMinute: 1_000 })] });
    for (const name of ["1", "2"]) ask(handle, admit(name, { tokens: 400 }));
    handle.send(end("1", 300));
    const { reason } = refusalOf(handle.ask(admit("3", { tokens: 500 })));
    expect(reason).toMatchObject({ limit: 1_000, posted: 300, held: 400, asked: 500 });
  });

  test("a slot is free again as soon as its exchange ends", () => {
    const handle = tenant({ limits: [limitRule({ maxConcurrent: 1 })] });
    expect(ask(handle, admit("1"))).toBe("allowed");
    expect(ask(handle, admit("2"))).toBe("concurrency_limit_exceeded");
    handle.send(end("1"));
    handle.send(end("1"));
    expect(ask(handle, admit("3"))).toBe("allowed");
    expect(ask(handle, admit("4"))).toBe("concurrency_limit_exceeded");
  });

  test("a limit concerns its own scope only", () => {
    const handle = tenant({ limits: [limitRule({ requestsPerMinute: 1 })] });
    expect(ask(handle, admit("1"))).toBe("allowed");
    expect(ask(handle, admit("2"))).toBe("rate_limit_exceeded");
    const other = { ...SCOPES, tokenId: "tok_2" };
    expect(ask(handle, admit("3", { scopes: other }))).toBe("allowed");
  });

  test("requests of an access token with an allowance are counted", () => {
    const handle = tenant({ allowances: [{ tokenId: "tok_1", requestsMax: 5, requestsUsed: 4 }] });
    expect(tenantRequestCount(handle, "tok_1")).toBe(4);
    ask(handle, admit("1"));
    expect(ask(handle, admit("2"))).toBe("rate_limit_exceeded");
    expect(tenantRequestCount(handle, "tok_1")).toBe(5);
    expect(tenantRequestCount(handle, "tok_2")).toBeNull();
  });
});

test("learned output sizes belong to the tenant's access token and model", () => {
  const handle = tenant({});
  for (let each = 0; each < 20; each += 1) {
    handle.send({
      type: "attempt.settle",
      attemptId: "att_1",
      costNanoUsd: 0,
      observed: { tokenId: "tok_1", model: "gpt", outputTokens: 8 },
      atMs: START_MS,
    });
  }
  expect(learnedOutputTokens(handle, "tok_1", "gpt")).toBe(10);
  expect(learnedOutputTokens(handle, "tok_2", "gpt")).toBe(1_024);
});

test("a suspended tenant takes nothing new and ends what runs", () => {
  const handle = tenant({
    budgets: [budgetRule({})],
    limits: [limitRule({ maxConcurrent: 1 })],
  });
  ask(handle, admit("1"));
  handle.send({ type: "tenant.suspend", atMs: START_MS });
  expect(ask(handle, admit("2"))).toBe("tenant_suspended");
  handle.send(settle("1", 10));
  handle.send(end("1"));
  expect(money(handle)).toEqual({ posted: 10, held: 0 });
  handle.send({ type: "tenant.activate", atMs: START_MS });
  expect(ask(handle, admit("3"))).toBe("allowed");
});

test("a tenant that was suspended when its actor was built refuses from the first request on", () => {
  expect(ask(tenant({ status: "suspended" }), admit("1"))).toBe("tenant_suspended");
});

test("an actor is idle when nothing runs, nothing is held and every bucket is full again", () => {
  const handle = tenant({
    budgets: [budgetRule({})],
    limits: [limitRule({ requestsPerMinute: 60, tokensPerMinute: 600 })],
  });
  expect(isTenantIdle(handle, START_MS)).toBe(true);
  ask(handle, admit("1", { tokens: 300 }));
  const laterMs = START_MS + 60_000;
  expect(isTenantIdle(handle, laterMs)).toBe(false);
  handle.send(settle("1", 10, laterMs));
  expect(isTenantIdle(handle, laterMs)).toBe(false);
  handle.send(end("1", 310, laterMs));
  expect(isTenantIdle(handle, laterMs)).toBe(false);
  expect(isTenantIdle(handle, laterMs + 1_000)).toBe(true);
});

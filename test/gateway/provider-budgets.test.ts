/**
 * Budgets of providers and routes are asked for each attempt: a provider whose own budget is used up
 * is passed over, and its money is spent nowhere else.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { GLOBAL_SCOPE_ID, type ScopeRef } from "../../src/base/scope.ts";
import type { BudgetRow } from "../../src/store/contract.ts";
import { chat, errorOf, type ChatOptions, type ChatReply } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, change, attemptsOf } = await twoProvidersForFile();
const { directory, lifecycle } = tollgate.gateway;
await tollgate.addPrice(first.row.id, "sim-small");
await tollgate.addPrice(second.row.id, "sim-large");

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;

const budgets: BudgetRow[] = [];
afterEach(async () => {
  await until(() => lifecycle.inFlightCount() === 0);
  for (const { id } of budgets.splice(0)) {
    await tollgate.store.remove("budgets", id);
    await directory.changed("budgets", id, null);
  }
});

/** A budget with room for so many requests beyond what its scope has spent already. */
async function addBudget(scope: ScopeRef, room: number): Promise<BudgetRow> {
  await tollgate.store.flush();
  const window = { budgetId: "any", scope, startMs: 0, endMs: null };
  const [posted = 0] = await tollgate.store.windowSums([window]);
  const budget = await tollgate.addBudget({
    scopeType: scope.type,
    scopeId: scope.id,
    tenantId: null,
    amountNanoUsd: posted + room * COST_NANO_USD,
    window: "total",
  });
  budgets.push(budget);
  return budget;
}

const ofFirst: ScopeRef = { type: "provider", id: first.row.id };
const ofSecond: ScopeRef = { type: "provider", id: second.row.id };

function ask(options: Partial<ChatOptions> = {}): Promise<ChatReply> {
  return chat(tollgate.url, {
    token,
    script: "tokens=100",
    ...options,
    body: { max_tokens: 100, ...options.body },
  });
}

async function left(budget: BudgetRow): Promise<number | null> {
  const state = await directory.budgetState(budget, null);
  if (state === null || state.amountNanoUsd === null) return null;
  return state.amountNanoUsd - state.postedNanoUsd - state.heldNanoUsd;
}

function seen(): [number, number] {
  return [first.upstream.stats().requests, second.upstream.stats().requests];
}

describe.each([
  ["plain", false],
  ["streamed", true],
])("a provider with a budget of its own, %s", (_name, stream) => {
  test("is passed over when it is used up, and the other serves", async () => {
    const budget = await addBudget(ofFirst, 2);
    const replies = [];
    for (let count = 0; count < 5; count += 1) replies.push(await ask({ body: { stream } }));
    expect(replies.map(({ headers }) => headers.get("x-tollgate-provider"))).toEqual([
      "first",
      "first",
      "second",
      "second",
      "second",
    ]);
    expect([seen(), await left(budget)]).toEqual([[2, 3], 0]);
  });

  test("of which 20 ask at once with room for 5, serves 5, and the other 15", async () => {
    const budget = await addBudget(ofFirst, 5);
    await change({ ...first.row, timeoutsMs: second.row.timeoutsMs });
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask({ body: { stream } })));
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect([seen(), await left(budget)]).toEqual([[5, 15], 0]);
  });

  test("when all are used up the client is told so, and that its own budget is not the reason", async () => {
    await addBudget(ofFirst, 0);
    await addBudget(ofSecond, 0);
    const reply = await ask({ body: { stream } });
    expect([reply.status, errorOf(reply)]).toEqual([
      429,
      expect.objectContaining({
        code: "budget_exceeded",
        message: "The budget of this provider does not cover this request.",
      }),
    ]);
    expect(seen()).toEqual([0, 0]);
  });

  test("is not failed over to when it is used up, and its refusal hides no provider's answer", async () => {
    const budget = await addBudget(ofSecond, 0);
    const reply = await ask({ body: { stream }, script: "status=500" });
    expect(reply.status).toBe(500);
    expect([seen()[1], await left(budget)]).toEqual([0, 0]);
  });

  test("is failed over to and pays for its own attempt alone", async () => {
    const ofTheFirst = await addBudget(ofFirst, 3);
    const ofTheSecond = await addBudget(ofSecond, 3);
    const everything = await addBudget({ type: "global", id: GLOBAL_SCOPE_ID }, 3);
    first.upstream.script("status=529");
    const reply = await ask({ body: { stream }, script: "" });
    expect(reply.headers.get("x-tollgate-provider")).toBe("second");
    const attempts = await attemptsOf(reply.headers.get("x-request-id"));
    expect(attempts.map(({ kind }) => kind)).toEqual(["void", "settle"]);
    const spent = (await left(ofTheSecond)) ?? 0;
    expect(spent).toBeLessThan(3 * COST_NANO_USD);
    expect([await left(ofTheFirst), await left(everything)]).toEqual([3 * COST_NANO_USD, spent]);
  });
});

test("a resting provider with room is worth waiting for, more than a used-up one's budget", async () => {
  await addBudget(ofFirst, 0);
  second.upstream.script("status=429&retry_after=60");
  // Too short a time for the exchange to wait for it.
  const headers = { "x-tollgate-timeout-ms": "10000" };
  expect((await ask({ script: "", headers })).status).toBe(429);
  const reply = await ask({ script: "" });
  expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([
    503,
    "provider_unavailable",
  ]);
  expect(seen()[0]).toBe(0);
});

test("a route's budget holds for its own model, and for no other name of the same target", async () => {
  const route = (
    await tollgate.store.page("routes", { model: "alone" }, { limit: 1, cursor: null })
  ).rows[0];
  const budget = await addBudget({ type: "route", id: route?.id ?? "" }, 1);
  const alone = { body: { model: "alone" } };
  const replies = [await ask(alone), await ask(alone), await ask()];
  replies.push(await ask({ body: { model: "first/sim-small" } }));
  expect(replies.map(({ status }) => status)).toEqual([200, 429, 200, 200]);
  expect(await left(budget)).toBe(0);
});

/**
 * What a budget allows: nothing at 0, everything at null, everything where it is soft, more while a
 * top-up is in force, and all of it again after a reset; for every owner of budgets alike.
 */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { BudgetRow, CreditRow } from "../../src/store/contract.ts";
import { newId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import { chat, type ChatReply } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { leapingClock } from "./leaping-clock.ts";

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;
const MINUTE_MS = 60_000;

const clock = leapingClock();
clock.leap(Date.UTC(2027, 0, 13, 10) - clock.nowMs());
const tollgate = await startTestGateway({ clock });
afterAll(() => tollgate.stop());
const { gateway, store, upstream } = tollgate;
const { directory } = gateway;
const provider = await tollgate.addProvider();
await tollgate.addPrice(provider.id, "sim-small");
await tollgate.addPrice(provider.id, "sim-large", { outputPicoUsd: 0 });
for (const [name, model] of [
  ["small", "sim-small"],
  ["free", "sim-large"],
] as const) {
  await tollgate.addRoute(name, [{ providerId: provider.id, model, weight: 1, priority: 0 }]);
}

let tenantId: string;
let token: string;
let user: string;
let users = 0;

beforeEach(async () => {
  upstream.reset();
  users += 1;
  user = `u-${users}`;
  tenantId = (await tollgate.addTenant()).id;
  ({ token } = await tollgate.addToken(tenantId));
});

type Scope = "tenant" | "end_user" | "each_end_user" | "global";

async function addBudget(scope: Scope, terms: Partial<BudgetRow>): Promise<BudgetRow> {
  const places = {
    tenant: { scopeType: "tenant", scopeId: tenantId, tenantId },
    end_user: { scopeType: "end_user", scopeId: user, tenantId },
    each_end_user: { scopeType: "end_user", scopeId: "*", tenantId },
    global: { scopeType: "global", scopeId: "*", tenantId: null },
  } as const;
  return tollgate.addBudget({ ...places[scope], ...terms });
}

async function remove(noun: "budgets" | "credits", id: string): Promise<void> {
  await store.remove(noun, id);
  await directory.changed(noun, id, null);
}

function addCredit(
  budget: BudgetRow,
  scope: Scope,
  members: Pick<CreditRow, "kind" | "amountNanoUsd"> & Partial<CreditRow>,
): Promise<CreditRow> {
  return tollgate.put("credits", {
    id: newId("credit", systemRandom),
    budgetId: budget.id,
    endUserId: scope === "each_end_user" ? user : null,
    startsAtMs: clock.nowMs(),
    expiresAtMs: null,
    note: null,
    version: 1,
    createdAtMs: clock.nowMs(),
    ...members,
  });
}

function ask(model = "small"): Promise<ChatReply> {
  const body = { model, max_tokens: 100, user };
  return chat(tollgate.url, { token, body, script: "tokens=100" });
}

async function statuses(count: number): Promise<number[]> {
  const got: number[] = [];
  for (let each = 0; each < count; each += 1) got.push((await ask()).status);
  await until(() => gateway.lifecycle.inFlightCount() === 0);
  return got;
}

/** Amount, posted and held. */
async function account(budget: BudgetRow, scope: Scope): Promise<unknown> {
  const state = await directory.budgetState(budget, scope === "each_end_user" ? user : null);
  return state === null ? null : [state.amountNanoUsd, state.postedNanoUsd, state.heldNanoUsd];
}

/** What the scope has spent before, which only the one for everything has. */
async function spentBefore(scope: Scope): Promise<number> {
  if (scope !== "global") return 0;
  const ref = { type: "global", id: "*" } as const;
  const [posted = 0] = await store.windowSums([
    { budgetId: "any", scope: ref, startMs: 0, endMs: null },
  ]);
  return posted;
}

describe.each<Scope>(["tenant", "end_user", "each_end_user", "global"])("a budget: %s", (scope) => {
  test("of 0 blocks everything that costs, and nothing that is free", async () => {
    const budget = await addBudget(scope, { amountNanoUsd: 0 });
    expect([...(await statuses(2)), (await ask("free")).status]).toEqual([429, 429, 200]);
    expect(upstream.stats().requests).toBe(1);
    await remove("budgets", budget.id);
  });

  test("of null counts and blocks nothing", async () => {
    const before = await spentBefore(scope);
    const budget = await addBudget(scope, { amountNanoUsd: null, window: "total" });
    expect(await statuses(2)).toEqual([200, 200]);
    expect(await account(budget, scope)).toEqual([null, before + 2 * COST_NANO_USD, 0]);
    await remove("budgets", budget.id);
  });

  test("that is soft counts past its amount", async () => {
    const before = await spentBefore(scope);
    const terms = { amountNanoUsd: COST_NANO_USD, mode: "soft", window: "total" } as const;
    const budget = await addBudget(scope, terms);
    expect(await statuses(3)).toEqual([200, 200, 200]);
    expect(await account(budget, scope)).toEqual([COST_NANO_USD, before + 3 * COST_NANO_USD, 0]);
    await remove("budgets", budget.id);
  });

  test("allows more while a top-up is in force, and no longer when it has expired", async () => {
    const before = await spentBefore(scope);
    const amountNanoUsd = before + COST_NANO_USD;
    const budget = await addBudget(scope, { amountNanoUsd, window: "total" });
    expect(await statuses(2)).toEqual([200, 429]);
    const expiresAtMs = clock.nowMs() + 10 * MINUTE_MS;
    const topUp = { kind: "top_up", amountNanoUsd: 3 * COST_NANO_USD, expiresAtMs } as const;
    const credit = await addCredit(budget, scope, topUp);
    expect(await statuses(2)).toEqual([200, 200]);
    expect(await account(budget, scope)).toEqual([
      amountNanoUsd + 3 * COST_NANO_USD,
      before + 3 * COST_NANO_USD,
      0,
    ]);
    clock.leap(11 * MINUTE_MS);
    expect(await statuses(1)).toEqual([429]);
    expect(await account(budget, scope)).toEqual([amountNanoUsd, before + 3 * COST_NANO_USD, 0]);
    await remove("credits", credit.id);
    await remove("budgets", budget.id);
  });

  test("begins anew after a reset, while the ledger keeps what was spent", async () => {
    const before = await spentBefore(scope);
    const amountNanoUsd = before + 2 * COST_NANO_USD;
    const budget = await addBudget(scope, { amountNanoUsd, window: "total" });
    expect(await statuses(3)).toEqual([200, 200, 429]);
    const posted = before + 2 * COST_NANO_USD;
    const credit = await addCredit(budget, scope, { kind: "reset", amountNanoUsd: posted });
    expect(await account(budget, scope)).toEqual([amountNanoUsd, 0, 0]);
    expect(await statuses(1)).toEqual([200]);
    expect(await account(budget, scope)).toEqual([amountNanoUsd, COST_NANO_USD, 0]);
    // Taking the reset back brings back what it took, untouched.
    await remove("credits", credit.id);
    expect(await account(budget, scope)).toEqual([amountNanoUsd, posted + COST_NANO_USD, 0]);
    expect(await statuses(1)).toEqual([429]);
    await remove("budgets", budget.id);
  });
});

test("a top-up of one end user's default is nobody else's", async () => {
  const budget = await addBudget("each_end_user", { amountNanoUsd: 0, window: "total" });
  expect(await statuses(1)).toEqual([429]);
  await addCredit(budget, "each_end_user", { kind: "top_up", amountNanoUsd: COST_NANO_USD });
  expect(await statuses(2)).toEqual([200, 429]);
  user = "somebody else";
  expect(await statuses(1)).toEqual([429]);
});

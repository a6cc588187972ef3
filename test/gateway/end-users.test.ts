/**
 * End users are known by their client's word alone: one that nobody has seen obeys the tenant's
 * default budgets from the first request on, and no restart, passivation or edit forgets a cent.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { BudgetRow } from "../../src/store/contract.ts";
import { chat, errorOf, type ChatReply } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { leapingClock, type LeapingClock } from "./leaping-clock.ts";

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;
const SCRIPT = "tokens=100&headers_delay_ms=50";

let clock: LeapingClock;
let tollgate: TestGateway;
let tenantId: string;
let token: string;
let each: BudgetRow;

beforeEach(async () => {
  clock = leapingClock();
  tollgate = await startTestGateway({ clock });
  tenantId = (await tollgate.addTenant()).id;
  ({ token } = await tollgate.addToken(tenantId));
  const provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-small");
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
  each = await addDefault(1);
});

afterEach(() => tollgate.stop());

/** A default for each end user with room for so many requests. */
function addDefault(room: number): Promise<BudgetRow> {
  const scope = { scopeType: "end_user", scopeId: "*", tenantId } as const;
  return tollgate.addBudget({ ...scope, amountNanoUsd: room * COST_NANO_USD, window: "total" });
}

function ask(members: object): Promise<ChatReply> {
  const body = { max_tokens: 100, ...members };
  return chat(tollgate.url, { token, body, script: SCRIPT });
}

/** So many at once; how many of them got through to the upstream. */
async function burst(count: number, members: object): Promise<number> {
  const before = tollgate.upstream.stats().requests;
  await Promise.all(Array.from({ length: count }, () => ask(members)));
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  return tollgate.upstream.stats().requests - before;
}

async function account(endUserId: string, budget = each): Promise<unknown> {
  const state = await tollgate.gateway.directory.budgetState(budget, endUserId);
  return state === null ? null : [state.postedNanoUsd, state.heldNanoUsd];
}

function endUsersInMemory(): string[] {
  const owners = [...tollgate.gateway.directory.owners.loaded()].map(([owner]) => owner);
  return owners.flatMap((owner) => (owner.type === "end_user" ? [owner.endUserId] : []));
}

test("50 first requests of an end user never seen, with room for 1, are 1 at the upstream", async () => {
  expect(await burst(50, { user: "new" })).toBe(1);
  expect(await burst(50, { safety_identifier: "newer" })).toBe(1);
  expect([await account("new"), await account("newer"), await account("nobody")]).toEqual([
    [COST_NANO_USD, 0],
    [COST_NANO_USD, 0],
    [0, 0],
  ]);
});

test("requests that name nobody are nobody's, and pass", async () => {
  expect(await burst(3, {})).toBe(3);
  expect(await burst(3, { user: 7 })).toBe(3);
  expect(endUsersInMemory()).toEqual([]);
});

test("a refusal names the end user by the client's own word, and so does the request row", async () => {
  await ask({ user: "a/b" });
  const reply = await ask({ user: "a/b" });
  expect(errorOf(reply)).toMatchObject({
    code: "budget_exceeded",
    message: expect.stringContaining("of this end user"),
  });
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({}, { limit: 10, cursor: null });
  expect(rows.map(({ status, endUserId }) => [status, endUserId])).toEqual([
    [429, "a/b"],
    [200, "a/b"],
  ]);
  expect(rows[0]?.refusal).toMatchObject({
    kind: "budget",
    ruleId: each.id,
    scope: { type: "end_user", id: "a/b" },
  });
});

test("one that was dropped from memory is asked for what the ledger knows of it", async () => {
  expect(await burst(5, { user: "idle" })).toBe(1);
  clock.leap(60 * 60_000);
  tollgate.gateway.directory.owners.passivateIdle();
  expect(endUsersInMemory()).toEqual([]);
  expect(await account("idle")).toEqual([COST_NANO_USD, 0]);
  expect(endUsersInMemory()).toEqual([]);
  expect(await burst(5, { user: "idle" })).toBe(0);
});

test("a restart forgets nobody", async () => {
  expect(await burst(5, { user: "old" })).toBe(1);
  tollgate = await tollgate.restart();
  expect(await burst(50, { user: "old" })).toBe(0);
  expect(await burst(50, { user: "new" })).toBe(1);
});

test("while its actor is being built anew, its requests wait and are counted", async () => {
  const { directory } = tollgate.gateway;
  const edits = (async () => {
    for (let edit = 0; edit < 40; edit += 1) {
      await directory.changed("budgets", each.id, { ...each });
    }
  })();
  expect(await burst(200, { user: "busy" })).toBe(1);
  await edits;
  expect(await account("busy")).toEqual([COST_NANO_USD, 0]);
});

test("an own budget takes the place of the defaults, also while it is edited, and gives it back", async () => {
  const { directory } = tollgate.gateway;
  expect(await burst(3, { user: "vip" })).toBe(1);
  const scope = { scopeType: "end_user", scopeId: "vip", tenantId } as const;
  const own = await tollgate.addBudget({
    ...scope,
    amountNanoUsd: 3 * COST_NANO_USD,
    window: "total",
  });
  expect(await burst(9, { user: "vip" })).toBe(2);
  expect([await account("vip"), await account("vip", own)]).toEqual([null, [3 * COST_NANO_USD, 0]]);
  await directory.changed("budgets", own.id, { ...own, amountNanoUsd: 4 * COST_NANO_USD });
  expect(await burst(9, { user: "vip" })).toBe(1);
  await directory.changed("budgets", own.id, null);
  expect(await burst(9, { user: "vip" })).toBe(0);
  expect([await account("vip"), await account("vip", own)]).toEqual([[4 * COST_NANO_USD, 0], null]);
});

test("a default that is raised is raised for everybody at once", async () => {
  await Promise.all(["a", "b", "c"].map((user) => burst(2, { user })));
  await tollgate.gateway.directory.changed("budgets", each.id, {
    ...each,
    amountNanoUsd: 2 * COST_NANO_USD,
  });
  const got = [];
  for (const user of ["a", "b", "c", "d"]) got.push(await burst(4, { user }));
  expect(got).toEqual([1, 1, 1, 2]);
});

test("without any budget for end users none of them has an actor", async () => {
  await tollgate.gateway.directory.changed("budgets", each.id, null);
  expect(await burst(3, { user: "free" })).toBe(3);
  expect(endUsersInMemory()).toEqual([]);
  // What was spent counts all the same, once somebody sets a budget.
  each = await addDefault(4);
  expect(await account("free")).toEqual([3 * COST_NANO_USD, 0]);
  expect(await burst(5, { user: "free" })).toBe(1);
});

test("a budget that is set while requests run counts what they hold", async () => {
  await tollgate.gateway.directory.changed("budgets", each.id, null);
  const running = Array.from({ length: 3 }, () =>
    chat(tollgate.url, {
      token,
      body: { max_tokens: 100, user: "early" },
      script: "tokens=100&headers_delay_ms=400",
    }),
  );
  await tollgate.upstream.until(({ inFlight }) => inFlight === 3);
  each = await addDefault(4);
  expect(await account("early")).toEqual([0, 3 * COST_NANO_USD]);
  expect(await burst(5, { user: "early" })).toBe(1);
  await Promise.all(running);
  expect(await account("early")).toEqual([4 * COST_NANO_USD, 0]);
});

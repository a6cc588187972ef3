/**
 * Windows roll over by arithmetic: the first request after a boundary sees a new window, whether the
 * process ran across it or was down, and what was spent before stays where it was spent.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { windowOf } from "../../actors/policy/window.ts";
import type { BudgetRow } from "../../src/store/contract.ts";
import { chat, errorOf } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { leapingClock, type LeapingClock } from "./leaping-clock.ts";

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;
/** A Wednesday, in the middle of everything. */
const START_MS = Date.UTC(2027, 0, 13, 10, 20);

let clock: LeapingClock;
let tollgate: TestGateway;
let token: string;
let tenantId: string;

beforeEach(async () => {
  clock = leapingClock();
  clock.leap(START_MS - clock.nowMs());
  tollgate = await startTestGateway({ clock });
  tenantId = (await tollgate.addTenant()).id;
  ({ token } = await tollgate.addToken(tenantId));
  const provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-small");
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
});

afterEach(() => tollgate.stop());

type Terms = Pick<BudgetRow, "window" | "timeZone" | "anchor">;

const WINDOWS: readonly (readonly [string, Terms])[] = [
  ["an hour", { window: "hour", timeZone: "UTC", anchor: null }],
  ["an hour in Nepal", { window: "hour", timeZone: "Asia/Kathmandu", anchor: null }],
  ["a day", { window: "day", timeZone: "Europe/Berlin", anchor: null }],
  ["a day from six", { window: "day", timeZone: "America/New_York", anchor: { hour: 6 } }],
  ["a week", { window: "week", timeZone: "UTC", anchor: null }],
  ["a week from Sunday", { window: "week", timeZone: "Asia/Tokyo", anchor: { weekday: 7 } }],
  ["a month", { window: "month", timeZone: "Europe/Berlin", anchor: null }],
  ["a month from the 31st", { window: "month", timeZone: "UTC", anchor: { day: 31 } }],
];

const SCOPES = ["tenant", "end_user", "global"] as const;

/** Windows are the same arithmetic for all owners: one of them is asked for every window. */
const TABLE = SCOPES.flatMap((scope) =>
  WINDOWS.filter(([name]) => scope === "tenant" || name === "a day").map(
    ([name, terms]) => [name, scope, terms] as const,
  ),
);

/** The window in which everything begins. */
function spanOf(terms: Terms): { readonly startMs: number; readonly endMs: number } {
  const { startMs, endMs } = windowOf(terms, START_MS);
  return { startMs, endMs: endMs ?? expect.unreachable() };
}

async function ask(): Promise<number> {
  const body = { max_tokens: 100, user: "u-1" };
  const { status } = await chat(tollgate.url, { token, body, script: "tokens=100" });
  return status;
}

/** With room for one request. */
function addBudget(scopeType: (typeof SCOPES)[number], terms: Terms): Promise<BudgetRow> {
  const places = {
    tenant: { scopeId: tenantId, tenantId },
    end_user: { scopeId: "u-1", tenantId },
    global: { scopeId: "*", tenantId: null },
  };
  const amountNanoUsd = COST_NANO_USD + COST_NANO_USD / 2;
  return tollgate.addBudget({ scopeType, ...places[scopeType], ...terms, amountNanoUsd });
}

async function stateOf(budget: BudgetRow): Promise<unknown> {
  const state = await tollgate.gateway.directory.budgetState(budget, null);
  if (state === null) return null;
  const { postedNanoUsd, heldNanoUsd, windowStartedAtMs } = state;
  return [postedNanoUsd, heldNanoUsd, windowStartedAtMs];
}

test.each(TABLE)(
  "%s of the scope %s, with the process down over the boundary, begins at 0 and forgets nothing",
  async (_name, scopeType, terms) => {
    const budget = await addBudget(scopeType, terms);
    const { startMs, endMs } = spanOf(terms);
    expect([await ask(), await ask()]).toEqual([200, 429]);

    // Up to the last moment of the window nothing is free, whatever was restarted.
    tollgate = await tollgate.restart(() => clock.leap(endMs - 10_000 - clock.nowMs()));
    expect(await ask()).toBe(429);
    expect(await stateOf(budget)).toEqual([COST_NANO_USD, 0, startMs]);

    tollgate = await tollgate.restart(() => clock.leap(endMs - clock.nowMs()));
    expect(await stateOf(budget)).toEqual([0, 0, endMs]);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    expect(await stateOf(budget)).toEqual([COST_NANO_USD, 0, endMs]);
    expect(tollgate.upstream.stats().requests).toBe(2);
  },
);

describe.each(SCOPES)("a budget of the scope %s", (scopeType) => {
  test("for a month, with the process running over the boundary", async () => {
    const terms: Terms = { window: "month", timeZone: "Europe/Berlin", anchor: null };
    const budget = await addBudget(scopeType, terms);
    const { endMs } = spanOf(terms);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    clock.leap(endMs - clock.nowMs());
    expect([await ask(), await ask()]).toEqual([200, 429]);
    // A clock that was set right again finds what it left, and what came after waits there.
    clock.leap(START_MS - clock.nowMs());
    expect(await ask()).toBe(429);
    clock.leap(endMs - clock.nowMs());
    expect(await ask()).toBe(429);
    expect(await stateOf(budget)).toEqual([COST_NANO_USD, 0, endMs]);
  });

  test("for a day, with a clock that was set back before a restart, finds what lies ahead", async () => {
    const terms: Terms = { window: "day", timeZone: "UTC", anchor: null };
    const budget = await addBudget(scopeType, terms);
    const { endMs } = spanOf(terms);
    clock.leap(endMs - clock.nowMs());
    expect(await ask()).toBe(200);
    tollgate = await tollgate.restart(() => clock.leap(START_MS - clock.nowMs()));
    expect([await ask(), await ask()]).toEqual([200, 429]);
    clock.leap(endMs - clock.nowMs());
    expect(await ask()).toBe(429);
    expect(await stateOf(budget)).toEqual([COST_NANO_USD, 0, endMs]);
  });

  test("in total never begins anew", async () => {
    const terms: Terms = { window: "total", timeZone: "UTC", anchor: null };
    const budget = await addBudget(scopeType, terms);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    tollgate = await tollgate.restart(() => clock.leap(3 * 365 * 24 * 3_600_000));
    const reply = await chat(tollgate.url, { token, body: { max_tokens: 100, user: "u-1" } });
    expect(errorOf(reply)).toMatchObject({ code: "budget_exceeded" });
    expect(reply.headers.get("x-should-retry")).toBe("false");
    expect(await stateOf(budget)).toEqual([COST_NANO_USD, 0, 0]);
  });
});

/**
 * One question to several owners, with real actors: all of them hold the same way to run, or nobody
 * holds anything.
 */
import { describe, expect, test } from "bun:test";
import type { BudgetRule, HoldOption, LimitRule } from "../../actors/contract.ts";
import {
  startTenant,
  tenantBudgets,
  tenantLimits,
  type TenantHandle,
} from "../../actors/tenant.ts";
import type { ScopeRef } from "../../src/base/scope.ts";
import { askOwners, type HoldAsk } from "../../src/gateway/ask-owners.ts";

const AT_MS = Date.UTC(2026, 10, 21, 12);
const SCOPES = {
  tokenId: "tok_1",
  projectId: null,
  tenantId: "ten_1",
  endUserId: "u",
  routeId: "rte_1",
  providerId: "prv_1",
};
/** The whole, else capped at half of it. */
const WHOLE: HoldOption = { nanoUsd: 1_000, outputTokensCap: null };
const HALF: HoldOption = { nanoUsd: 500, outputTokensCap: 50 };
const FIRST: HoldAsk = {
  exchangeId: "req_1",
  attemptId: "att_1",
  scopes: SCOPES,
  tokens: 10,
  options: [WHOLE, HALF],
  atMs: AT_MS,
};

function budget(
  scope: ScopeRef,
  amountNanoUsd: number,
  more: Partial<BudgetRule> = {},
): BudgetRule {
  return {
    id: `bud_${scope.type}_${amountNanoUsd}`,
    scope,
    amountNanoUsd,
    window: "day",
    timeZone: "UTC",
    anchor: null,
    mode: "hard",
    onHoldReached: "finish_and_bill",
    alertThresholdsPpm: [],
    credits: [],
    ...more,
  };
}

const ofTenant = (amount: number, more?: Partial<BudgetRule>): BudgetRule =>
  budget({ type: "tenant", id: "ten_1" }, amount, more);
const ofEndUser = (amount: number, more?: Partial<BudgetRule>): BudgetRule =>
  budget({ type: "end_user", id: "ten_1/u" }, amount, more);
const ofGlobal = (amount: number, more?: Partial<BudgetRule>): BudgetRule =>
  budget({ type: "global", id: "*" }, amount, more);

const LIMIT: LimitRule = {
  id: "lim_1",
  scope: { type: "tenant", id: "ten_1" },
  requestsPerMinute: 10,
  tokensPerMinute: 100,
  maxConcurrent: 5,
  burst: null,
};

type Owners = readonly [TenantHandle, TenantHandle, TenantHandle];

function actorOf(
  ownerKey: string,
  tenantId: string | null,
  budgets: readonly BudgetRule[],
): TenantHandle {
  const input = {
    ownerKey,
    tenantId,
    status: "active",
    budgets,
    limits: ownerKey === "ten_1" ? [LIMIT] : [],
    allowances: [],
    postedNanoUsd: {},
    openHolds: [],
    slotOwners: [],
    fills: [],
    learnedOutputs: null,
    atMs: AT_MS,
  } as const;
  return startTenant(input, (error) => {
    throw error;
  });
}

function start(tenant: BudgetRule[], endUser: BudgetRule[], everyone: BudgetRule[]): Owners {
  return [
    actorOf("ten_1", "ten_1", tenant),
    actorOf("ten_1/u", "ten_1", endUser),
    actorOf("*", null, everyone),
  ];
}

/** What each owner's first budget holds. */
function held(owners: Owners): (number | undefined)[] {
  return owners.map((handle) => tenantBudgets(handle, AT_MS)[0]?.heldNanoUsd);
}

const RICH = 1_000_000;
const UNTOUCHED = { limitId: "lim_1", requestsRemaining: 10, tokensRemaining: 100, inFlight: 0 };

describe("all owners agree", () => {
  test("on the whole where all have room", () => {
    const owners = start([ofTenant(RICH)], [ofEndUser(RICH)], [ofGlobal(RICH)]);
    expect(askOwners(owners, FIRST)).toMatchObject({
      allowed: true,
      value: { heldNanoUsd: 1_000, stopsAtHoldNanoUsd: null, outputTokensCap: null },
    });
    expect(held(owners)).toEqual([1_000, 1_000, 1_000]);
  });

  test.each([
    ["the first", 0],
    ["the second", 1],
    ["the last", 2],
  ])("on the capped way where %s has room for no more", (_name, poor) => {
    const amounts = [RICH, RICH, RICH].map((amount, place) => (place === poor ? 700 : amount));
    const [tenant = 0, endUser = 0, everyone = 0] = amounts;
    const owners = start([ofTenant(tenant)], [ofEndUser(endUser)], [ofGlobal(everyone)]);
    expect(askOwners(owners, FIRST)).toMatchObject({
      allowed: true,
      value: { heldNanoUsd: 500, outputTokensCap: 50, requests: { remaining: 9 } },
    });
    expect(held(owners)).toEqual([500, 500, 500]);
    expect(tenantLimits(owners[0], AT_MS)).toEqual([
      { limitId: "lim_1", requestsRemaining: 9, tokensRemaining: 90, inFlight: 1 },
    ]);
  });

  test("and a stream is stopped at the hold as soon as one of their budgets wants it", () => {
    const stop = { onHoldReached: "stop" } as const;
    const owners = start([ofTenant(RICH)], [ofEndUser(RICH, stop)], [ofGlobal(RICH)]);
    expect(askOwners(owners, { ...FIRST, options: [WHOLE] })).toMatchObject({
      allowed: true,
      value: { heldNanoUsd: 1_000, stopsAtHoldNanoUsd: 1_000 },
    });
    expect(held(owners)).toEqual([1_000, 1_000, 1_000]);
  });

  test("and give back everything when they are told that it is undone", () => {
    const owners = start([ofTenant(RICH)], [ofEndUser(700)], [ofGlobal(RICH)]);
    askOwners(owners, FIRST);
    for (const handle of owners) {
      handle.send({ type: "exchange.undo", exchangeId: "req_1", atMs: AT_MS });
    }
    expect(held(owners)).toEqual([0, 0, 0]);
    expect(tenantLimits(owners[0], AT_MS)).toEqual([UNTOUCHED]);
  });
});

describe("one refuses", () => {
  test.each([
    ["the tenant", 0, "tenant", "ten_1"],
    ["the end user", 1, "end_user", "u"],
    ["everyone", 2, "global", "*"],
  ])("%s, and nobody holds anything", (_name, poor, type, id) => {
    const amounts = [RICH, RICH, RICH].map((amount, place) => (place === poor ? 499 : amount));
    const [tenant = 0, endUser = 0, everyone = 0] = amounts;
    const owners = start([ofTenant(tenant)], [ofEndUser(endUser)], [ofGlobal(everyone)]);
    expect(askOwners(owners, FIRST)).toMatchObject({
      allowed: false,
      refusal: { code: "budget_exceeded", reason: { scope: { type, id } } },
    });
    expect(held(owners)).toEqual([0, 0, 0]);
    expect(tenantLimits(owners[0], AT_MS)).toEqual([UNTOUCHED]);
  });

  test("and a further attempt's refusal takes nothing from the exchange that goes on", () => {
    const owners = start([ofTenant(RICH)], [ofEndUser(RICH)], [ofGlobal(1_500)]);
    expect(askOwners(owners, FIRST).allowed).toBe(true);
    const further = { ...FIRST, attemptId: "att_2", tokens: null, options: [WHOLE] };
    expect(askOwners(owners, further).allowed).toBe(false);
    expect(held(owners)).toEqual([1_000, 1_000, 1_000]);
    expect(tenantLimits(owners[0], AT_MS)).toMatchObject([{ inFlight: 1 }]);
  });

  test.each<[string, BudgetRule["window"], number | undefined]>([
    ["a month's end, though a day's is told", "month", Date.UTC(2026, 11, 1) - AT_MS],
    ["never, though a day's end is told", "total", undefined],
  ])("the time to come back is when the last of them has room: %s", (_name, window, expected) => {
    const owners = start([ofTenant(1_300)], [ofEndUser(RICH)], [ofGlobal(1_300, { window })]);
    expect(askOwners(owners, { ...FIRST, options: [WHOLE] }).allowed).toBe(true);
    for (const handle of owners) {
      const settled = { type: "attempt.settle", attemptId: "att_1", observed: null } as const;
      handle.send({ ...settled, costNanoUsd: 1_000, atMs: AT_MS });
    }
    const verdict = askOwners(owners, { ...FIRST, exchangeId: "req_2", attemptId: "att_2" });
    const refusal = verdict.allowed ? expect.unreachable() : verdict.refusal;
    expect([refusal.reason?.scope.type, refusal.retryAfterMs]).toEqual(["tenant", expected]);
    expect(held(owners)).toEqual([0, 0, 0]);
  });
});

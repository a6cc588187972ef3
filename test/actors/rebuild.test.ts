/** Guarantee: an actor can be dropped at any time; its successor goes on where it stopped. */
import { describe, expect, test } from "bun:test";
import type { OpenHold, TenantInput } from "../../actors/contract.ts";
import {
  isTenantIdle,
  tenantBudgets,
  tenantFills,
  tenantLimits,
  type TenantHandle,
} from "../../actors/tenant.ts";
import {
  admit,
  ask,
  budgetRule,
  DAY_MS,
  end,
  limitRule,
  money,
  SCOPES,
  settle,
  START_MS,
  tenant,
  undo,
  tenantSlotOwners,
} from "./fixtures.ts";

const RULES = {
  budgets: [budgetRule({})],
  limits: [limitRule({ requestsPerMinute: 60, tokensPerMinute: 1_000, maxConcurrent: 5 })],
} as const;

function openHold(name: string, heldNanoUsd: number, heldAtMs: number): OpenHold {
  return {
    attemptId: `att_${name}`,
    exchangeId: `req_${name}`,
    scopes: SCOPES,
    heldNanoUsd,
    heldAtMs,
  };
}

/** As the gateway rebuilds: the ledger's sums and holds, the predecessor's fills and slots. */
function successor(
  before: TenantHandle,
  ledger: Pick<TenantInput, "postedNanoUsd" | "openHolds">,
  more: Partial<TenantInput> = {},
): TenantHandle {
  return tenant({
    ...RULES,
    ...ledger,
    slotOwners: tenantSlotOwners(before),
    fills: tenantFills(before),
    ...more,
  });
}

function seen(handle: TenantHandle): unknown {
  return {
    budgets: tenantBudgets(handle, START_MS),
    limits: tenantLimits(handle, START_MS),
    fills: tenantFills(handle),
    owners: tenantSlotOwners(handle),
    idle: isTenantIdle(handle, START_MS + 60_000),
  };
}

/** One exchange settled and ended, one settled and running, one held and running. */
function worked(): TenantHandle {
  const handle = tenant(RULES);
  for (const name of ["1", "2", "3"]) ask(handle, admit(name, { tokens: 200 }));
  handle.send(settle("1", 30));
  handle.send(end("1", 150));
  handle.send(settle("2", 40));
  return handle;
}

describe("the successor of an actor", () => {
  const ledger = { postedNanoUsd: { bud_1: 70 }, openHolds: [openHold("3", 100, START_MS)] };

  test("remembers the same", () => {
    const before = worked();
    expect(seen(successor(before, ledger))).toEqual(seen(before));
  });

  test("ends what its predecessor began", () => {
    const handle = successor(worked(), ledger);
    handle.send(settle("3", 90));
    handle.send(end("2", 200));
    handle.send(end("3", 100));
    expect(money(handle)).toEqual({ posted: 160, held: 0 });
    expect(tenantLimits(handle, START_MS)).toEqual([
      { limitId: "lim_1", requestsRemaining: 57, tokensRemaining: 550, inFlight: 0 },
    ]);
  });

  test("undoes what its predecessor admitted, and holds further attempts of it", () => {
    const handle = successor(worked(), ledger);
    handle.send(undo("3"));
    expect(money(handle)).toEqual({ posted: 70, held: 0 });
    const further = {
      type: "attempt.hold",
      exchangeId: "req_2",
      attemptId: "att_2b",
      scopes: SCOPES,
      options: [{ nanoUsd: 50, outputTokensCap: null }],
      atMs: START_MS,
    } as const;
    expect(ask(handle, further)).toBe("allowed");
    expect(money(handle)).toEqual({ posted: 70, held: 50 });
  });

  test("knows what its predecessor's exchanges hold of the token rates", () => {
    const handle = successor(worked(), ledger);
    expect(handle.ask(admit("4", { tokens: 900 }))).toMatchObject({
      refusal: { reason: { posted: 150, held: 400 } },
    });
    handle.send(end("2", 200));
    expect(handle.ask(admit("4", { tokens: 900 }))).toMatchObject({
      refusal: { reason: { posted: 350, held: 200 } },
    });
  });

  test("leaves token rates alone for an exchange whose tokens nobody handed over", () => {
    const before = worked();
    const owners = tenantSlotOwners(before).map(({ exchangeId, scopes }) => ({
      exchangeId,
      scopes,
    }));
    const handle = successor(before, ledger, { slotOwners: owners });
    handle.send(end("2", 0));
    expect(tenantLimits(handle, START_MS)[0]).toMatchObject({ tokensRemaining: 450, inFlight: 1 });
  });

  test("works under edited rules: usage stays, new limits start full, raised caps free at once", () => {
    const handle = successor(worked(), ledger, {
      budgets: [
        budgetRule({ amountNanoUsd: 2_000 }),
        budgetRule({ id: "bud_2", amountNanoUsd: 500 }),
      ],
      limits: [
        limitRule({ requestsPerMinute: 600, maxConcurrent: 2 }),
        limitRule({ id: "lim_2", requestsPerMinute: 10 }),
      ],
    });
    expect(
      tenantBudgets(handle, START_MS).map(({ postedNanoUsd, heldNanoUsd }) => [
        postedNanoUsd,
        heldNanoUsd,
      ]),
    ).toEqual([
      [70, 100],
      [0, 100],
    ]);
    expect(tenantLimits(handle, START_MS)).toEqual([
      { limitId: "lim_1", requestsRemaining: 57, tokensRemaining: null, inFlight: 2 },
      { limitId: "lim_2", requestsRemaining: 10, tokensRemaining: null, inFlight: 2 },
    ]);
    expect(ask(handle, admit("4"))).toBe("concurrency_limit_exceeded");
  });
});

test("a hold of an ended window is settled without touching the window of now", () => {
  const handle = tenant({
    ...RULES,
    openHolds: [openHold("old", 900, START_MS - DAY_MS), openHold("new", 100, START_MS)],
  });
  expect(money(handle)).toEqual({ posted: 0, held: 100 });
  handle.send(settle("old", 800));
  expect(money(handle)).toEqual({ posted: 0, held: 100 });
});

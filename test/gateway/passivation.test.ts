/** Which actors of owners may be dropped: the long idle, and of end users those above a bound. */
import { expect, test } from "bun:test";
import { startTenant, type TenantHandle } from "../../actors/tenant.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { ownerKey, type Owner } from "../../src/base/scope.ts";
import { createEntry, type Entry } from "../../src/gateway/owner-entry.ts";
import { longIdle, surplus } from "../../src/gateway/passivation.ts";

const AT_MS = Date.UTC(2026, 10, 21, 12);
const SCOPES = {
  tokenId: "tok_1",
  projectId: null,
  tenantId: "ten_1",
  routeId: null,
  providerId: "prv_1",
};

function handleOf(owner: Owner): TenantHandle {
  return startTenant(
    {
      ownerKey: ownerKey(owner),
      tenantId: owner.type === "everyone" ? null : owner.tenantId,
      status: "active",
      budgets: [],
      limits: [],
      allowances: [],
      postedNanoUsd: {},
      openHolds: [],
      slotOwners: [],
      fills: [],
      learnedOutputs: null,
      atMs: AT_MS,
    },
    (error) => {
      throw error;
    },
  );
}

function entryOf(owner: Owner, idleMs: number): Entry {
  const entry = createEntry(ownerKey(owner), owner, AT_MS - idleMs);
  entry.handle = handleOf(owner);
  return entry;
}

function endUser(name: string, idleMs: number): Entry {
  return entryOf({ type: "end_user", tenantId: "ten_1", endUserId: name }, idleMs);
}

function busy(entry: Entry): Entry {
  const option = { nanoUsd: 1, outputTokensCap: null };
  const endUserId = entry.owner.type === "end_user" ? entry.owner.endUserId : null;
  const scopes = { ...SCOPES, endUserId };
  const attempt = { exchangeId: "req_1", attemptId: "att_1", scopes };
  const asked = { type: "attempt.hold", ...attempt, options: [option], atMs: AT_MS } as const;
  expect(entry.handle?.ask(asked).allowed).toBe(true);
  return entry;
}

function keys(entries: Iterable<Entry>): string[] {
  return [...entries].map(({ key }) => key);
}

test("the longest idle end users above the bound go, never a busy one, never a tenant", () => {
  const entries = [
    entryOf({ type: "tenant", tenantId: "ten_1" }, 900),
    entryOf({ type: "everyone" }, 900),
    endUser("new", 1),
    busy(endUser("busy", 800)),
    endUser("old", 700),
    endUser("older", 750),
  ];
  expect(keys(surplus(entries, 4, AT_MS))).toEqual([]);
  expect(keys(surplus(entries, 2, AT_MS))).toEqual(["ten_1/older", "ten_1/old"]);
  expect(keys(surplus(entries, 0, AT_MS))).toEqual(["ten_1/older", "ten_1/old", "ten_1/new"]);
});

test("whoever nobody asked for a while goes, but for the busy, those being built, and everyone's", () => {
  const long = LIMITS.ownerIdleMs;
  const building = endUser("building", long);
  building.building = Promise.resolve(handleOf(building.owner));
  const entries = [
    entryOf({ type: "tenant", tenantId: "ten_1" }, long),
    entryOf({ type: "everyone" }, long),
    endUser("idle", long),
    endUser("recent", long - 1),
    busy(endUser("busy", long)),
    building,
  ];
  expect(keys(longIdle(entries, AT_MS))).toEqual(["ten_1", "ten_1/idle"]);
});

/** One tenant cannot fill the gateway, not even with requests that no limit counts. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Stoppable } from "../../../src/gateway/exchange.ts";
import { TenantShares } from "../../../src/gateway/load/tenant-shares.ts";
import { chat, errorOf } from "../../support/chat.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";

const ROOM = LIMITS.exchangesInFlightMax;

/** How many of each tenant are in flight once none of them gets another one. */
function fill(shares: TenantShares, tenants: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  let inFlight = 0;
  for (let isFull = false; !isFull;) {
    isFull = true;
    for (const tenant of tenants) {
      if (!shares.enter(tenant, inFlight + 1)) continue;
      inFlight += 1;
      counts[tenant] = (counts[tenant] ?? 0) + 1;
      isFull = false;
    }
  }
  return counts;
}

describe("of the room", () => {
  test("a tenant that is alone gets four fifths", () => {
    expect(fill(new TenantShares(), ["a"])).toEqual({ a: (ROOM * 4) / 5 });
  });

  test("two that want everything get four ninths each", () => {
    const share = Math.floor((ROOM * 4) / 9);
    const { a = 0, b = 0 } = fill(new TenantShares(), ["a", "b"]);
    expect([Math.abs(a - share) <= 1, Math.abs(b - share) <= 1]).toEqual([true, true]);
  });

  test("whoever has nothing gets something, however many want everything", () => {
    const shares = new TenantShares();
    const tenants = Array.from({ length: 20 }, (_, index) => `tenant ${index}`);
    const counts = Object.values(fill(shares, tenants));
    const taken = counts.reduce((sum, count) => sum + count, 0);
    expect(taken).toBeLessThan(ROOM);
    expect(shares.enter("another", taken + 1)).toBe(true);
  });

  test("what was given back is there again, and nobody is remembered", () => {
    const shares = new TenantShares();
    const { a = 0 } = fill(shares, ["a"]);
    expect(shares.enter("a", a + 1)).toBe(false);
    for (let left = a; left > 0; left -= 1) shares.leave("a");
    expect([shares.size, fill(shares, ["a"])]).toEqual([0, { a }]);
  });

  test("nothing can be given back that was not taken", () => {
    expect(() => new TenantShares().leave("a")).toThrow("had not entered");
  });
});

describe("in a gateway that has room for 50 more", () => {
  let tollgate: TestGateway;
  let others: readonly Stoppable[];
  const tokens = { greedy: "", other: "" };

  beforeAll(async () => {
    tollgate = await startTestGateway();
    const provider = await tollgate.addProvider();
    const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
    await tollgate.addRoute("small", [target]);
    for (const name of ["greedy", "other"] as const) {
      tokens[name] = (await tollgate.addToken((await tollgate.addTenant()).id)).token;
    }
    others = Array.from({ length: ROOM - 50 }, () => ({
      stoppedFor: null,
      stopAttempt: null,
      stopped: Promise.withResolvers(),
    }));
    for (const other of others) tollgate.gateway.lifecycle.enter(other);
  });
  afterAll(async () => {
    for (const other of others) tollgate.gateway.lifecycle.leave(other);
    await tollgate.stop();
  });

  test("a tenant attaches 40 to one call at most, and another one is served", async () => {
    const { upstream, url } = tollgate;
    const leaving = new AbortController();
    const keyed = {
      token: tokens.greedy,
      headers: { "idempotency-key": "one" },
      script: "hang=1",
      signal: leaving.signal,
    };
    const greedy = Array.from({ length: 60 }, () => chat(url, keyed));
    const refusals: ReturnType<typeof errorOf>[] = [];
    for (const reply of greedy) {
      reply.then(
        (refused) => refusals.push(errorOf(refused)),
        // Those that were let in are left in the end.
        () => undefined,
      );
    }
    await upstream.until(({ inFlight }) => inFlight === 1);
    const served = await chat(url, { token: tokens.other, script: "tokens=1" });
    const refused = await chat(url, { ...keyed, script: "tokens=1" });
    leaving.abort();
    await Promise.allSettled(greedy);

    expect([served.status, refused.status, refused.headers.get("retry-after")]).toEqual([
      200,
      503,
      "1",
    ]);
    expect(errorOf(refused)).toMatchObject({
      code: "gateway_overloaded",
      message: "The gateway is overloaded, and this tenant has its share of what is in flight.",
    });
    expect([refusals.length, upstream.stats().requests]).toEqual([20, 2]);
  });
});

/** Conversations keep to their targets, and to one credential of each. */
import { describe, expect, test } from "bun:test";
import { choose } from "../../../src/gateway/choose/choose.ts";
import type { Candidate, Resolved } from "../../../src/gateway/resolve.ts";
import { chooseWorldForFile, namesOf, tally } from "./world.ts";

const { ask, resolve, target, tenantId } = await chooseWorldForFile();

const keys = Array.from({ length: 3_000 }, (_, number) => `chat-${number}`);
const sticky = { sticky: { by: "header", header: "x-chat" } } as const;
const weighted = { strategy: "weighted", terms: sticky } as const;
const strategy = { name: "weighted", from: "route" } as const;

/** Every key's whole order. */
function ordersOf(resolved: Resolved, of = tenantId): string[] {
  return keys.map((key) => {
    const asked = ask({ headers: { "x-chat": key }, strategy, draw: Math.random, tenantId: of });
    return namesOf(choose(resolved, asked).available).join("");
  });
}

const firstsOf = (orders: readonly string[]): string[] => orders.map((one) => one.charAt(0));

test("a conversation has the same order every time, whatever chance says", async () => {
  const resolved = await resolve([target(0), target(1), target(2)], weighted);
  expect(ordersOf(resolved)).toEqual(ordersOf(resolved));
  // In another route and process too: the upstreams are the same.
  const again = await resolve([target(2), target(0), target(1)], weighted);
  expect(ordersOf(again)).toEqual(ordersOf(resolved));
});

test("conversations are spread by weight, and a weight of 0 gets none", async () => {
  const resolved = await resolve(
    [target(0, { weight: 1 }), target(1, { weight: 3 }), target(2, { weight: 0 })],
    weighted,
  );
  const { a = 0, b = 0 } = tally(firstsOf(ordersOf(resolved)));
  expect(a + b).toBe(keys.length);
  expect(Math.abs(a - 750)).toBeLessThan(100);
});

test("a target that goes takes its own conversations along, to their second places", async () => {
  const before = ordersOf(await resolve([target(0), target(1), target(2)], weighted));
  const after = firstsOf(ordersOf(await resolve([target(0), target(2)], weighted)));
  const expected = before.map((one) => one.replace("b", "").charAt(0));
  expect(after).toEqual(expected);
});

test("another tenant's key of the same name is another conversation", async () => {
  const resolved = await resolve([target(0), target(1)], weighted);
  expect(ordersOf(resolved, "ten_other")).not.toEqual(ordersOf(resolved));
});

test("priorities come first, and the strategy priority keeps the operator's order", async () => {
  const levels = await resolve([target(0), target(1, { priority: 1 })], weighted);
  expect(tally(ordersOf(levels))).toEqual({ ab: keys.length });
  const plain = await resolve([target(1), target(0)], { terms: sticky });
  const asked = ask({ headers: { "x-chat": "chat-1" } });
  expect(namesOf(choose(plain, asked).available)).toEqual(["b", "a"]);
});

test("a header that asks for an order of its own gets it", async () => {
  const resolved = await resolve([target(0), target(1)], weighted);
  const orders = keys.slice(0, 50).map((key) => {
    const asked = { name: "cheapest", from: "header" } as const;
    const headers = { "x-chat": key };
    return namesOf(choose(resolved, ask({ headers, strategy: asked })).available).join("");
  });
  expect(tally(orders)).toEqual({ ab: 50 });
});

describe("a conversation's key", () => {
  test.each([
    [{ by: "end_user" }, {}, { user: "u1" }, "u1"],
    [{ by: "end_user" }, {}, { safety_identifier: "s1" }, "s1"],
    [{ by: "end_user" }, { "x-chat": "c1" }, {}, null],
    [{ by: "header", header: "x-chat" }, { "X-Chat": "c1" }, { user: "u1" }, "c1"],
    [{ by: "header", header: "x-chat" }, { "x-chat": "" }, {}, null],
  ] as const)("by %j of %j %j is %s", async (by, headers, body, key) => {
    const resolved = await resolve([target(0)], { terms: { sticky: by } });
    const { conversation } = choose(resolved, ask({ headers, body }));
    expect(conversation?.key ?? null).toBe(key);
  });
});

/** Three ways into one provider, each with a credential. */
function withLanes(resolved: Resolved, credentials: readonly string[]): Resolved {
  const [first] = resolved.candidates;
  if (first === undefined) throw new Error("the route has a target");
  const candidates = credentials.map((credential): Candidate => {
    return { ...first, lane: { ...first.lane, credential } };
  });
  return { ...resolved, candidates };
}

const lanesOf = (resolved: Resolved): string[] =>
  keys.map((key) => {
    const { available } = choose(resolved, ask({ headers: { "x-chat": key } }));
    return available.map(({ lane }) => lane.credential).join("");
  });

describe("the lanes of a target", () => {
  test("are kept to as well: a credential that goes moves its own conversations alone", async () => {
    const resolved = await resolve([target(0)], { terms: sticky });
    const before = lanesOf(withLanes(resolved, ["1", "2", "3"]));
    const turned = lanesOf(withLanes(resolved, ["3", "1", "2"]));
    expect(turned).toEqual(before);
    const { "1": one = 0, "2": two = 0, "3": three = 0 } = tally(firstsOf(before));
    for (const count of [one, two, three]) expect(Math.abs(count - 1_000)).toBeLessThan(120);
    const after = firstsOf(lanesOf(withLanes(resolved, ["1", "3"])));
    expect(after).toEqual(before.map((order) => order.replace("2", "").charAt(0)));
  });

  test("stay in their rotation without a conversation", async () => {
    const resolved = withLanes(await resolve([target(0)], { terms: sticky }), ["2", "3", "1"]);
    const { available } = choose(resolved, ask());
    expect(available.map(({ lane }) => lane.credential)).toEqual(["2", "3", "1"]);
  });
});

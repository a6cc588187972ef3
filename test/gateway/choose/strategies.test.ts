/** The order in which each strategy tries targets, as tables; chance is seeded, counts are whole. */
import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Ask } from "../../../src/gateway/choose/ask.ts";
import { choose } from "../../../src/gateway/choose/choose.ts";
import { explored } from "../../../src/gateway/choose/explore.ts";
import { byStrategy } from "../../../src/gateway/choose/order.ts";
import type { Group, GroupService } from "../../../src/gateway/choose/target-group.ts";
import type { StrategyName } from "../../../src/gateway/resolve.ts";
import { chooseWorldForFile, namesOf, seeded, tally } from "./world.ts";

const { ask, groups, providers, resolve, target, tollgate } = await chooseWorldForFile();

const resolvedThree = await resolve([target(0), target(1), target(2)]);
const three = groups(resolvedThree);

const by = (name: StrategyName): Ask["strategy"] => ({ name, from: "route" });

/** The three groups, each having served as told. */
function served(...services: readonly Partial<GroupService>[]): Group[] {
  return three.map((group, place) => ({
    ...group,
    service: { ...group.service, seenAtMs: ask().atMs, ...services[place] },
  }));
}

const firstTokens = (...ms: readonly (number | null)[]) =>
  served(...ms.map((firstTokenMs) => ({ firstTokenMs })));
const failing = (...shares: readonly (number | null)[]) =>
  served(...shares.map((failureShare) => ({ failureShare })));
const stale = (ms: number): Partial<GroupService> => ({ seenAtMs: ask().atMs - ms });
const prompt = (tokens: number) => [{ role: "user", content: "abc".repeat(tokens) }];

function namesBy(name: StrategyName, given: readonly Group[], draw: Ask["draw"] = null): string {
  const ordered = byStrategy(given, null, ask({ strategy: by(name), draw }));
  return namesOf(ordered.map(({ lanes: [lane] }) => lane)).join("");
}

/** How often each came first. */
function firsts(name: StrategyName, given: readonly Group[], times: number, seed = 3) {
  const draw = seeded(seed);
  return tally(Array.from({ length: times }, () => namesBy(name, given, draw).charAt(0)));
}

test("priority: from the lowest up, then as the operator listed them", async () => {
  const resolved = await resolve([
    target(0, { priority: 2 }),
    target(1),
    target(2, { priority: 1 }),
    target(3),
  ]);
  expect(namesOf(choose(resolved, ask()).available)).toEqual(["b", "d", "c", "a"]);
});

describe("weighted", () => {
  test("each comes first as often as its weight says, one with weight 0 never", async () => {
    const weighted = groups(
      await resolve([target(0, { weight: 1 }), target(1, { weight: 3 }), target(2, { weight: 0 })]),
    );
    expect(firsts("weighted", weighted, 4_000)).toEqual({ a: 1_014, b: 2_986 });
    const draw = seeded(3);
    const lasts = Array.from({ length: 100 }, () => namesBy("weighted", weighted, draw).at(-1));
    expect(tally(lasts)).toEqual({ c: 100 });
  });

  test("among the targets of the lowest priority; the others follow", async () => {
    const levels = groups(
      await resolve([
        target(0, { weight: 1 }),
        target(1, { weight: 100, priority: 1 }),
        target(2, { weight: 1 }),
      ]),
    );
    const draw = seeded(5);
    const orders = Array.from({ length: 1_000 }, () => namesBy("weighted", levels, draw));
    const counts = tally(orders);
    expect(Object.keys(counts).toSorted()).toEqual(["acb", "cab"]);
    expect(Math.abs((counts["acb"] ?? 0) - 500)).toBeLessThan(50);
  });

  test("with nothing left to chance, the heaviest first", async () => {
    const weighted = groups(await resolve([target(0, { weight: 2 }), target(1, { weight: 5 })]));
    expect(namesBy("weighted", weighted)).toBe("ba");
  });
});

describe("fastest", () => {
  test.each<[readonly (number | null)[], string]>([
    [[300, 100, 200], "bca"],
    [[300, null, 200], "cab"],
    [[null, null, null], "abc"],
  ])("first tokens after %j: %s", (ms, expected) => {
    expect(namesBy("fastest", firstTokens(...ms))).toBe(expected);
  });

  test("a difference of less than a tenth is none: they share", () => {
    const counts = firsts("fastest", firstTokens(100, 109, 112), 2_000);
    expect(Object.keys(counts)).toEqual(expect.arrayContaining(["a", "b"]));
    expect(counts["c"]).toBeUndefined();
    expect(Math.abs((counts["a"] ?? 0) - 1_000)).toBeLessThan(70);
  });
});

describe("reliable", () => {
  test.each<[readonly (number | null)[], string]>([
    [[0.5, 0, 0.1], "bca"],
    [[0.5, null, 0.1], "cab"],
  ])("shares of failures %j: %s", (shares, expected) => {
    expect(namesBy("reliable", failing(...shares))).toBe(expected);
  });

  test("two in a hundred make no difference", () => {
    expect(Object.keys(firsts("reliable", failing(0, 0.02, 0.03), 200)).toSorted()).toEqual([
      "a",
      "b",
    ]);
  });
});

test("least_busy: fewest in flight first, equals share", () => {
  const busy = served({ inFlight: 3 }, { inFlight: 1 }, { inFlight: 2 });
  expect(namesBy("least_busy", busy)).toBe("bca");
  const equal = served({ inFlight: 1 }, { inFlight: 1 }, { inFlight: 2 });
  expect(Object.keys(firsts("least_busy", equal, 200)).toSorted()).toEqual(["a", "b"]);
});

describe("cheapest", () => {
  test("is about this request: dear input loses long prompts, dear output long answers", async () => {
    const [a = "", b = ""] = providers.map(({ id }) => id);
    await tollgate.addPrice(a, "in", { inputPicoUsd: 1_000_000, outputPicoUsd: 10_000_000 });
    await tollgate.addPrice(b, "in", { inputPicoUsd: 3_000_000, outputPicoUsd: 2_000_000 });
    const resolved = await resolve([target(0, { model: "in" }), target(1, { model: "in" })]);
    const strategy = by("cheapest");
    const order = (body: object) => namesOf(choose(resolved, ask({ strategy, body })).available);
    expect(order({ messages: prompt(10), max_tokens: 1_000 })).toEqual(["b", "a"]);
    expect(order({ messages: prompt(10_000), max_tokens: 10 })).toEqual(["a", "b"]);
    // Two answers cost twice their output.
    expect(order({ messages: prompt(1_000), max_tokens: 200 })).toEqual(["a", "b"]);
    expect(order({ messages: prompt(1_000), max_tokens: 200, n: 2 })).toEqual(["b", "a"]);
  });

  test("looks at the tier that the input is in, and at fees", async () => {
    const [a = "", b = ""] = providers.map(({ id }) => id);
    const tier = { inputPicoUsd: 9_000_000, outputPicoUsd: 0 };
    const rest = { cachedInputPicoUsd: null, cacheWritePicoUsd: null };
    const tiers = [{ aboveInputTokens: 1_000, ...tier, ...rest }];
    await tollgate.addPrice(a, "tier", { inputPicoUsd: 1_000_000, outputPicoUsd: 0, tiers });
    await tollgate.addPrice(b, "tier", {
      inputPicoUsd: 1_000_000,
      outputPicoUsd: 0,
      requestPicoUsd: 1_000_000_000,
    });
    const resolved = await resolve([target(0, { model: "tier" }), target(1, { model: "tier" })]);
    const order = (tokens: number) => {
      const body = { messages: [{ role: "user", content: "abc".repeat(tokens) }] };
      return namesOf(choose(resolved, ask({ strategy: by("cheapest"), body })).available);
    };
    expect(order(100)).toEqual(["a", "b"]);
    expect(order(2_000)).toEqual(["b", "a"]);
  });
});

describe("exploring", () => {
  const staleMs = LIMITS.exploreAfterMs + 1;
  const slow = { firstTokenMs: 900, failureShare: 0.9 };
  const quick = { firstTokenMs: 100, failureShare: 0 };

  test.each<StrategyName>(["fastest", "reliable"])(
    "%s tries a target unseen for a minute with one request in fifty",
    (name) => {
      const given = served(quick, { ...slow, ...stale(staleMs) }, slow);
      const { a = 0, b = 0 } = firsts(name, given, 10_000);
      expect(a + b).toBe(10_000);
      expect(Math.abs(b - 200)).toBeLessThan(40);
    },
  );

  test("one that never served is tried with one request in four, unless one is under way", () => {
    const unknown = { firstTokenMs: null, failureShare: null };
    const never = served(quick, { ...unknown, seenAtMs: -Infinity }, slow);
    const { a = 0, b = 0 } = firsts("fastest", never, 1_000);
    expect(a + b).toBe(1_000);
    expect(Math.abs(b - 250)).toBeLessThan(40);
    const underWay = served(quick, { ...unknown, seenAtMs: Infinity }, slow);
    expect(firsts("fastest", underWay, 1_000)).toEqual({ a: 1_000 });
  });

  test("is for targets that could serve: neither resting ones nor those of weight 0", () => {
    const [a, b, c] = served(quick, stale(2 * staleMs), stale(staleMs));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three groups");
    const at = { draw: () => 0, atMs: ask().atMs };
    expect(explored([a, b, c], at)).toBe(b);
    expect(explored([a, { ...b, rests: true }, c], at)).toBe(c);
    const weightless = { ...b, target: target(1, { weight: 0 }) };
    expect(explored([a, weightless, c], at)).toBe(c);
    expect(explored([a, b, c], { ...at, draw: null })).toBeNull();
  });

  test.each<StrategyName>(["weighted", "cheapest", "least_busy", "priority"])(
    "%s needs none of it",
    (name) => {
      const given = served(
        { inFlight: 0 },
        { inFlight: 9, seenAtMs: -Infinity },
        { inFlight: 9, seenAtMs: -Infinity },
      );
      const order = byStrategy(given, null, ask({ strategy: by(name), draw: () => 0 }));
      expect(order[0]?.lanes[0].provider.row.name).toBe("a");
    },
  );
});

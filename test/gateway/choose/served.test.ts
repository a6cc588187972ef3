/**
 * Routes at work: for every strategy and condition, which upstream really saw which request. Two
 * providers, each with an upstream of its own.
 */
import { describe, expect, test } from "bun:test";
import { chat, errorOf, type ChatReply } from "../../support/chat.ts";
import { until } from "../../support/until.ts";
import type { RouteTarget } from "../../../src/gateway/resolve.ts";
import type { RouteRow } from "../../../src/store/contract.ts";
import { twoProvidersForFile } from "../two-providers.ts";
import { tally } from "./world.ts";

const world = await twoProvidersForFile();
const { tollgate, first, second, token } = world;
for (const { row } of [first, second]) await tollgate.addPrice(row.id, "m");

const at = (
  { row }: typeof first | typeof second,
  more: Partial<RouteTarget> = {},
): RouteTarget => ({ providerId: row.id, model: "m", weight: 1, priority: 0, ...more });

let routes = 0;
async function route(
  targets: readonly RouteTarget[],
  row: Partial<RouteRow> = {},
): Promise<string> {
  routes += 1;
  return (await tollgate.addRoute(`strategy-${routes}`, targets, row)).model;
}

type Asking = { headers?: Record<string, string>; body?: object; script?: string };

function ask(model: string, asking: Asking = {}, as = token): Promise<ChatReply> {
  const { body, ...rest } = asking;
  return chat(tollgate.url, { token: as, script: "tokens=1", body: { model, ...body }, ...rest });
}

async function askOften(model: string, times: number, asking?: Asking): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    expect((await ask(model, asking)).status).toBe(200);
  }
}

const seen = (): [number, number] => [
  first.upstream.stats().requests,
  second.upstream.stats().requests,
];

describe("a strategy", () => {
  test("weighted sends each upstream its share", async () => {
    const model = await route([at(first, { weight: 0 }), at(second, { weight: 5 })], {
      strategy: "weighted",
    });
    await askOften(model, 12);
    expect(seen()).toEqual([0, 12]);
    const even = await route([at(first), at(second)], { strategy: "weighted" });
    await askOften(even, 40);
    const [one, other] = seen();
    expect(one + other).toBe(52);
    expect(one).toBeGreaterThan(5);
    expect(other).toBeGreaterThan(17);
  });

  test("fastest goes to the one whose first token comes sooner", async () => {
    first.upstream.script("tokens=1");
    second.upstream.script("headers_delay_ms=500&tokens=1");
    const both = await route([at(first), at(second)]);
    const model = await route([at(second), at(first)], { strategy: "fastest" });
    const swapped = await route([at(second), at(first)]);
    await askOften(both, 3, { script: "" });
    await askOften(swapped, 3, { script: "" });
    expect(seen()).toEqual([3, 3]);
    await askOften(model, 10, { script: "" });
    expect(seen()).toEqual([13, 3]);
  });

  test("reliable goes to the one that fails less", async () => {
    const alone = await route([at(first)], { terms: { retries: { attemptsMax: 1 } } });
    const model = await route([at(first), at(second)], { strategy: "reliable" });
    await askOften(await route([at(second)]), 3);
    await askOften(alone, 4);
    expect((await ask(alone, { script: "status=503" })).status).toBe(503);
    expect(seen()).toEqual([5, 3]);
    await askOften(model, 10);
    expect(seen()).toEqual([5, 13]);
  });

  test("cheapest goes to the one where this request costs less", async () => {
    await tollgate.addPrice(first.row.id, "n", { inputPicoUsd: 9_000, outputPicoUsd: 1_000 });
    await tollgate.addPrice(second.row.id, "n", { inputPicoUsd: 1_000, outputPicoUsd: 9_000 });
    const targets = [at(first, { model: "n" }), at(second, { model: "n" })];
    const model = await route(targets, { strategy: "cheapest" });
    await askOften(model, 3, { body: { max_tokens: 500 } });
    expect(seen()).toEqual([3, 0]);
    const long = [{ role: "user", content: "a long story ".repeat(500) }];
    await askOften(model, 4, { body: { max_tokens: 10, messages: long } });
    expect(seen()).toEqual([3, 4]);
  });

  test("least_busy goes to the one with fewer requests under way", async () => {
    const model = await route([at(first), at(second)], { strategy: "least_busy" });
    const only = await route([at(first)]);
    const left = new AbortController();
    const hanging = chat(tollgate.url, {
      token,
      script: "tokens=500&token_delay_ms=20",
      body: { model: only, stream: true },
      signal: left.signal,
    }).catch(() => undefined);
    await first.upstream.until(({ inFlight }) => inFlight === 1);
    await askOften(model, 5);
    expect(seen()).toEqual([1, 5]);
    left.abort();
    await hanging;
  });

  test("priority keeps to the operator's order", async () => {
    const model = await route([at(second, { priority: 1 }), at(first)]);
    await askOften(model, 5);
    expect(seen()).toEqual([5, 0]);
  });
});

describe("x-tollgate-strategy", () => {
  const cheap = { "x-tollgate-strategy": "cheapest" };
  const targets = [at(first, { model: "q" }), at(second, { model: "q" })];

  test("is asked for by a request, and reaches no upstream", async () => {
    await tollgate.addPrice(first.row.id, "q", { outputPicoUsd: 9_000_000 });
    await tollgate.addPrice(second.row.id, "q", { outputPicoUsd: 1_000_000 });
    const model = await route(targets);
    await askOften(model, 1);
    await askOften(model, 2, { headers: { ...cheap, "x-tollgate-tags": "eu" } });
    expect(seen()).toEqual([1, 2]);
    const sent = second.upstream.requests().flatMap(({ headers }) => Object.keys(headers));
    expect(sent.filter((name) => name.startsWith("x-tollgate"))).toEqual([]);
  });

  test("stands in for the tenant's, which stands in for the route's", async () => {
    const tenant = await tollgate.addTenant({ terms: { strategy: "cheapest" } });
    const own = (await tollgate.addToken(tenant.id)).token;
    const model = await route(targets);
    expect((await ask(model, {}, own)).headers.get("x-tollgate-provider")).toBe("second");
    const headers = { "x-tollgate-strategy": "default" };
    expect((await ask(model, { headers }, own)).headers.get("x-tollgate-provider")).toBe("first");
  });

  test("is refused when nobody knows it, and nothing is asked for it", async () => {
    const reply = await ask(await route(targets), {
      headers: { "x-tollgate-strategy": "luckiest" },
    });
    expect([reply.status, errorOf(reply)]).toEqual([
      400,
      {
        message: "x-tollgate-strategy must be one of fastest, cheapest, reliable, default.",
        type: "invalid_request_error",
        code: "invalid_request",
        param: "x-tollgate-strategy",
      },
    ]);
    expect(seen()).toEqual([0, 0]);
  });
});

describe("a target's condition", () => {
  test("sends tagged requests elsewhere than others", async () => {
    const model = await route([at(first, { when: { tags: ["eu"] } }), at(second)]);
    await askOften(model, 2, { headers: { "x-tollgate-tags": "beta,eu" } });
    await askOften(model, 3);
    expect(seen()).toEqual([2, 3]);
  });

  test("that holds for no target is the client's to know, for ever", async () => {
    const model = await route([at(first, { when: { tools: true } })]);
    const reply = await ask(model);
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([400, "invalid_request"]);
    expect(errorOf(reply)).toMatchObject({ param: "model" });
    expect(reply.headers.get("x-should-retry")).not.toBe("true");
    expect(seen()).toEqual([0, 0]);
    const tools = [{ type: "function", function: { name: "look" } }];
    await askOften(model, 1, { body: { tools } });
  });

  test("holds for fallbacks and shadows as little as they serve", async () => {
    const uses = ["context_window", "content_filter", "shadow"] as const;
    const others = uses.map((use) => at(first, { use, priority: -1 }));
    const model = await route([...others, at(second)]);
    await askOften(model, 3);
    expect(second.upstream.stats().requests).toBe(3);
  });
});

test("a sticky conversation keeps to its target while it serves, then to its next", async () => {
  const model = await route([at(first), at(second)], {
    strategy: "weighted",
    terms: { sticky: { by: "end_user" } },
  });
  const servedBy = async (user: string) =>
    (await ask(model, { body: { user } })).headers.get("x-tollgate-provider");
  const users = Array.from({ length: 24 }, (_, number) => `user-${number}`);
  const homes = new Map<string, string | null>();
  for (const user of users) homes.set(user, await servedBy(user));
  expect(Object.keys(tally([...homes.values()])).toSorted()).toEqual(["first", "second"]);
  for (const user of users) expect(await servedBy(user)).toBe(homes.get(user) ?? null);
  await world.change({ ...first.row, enabled: false });
  for (const user of users) expect(await servedBy(user)).toBe("second");
  await world.change(first.row);
  for (const user of users) expect(await servedBy(user)).toBe(homes.get(user) ?? null);
});

test("a canary for everybody serves first, and its failure is made up for", async () => {
  const model = await route([at(first), at(second, { percent: 100 })]);
  await askOften(model, 2);
  expect(seen()).toEqual([0, 2]);
  second.upstream.script("status=503");
  await askOften(model, 1, { script: "" });
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  expect(first.upstream.stats().requests).toBe(1);
});

/**
 * Shadow traffic: the client's answer and bill are the same with and without it, the house pays, and every
 * copy that an upstream saw is an attempt in the ledger.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { LIMITS } from "../../src/base/limits.ts";
import type { RouteTarget } from "../../src/gateway/resolve.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import { chat, HELLO, type ChatReply } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const world = await twoProvidersForFile();
const { tollgate, tenantId, token, first, second } = world;
const { gateway, store } = tollgate;

/** Serves at the first provider. */
const main: RouteTarget = {
  providerId: first.row.id,
  model: "sim-small",
  weight: 1,
  priority: 0,
};
/** Gets copies at the second. */
const shadow: RouteTarget = {
  providerId: second.row.id,
  model: "m",
  weight: 1,
  priority: 0,
  use: "shadow",
};

beforeAll(async () => {
  await tollgate.addPrice(first.row.id, "sim-small", { outputPicoUsd: 2_000_000 });
  await tollgate.addPrice(second.row.id, "m", { outputPicoUsd: 5_000_000 });
  await tollgate.addRoute("without", [main]);
  await tollgate.addRoute("mirrored", [main, shadow]);
});

function ask(model: string, body: object = {}): Promise<ChatReply> {
  return chat(tollgate.url, { token, body: { model, ...body } });
}

/** Every shadow has come to its end. */
const atRest = () => until(() => gateway.lifecycle.inFlightCount() === 0);

async function ledger() {
  await atRest();
  await store.flush();
  const page = await store.requestPage({}, { limit: 200, cursor: null });
  return page.rows;
}

async function skippedCount(): Promise<number> {
  const line = /tollgate_shadows_total\{provider="second",outcome="skipped"\} (\d+)/;
  return Number(line.exec(await gateway.metrics.render())?.[1] ?? 0);
}

const shadowIds = async () =>
  (await ledger()).filter(({ tenantId: of }) => of === null).map(({ id }) => id);

const postedToTenant = async (): Promise<number> => {
  await atRest();
  const [budget] = await gateway.directory.budgetStates(tenantId);
  return budget?.postedNanoUsd ?? -1;
};

/** What the client can tell apart, but for ids and times. */
function told({ status, headers, text }: ChatReply): unknown {
  const body = text
    .replaceAll(/"id":"[^"]*"/g, '"id":""')
    .replaceAll(/"created":\d+/g, '"created":0');
  const names = ["x-tollgate-cost-usd", "x-tollgate-attempts", "x-tollgate-provider"];
  return { status, body, headers: names.map((name) => headers.get(name)) };
}

describe("whatever becomes of the copy", () => {
  test.each([
    ["answers", "tokens=3"],
    ["fails", "status=500"],
    ["is refused", "status=400"],
    ["is throttled", "status=429"],
    ["answers garbage", "garbage=1"],
    ["breaks off", "connection_reset=1"],
    ["is slow", "headers_delay_ms=150&tokens=3"],
    ["is cut", "tokens=9&cut_at=200"],
  ])("the client and its bill do not notice that it %s", async (_what, script) => {
    first.upstream.script("tokens=7");
    second.upstream.script(script);
    for (const stream of [false, true]) {
      const before = await postedToTenant();
      const plain = told(await ask("without", { stream }));
      const cost = (await postedToTenant()) - before;
      expect(cost).toBeGreaterThan(0);
      // A throttled copy rests its lane, which the next one would heed.
      await freshProvider(tollgate, second.row);
      const sentBefore = second.upstream.stats().requests;
      expect(told(await ask("mirrored", { stream }))).toEqual(plain);
      await atRest();
      expect(second.upstream.stats().requests).toBe(sentBefore + 1);
      expect((await postedToTenant()) - before).toBe(2 * cost);
    }
    expect(first.upstream.stats().requests).toBe(4);
  });

  test("one that hangs delays nobody, and is ended when it must be", async () => {
    second.upstream.script("hang=1");
    const replies = await Promise.all(Array.from({ length: 5 }, () => ask("mirrored")));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await second.upstream.until(({ inFlight }) => inFlight === 5);
    expect(gateway.shadows.count).toBe(5);
    gateway.lifecycle.stopAll("draining");
    await atRest();
    expect(gateway.shadows.count).toBe(0);
  });
});

describe("a copy", () => {
  test("is the client's request with the shadow's model, and without the client's credential", async () => {
    await ask("mirrored", { temperature: 0.5 });
    await atRest();
    const [sent] = second.upstream.requests();
    expect(JSON.parse(new TextDecoder().decode(sent?.body))).toEqual({
      model: "m",
      messages: HELLO,
      temperature: 0.5,
    });
    expect(sent?.headers.authorization).toBe("Bearer sk-upstream-credential");
    expect(JSON.stringify(sent?.headers)).not.toContain(token);
  });

  test("is an attempt of the house: a row without a tenant, a settled hold, the provider's money", async () => {
    const scope = { scopeType: "provider", scopeId: second.row.id, tenantId: null } as const;
    const budget = await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000_000 });
    const known = new Set((await ledger()).map(({ id }) => id));
    const before = await gateway.directory.budgetState(budget, null);
    second.upstream.script("tokens=4");
    const reply = await ask("mirrored", { max_tokens: 50 });
    const rows = (await ledger()).filter(({ id }) => !known.has(id));
    expect(new Set(rows.map(({ provider }) => provider))).toEqual(new Set(["first", "second"]));
    const copy = rows.find(({ provider }) => provider === "second");
    expect(copy).toMatchObject({
      tenantId: null,
      tokenId: null,
      route: "mirrored",
      model: "m",
      status: 200,
      outputTokens: 4,
      costNanoUsd: 20_000,
      attemptCount: 1,
      attemptNotes: [{ provider: "second", model: "m", outcome: "shadow", status: 200 }],
    });
    const detail = await store.requestDetail(copy?.id ?? "");
    expect(detail?.attempts.map(({ attempt, postings }) => [attempt, postings.length])).toEqual([
      [expect.objectContaining({ tenantId: "house", tokenId: "shadow" }), 1],
    ]);
    const own = await store.requestDetail(reply.headers.get("x-request-id") ?? "");
    expect(own?.attempts).toHaveLength(1);
    const state = await gateway.directory.budgetState(budget, null);
    const postedNanoUsd = (before?.postedNanoUsd ?? 0) + 20_000;
    expect(state).toMatchObject({ postedNanoUsd, heldNanoUsd: 0 });
    expect(await store.requestPage({ tenantId }, { limit: 200, cursor: null })).toMatchObject({
      rows: expect.not.arrayContaining([expect.objectContaining({ id: copy?.id })]),
    });
    await gateway.directory.changed("budgets", budget.id, null);
  });

  test("is not sent where a budget refuses it", async () => {
    const scope = { scopeType: "provider", scopeId: second.row.id, tenantId: null } as const;
    const budget = await tollgate.addBudget({ ...scope, amountNanoUsd: 1 });
    expect((await ask("mirrored")).status).toBe(200);
    await atRest();
    expect(second.upstream.stats().requests).toBe(0);
    await gateway.directory.changed("budgets", budget.id, null);
  });

  test("is not sent to a lane that rests, and its failures open the lane's breaker", async () => {
    second.upstream.script("status=503");
    for (let count = 0; count < 12; count += 1) {
      expect((await ask("mirrored")).status).toBe(200);
      await atRest();
    }
    expect(second.upstream.stats().requests).toBe(10);
    expect(gateway.directory.providerHealth(second.row.id).breaker).toBe("open");
  });

  test("is made of as many requests as the target's percent says, and of none that it is not for", async () => {
    await tollgate.addRoute("some", [main, { ...shadow, percent: 40 }]);
    await tollgate.addRoute("none", [main, { ...shadow, when: { tools: true } }]);
    for (let count = 0; count < 60; count += 1) await ask("some");
    await atRest();
    const { requests } = second.upstream.stats();
    expect(requests).toBeGreaterThan(8);
    expect(requests).toBeLessThan(45);
    await ask("none");
    await atRest();
    expect(second.upstream.stats().requests).toBe(requests);
  });

  test("is made only of requests that are served, once however often these are tried", async () => {
    first.upstream.script("fail_times=1&status=503&tokens=1");
    expect((await ask("mirrored")).status).toBe(200);
    await atRest();
    expect([first.upstream.stats().requests, second.upstream.stats().requests]).toEqual([2, 1]);
    await ask("mirrored", { messages: [] });
    expect(second.upstream.stats().requests).toBe(1);
  });

  test("finds no room beside as many as may be", async () => {
    second.upstream.script("hang=1");
    const skipped = await skippedCount();
    for (let count = 0; count < LIMITS.shadowsMax + 6; count += 1) await ask("mirrored");
    await second.upstream.until(({ inFlight }) => inFlight === LIMITS.shadowsMax);
    expect(gateway.shadows.count).toBe(LIMITS.shadowsMax);
    expect(await skippedCount()).toBe(skipped + 6);
    gateway.lifecycle.stopAll("draining");
    await atRest();
    expect(second.upstream.stats().requests).toBe(LIMITS.shadowsMax);
  });
});

test("at the end every copy that the upstream saw is a settled attempt, and nothing is held", async () => {
  second.upstream.script("tokens=2");
  const before = new Set(await shadowIds());
  for (let count = 0; count < 5; count += 1) await ask("mirrored", { stream: count % 2 === 0 });
  const made = (await shadowIds()).filter((id) => !before.has(id));
  expect([made.length, second.upstream.stats().requests]).toEqual([5, 5]);
  for (const id of made) {
    const attempts = (await store.requestDetail(id))?.attempts ?? [];
    expect(attempts.map(({ postings }) => postings.map(({ kind }) => kind))).toEqual([["settle"]]);
  }
  const file = join(tollgate.dataDir, "tollgate.db");
  expect(verifyLedger(file)).toMatchObject({ open: 0, differenceCount: 0 });
});

test("the way out waits for no copy: what was sent of it is settled at once", async () => {
  second.upstream.script("hang=1");
  const before = new Set(await shadowIds());
  await ask("mirrored");
  await second.upstream.until(({ inFlight }) => inFlight === 1);
  await gateway.lifecycle.drain(LIMITS.drainMs);
  const made = (await shadowIds()).find((id) => !before.has(id)) ?? "";
  const { attempts = [] } = (await store.requestDetail(made)) ?? {};
  expect(attempts).toMatchObject([{ postings: [{ kind: "settle", outcome: "draining" }] }]);
});

/** Answers that are read on for clients that left: bounded in number, time and bytes, and never free. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { followClient } from "../../src/gateway/client-left.ts";
import { Drains } from "../../src/gateway/drains.ts";
import { chatInit } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

let tollgate: TestGateway;
let tenantId: string;
let token: string;
let leaptMs: number;

/** Measured time that can be made to pass. */
const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + leaptMs };

const LONG_MS = 10 * LIMITS.clientGoneDrainMs;

beforeEach(async () => {
  leaptMs = 0;
  tollgate = await startTestGateway({ clock });
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
  const provider = await tollgate.addProvider({
    onClientDisconnect: "drain",
    timeoutsMs: {
      connect: LONG_MS,
      first_byte: LONG_MS,
      first_token: LONG_MS,
      idle: LONG_MS,
      total: 10 * LONG_MS,
    },
  });
  await tollgate.addPrice(provider.id, "sim-small", { inputPicoUsd: 1_000_000 });
  await tollgate.addRoute("small", [
    { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
  ]);
  await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });
});

afterEach(() => tollgate.stop());

type Leaver = { readonly leave: () => void; readonly answer: Promise<Response | null> };

function ask(script: string, body: object = {}): Leaver {
  const controller = new AbortController();
  const { signal } = controller;
  const init = chatInit({ token, script, signal, body: { max_tokens: 20, ...body } });
  const answer = fetch(`${tollgate.url}/v1/chat/completions`, init).catch(() => null);
  return { leave: () => controller.abort(), answer };
}

/** Every attempt's posting; asserts that nothing is left of those who left. */
async function postings() {
  const { directory, drains, lifecycle } = tollgate.gateway;
  await until(() => lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({}, { limit: 500, cursor: null });
  const details = await Promise.all(rows.map(({ id }) => tollgate.store.requestDetail(id)));
  const attempts = details.flatMap((detail) => detail?.attempts ?? []);
  const [budget] = await directory.budgetStates(tenantId);
  const all = attempts.flatMap((attempt) => attempt.postings);
  const sum = all.reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0);
  expect([drains.count, budget?.heldNanoUsd, budget?.postedNanoUsd]).toEqual([0, 0, sum]);
  expect(rows.every(({ clientGone }) => clientGone)).toBe(true);
  return all;
}

test("more than may run at once are given up at once, the others after their time; none is free", async () => {
  const { drains, lifecycle } = tollgate.gateway;
  // Others are read on already; `bun test` itself has no more than 256 requests under way.
  const others = LIMITS.clientGoneDrainsMax - 3;
  for (let begun = 0; begun < others; begun += 1) drains.begin();
  const clients = Array.from({ length: 5 }, () => ask("hang=1"));
  await tollgate.upstream.until(({ requests }) => requests === clients.length);
  for (const { leave } of clients) leave();
  await tollgate.upstream.until(({ closedEarly }) => closedEarly === 2);
  await until(() => lifecycle.inFlightCount() === 3);
  expect(drains.count).toBe(LIMITS.clientGoneDrainsMax);
  leaptMs = LIMITS.clientGoneDrainMs;
  await tollgate.upstream.until(({ closedEarly }) => closedEarly === clients.length);
  await until(() => lifecycle.inFlightCount() === 0);
  expect(drains.count).toBe(others);
  for (let ended = 0; ended < others; ended += 1) drains.end();

  const posted = await postings();
  expect(posted).toHaveLength(clients.length);
  for (const posting of posted) {
    expect(posting).toMatchObject({ kind: "settle", estimated: true, outcome: "client_gone" });
    expect(posting.amountNanoUsd).toBeGreaterThan(0);
  }
});

test("an answer that is read on past its bytes is given up, and what came is charged", async () => {
  const tokenBytes = 32_768;
  // Three times what may be read on.
  const tokens = (3 * LIMITS.clientGoneDrainBytesMax) / tokenBytes;
  const script = `tokens=${tokens}&token_bytes=${tokenBytes}&token_delay_ms=1`;
  const { answer, leave } = ask(script, { stream: true, max_tokens: tokens });
  const reader = (await answer)?.body?.getReader();
  await reader?.read();
  leave();
  await reader?.read().catch(() => undefined);
  await tollgate.upstream.until(({ closedEarly }) => closedEarly === 1);

  const [posting] = await postings();
  expect(posting).toMatchObject({ kind: "settle", estimated: true, outcome: "client_gone" });
  // The estimate is of text that has more tokens than were asked for: all of the hold at most.
  expect(posting?.outputTokens).toBeGreaterThan(LIMITS.clientGoneDrainBytesMax / tokenBytes / 2);
});

test("one who leaves while we wait for the next attempt is waited for by nobody", async () => {
  const { answer, leave } = ask("status=500&header=retry-after-ms%3A50000");
  await tollgate.upstream.until(({ completed }) => completed === 1);
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 1);
  leave();
  await answer;
  expect(await postings()).toMatchObject([{ kind: "settle", outcome: "status_500" }]);
  expect(tollgate.upstream.stats().requests).toBe(1);
});

test("one who is found to have left after the end begins no drain that nobody would end", () => {
  const drains = new Drains();
  const controller = new AbortController();
  const told: string[] = [];
  const exchange = {
    call: { signal: controller.signal },
    onClientLeft: () => undefined,
    onRead: () => undefined,
    clientGone: false,
    drainsForLeftClient: true,
    stoppedFor: null,
    stopAttempt: (reason: string) => void told.push(reason),
    stopped: Promise.withResolvers<void>(),
    isConcluded: true,
  };
  const release = followClient({ watchdog: tollgate.gateway.watchdog, drains }, exchange);
  controller.abort();
  expect({ clientGone: exchange.clientGone, told, count: drains.count }).toEqual({
    clientGone: true,
    told: ["client_gone"],
    count: 0,
  });
  release();
  expect(drains.count).toBe(0);
});

test("as many as may be are begun, and an end makes room for one", () => {
  const drains = new Drains();
  const begun = Array.from({ length: LIMITS.clientGoneDrainsMax + 1 }, () => drains.begin());
  expect(begun.filter((isBegun) => isBegun)).toHaveLength(LIMITS.clientGoneDrainsMax);
  drains.end();
  expect([drains.begin(), drains.begin()]).toEqual([true, false]);
});

/** A second attempt for an answer that is late: who wins, what the loser costs, and when none begins. */
import { beforeEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { handle } from "../../src/gateway/handle.ts";
import type { RouteRow } from "../../src/store/contract.ts";
import { chat, eventsOf } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { twoProvidersForFile } from "./two-providers.ts";
import { CHAT_CALL } from "../support/chat-call.ts";

const { tollgate, token, first, second, change, attemptsOf } = await twoProvidersForFile();
const client = new OpenAI({ baseURL: `${tollgate.url}/v1`, apiKey: token, maxRetries: 0 });

const TARGETS = [
  { providerId: first.row.id, model: "sim-small", weight: 1, priority: 0 },
  { providerId: second.row.id, model: "sim-large", weight: 1, priority: 1 },
];
/** While nothing is known of a lane a hedge begins after four times this. */
const HEDGE = { percentile: 95, delayMsMin: 10, percentMax: 100 };
const PATIENT = { ...first.row, timeoutsMs: second.row.timeoutsMs };

let routes = 0;

/** A new route over both: with a hedge budget and terms of its own. */
async function hedgingRoute(terms: RouteRow["terms"] = { hedge: HEDGE }): Promise<string> {
  routes += 1;
  return (await tollgate.addRoute(`hedged-${routes}`, TARGETS, { terms })).model;
}

const SMALL = { model: "sim-small", status: null };
const LARGE = { model: "sim-large", status: null };
const PAID = { kind: "settle", estimated: true, isFree: false };
const LOST = { ...PAID, outcome: "hedge_lost" };
const OK = { kind: "settle", outcome: "ok", status: 200, estimated: false, isFree: false };

function requests(): number[] {
  return [first, second].map(({ upstream }) => upstream.stats().requests);
}

async function refusedByBudget(): Promise<number> {
  const line = /tollgate_hedges_refused_total\{reason="budget"\} (\d+)/;
  return Number(line.exec(await tollgate.gateway.metrics.render())?.[1] ?? 0);
}

beforeEach(() => change(PATIENT));

describe("a first attempt that is late", () => {
  test.each([
    ["a plain answer", "hang=1", false],
    ["a stream without headers", "hang=1", true],
    ["a stream without content", "stall_after=0", true],
  ])("loses to the second: %s", async (_what, script, stream) => {
    first.upstream.script(script);
    second.upstream.script("tokens=3");
    const asked = {
      model: await hedgingRoute(),
      messages: [{ role: "user" as const, content: "Hi" }],
    };
    const request = stream
      ? client.chat.completions.create({ ...asked, stream })
      : client.chat.completions.create(asked);
    const { data, response } = await request.withResponse();
    const texts =
      "choices" in data
        ? data.choices.map(({ message }) => message.content)
        : (await Array.fromAsync(data)).map(({ choices }) => choices[0]?.delta.content ?? "");

    expect(texts.join("")).toBe("lorem ipsum dolor");
    const names = ["x-tollgate-attempts", "x-tollgate-provider", "x-tollgate-model"];
    expect(names.map((name) => response.headers.get(name))).toEqual(["2", "second", "sim-large"]);
    // Given up at once, not left to run.
    await first.upstream.until(({ closedEarly, inFlight }) => closedEarly === 1 && inFlight === 0);
    expect(requests()).toEqual([1, 1]);
    expect(await attemptsOf(response.headers.get("x-request-id"))).toEqual([
      { ...SMALL, ...LOST },
      { model: "sim-large", ...OK },
    ]);
    // Whoever lost has not failed.
    expect(tollgate.gateway.directory.providerHealth(first.row.id)).toMatchObject({
      breaker: "closed",
      availableAtMs: null,
      inFlight: 0,
    });
  });

  test.each([false, true])(
    "wins all the same when it is first after all (stream: %p)",
    async (stream) => {
      first.upstream.script("tokens=3&delay_ms=150");
      second.upstream.script("hang=1");
      const reply = await chat(tollgate.url, {
        token,
        body: { model: await hedgingRoute(), stream },
      });
      expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "first"]);
      if (stream) expect(eventsOf(reply.text).at(-1)).toBe("[DONE]");
      await second.upstream.until(
        ({ closedEarly, inFlight }) => closedEarly === 1 && inFlight === 0,
      );
      expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
        { model: "sim-small", ...OK },
        { ...LARGE, ...LOST },
      ]);
    },
  );
});

describe("of two attempts that run", () => {
  test("the second may fail first: the first goes on", async () => {
    first.upstream.script("tokens=3&delay_ms=250");
    second.upstream.script("status=500");
    const reply = await chat(tollgate.url, { token, body: { model: await hedgingRoute() } });
    expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "first"]);
    expect(requests()).toEqual([1, 1]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
      { model: "sim-small", ...OK },
      { model: "sim-large", ...PAID, outcome: "status_500", status: 500 },
    ]);
  });

  test("the first may fail first: the second serves, and no third begins", async () => {
    first.upstream.script("status=500&delay_ms=120");
    second.upstream.script("tokens=3&delay_ms=250");
    const reply = await chat(tollgate.url, { token, body: { model: await hedgingRoute() } });
    expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "second"]);
    expect(requests()).toEqual([1, 1]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
      { model: "sim-small", ...PAID, outcome: "status_500", status: 500 },
      { model: "sim-large", ...OK },
    ]);
  });

  test("both may fail, which counts as two of the attempts that the route allows", async () => {
    first.upstream.script("status=500&delay_ms=120");
    second.upstream.script("status=502&delay_ms=250");
    const model = await hedgingRoute({ hedge: HEDGE, retries: { attemptsMax: 2 } });
    const reply = await chat(tollgate.url, { token, body: { model } });
    expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([502, "second"]);
    expect([reply.headers.get("x-tollgate-attempts"), requests()]).toEqual(["2", [1, 1]]);
  });

  test("the request's own fault is told, though the other fails otherwise afterwards", async () => {
    first.upstream.script("status=400&delay_ms=120&body=%7B%22odd%22%3A1.0%7D");
    second.upstream.script("status=503&delay_ms=250");
    const model = await hedgingRoute({ hedge: HEDGE, retries: { attemptsMax: 2 } });
    const reply = await chat(tollgate.url, { token, body: { model } });
    expect([reply.status, reply.text]).toEqual([400, '{"odd":1.0}']);
    expect(reply.headers.get("x-tollgate-provider")).toBe("first");
  });

  test.each(["abort", "drain"] as const)(
    "both are closed and paid for when the client leaves, whatever the policy: %s",
    async (onClientDisconnect) => {
      await change({ ...PATIENT, onClientDisconnect });
      await change({ ...second.row, onClientDisconnect });
      for (const { upstream } of [first, second]) upstream.script("hang=1");
      const model = await hedgingRoute();
      const controller = new AbortController();
      const left = chat(tollgate.url, {
        token,
        body: { model },
        signal: controller.signal,
      }).catch((error: unknown) => error);
      await second.upstream.until(({ inFlight }) => inFlight === 1);
      controller.abort();
      await left;
      for (const { upstream } of [first, second]) {
        await upstream.until(({ closedEarly, inFlight }) => closedEarly === 1 && inFlight === 0);
      }
      await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
      await tollgate.store.flush();
      const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
      expect(rows[0]).toMatchObject({ route: model, clientGone: true, attemptCount: 2 });
      expect(await attemptsOf(rows[0]?.id ?? null)).toEqual([
        { ...SMALL, ...PAID, outcome: "client_gone" },
        { ...LARGE, ...PAID, outcome: "client_gone" },
      ]);
    },
  );

  test("both are ended by the client's deadline", async () => {
    for (const { upstream } of [first, second]) upstream.script("hang=1");
    const model = await hedgingRoute();
    const headers = { "x-tollgate-timeout-ms": "300" };
    const reply = await chat(tollgate.url, { token, body: { model }, headers });
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([
      504,
      "upstream_timeout",
    ]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
      { ...SMALL, ...PAID, outcome: "deadline" },
      { ...LARGE, ...PAID, outcome: "deadline" },
    ]);
  });

  test("both are ended on the way out", async () => {
    for (const { upstream } of [first, second]) upstream.script("hang=1");
    const replied = chat(tollgate.url, { token, body: { model: await hedgingRoute() } });
    await second.upstream.until(({ inFlight }) => inFlight === 1);
    tollgate.gateway.lifecycle.stopAll("draining");
    const reply = await replied;
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([
      503,
      "gateway_draining",
    ]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
      { ...SMALL, ...PAID, outcome: "draining" },
      { ...LARGE, ...PAID, outcome: "draining" },
    ]);
  });
});

describe("no second attempt begins", () => {
  test("where its hold is refused: the first goes on alone", async () => {
    const { id } = await tollgate.addBudget({
      scopeType: "provider",
      scopeId: second.row.id,
      tenantId: null,
      amountNanoUsd: 1,
    });
    first.upstream.script("tokens=3&delay_ms=200");
    const reply = await chat(tollgate.url, { token, body: { model: await hedgingRoute() } });
    expect([reply.status, reply.headers.get("x-tollgate-attempts")]).toEqual([200, "1"]);
    expect(requests()).toEqual([1, 0]);
    await tollgate.gateway.directory.changed("budgets", id, null);
  });

  test("past the route's share of hedged requests", async () => {
    first.upstream.script("tokens=3&delay_ms=400");
    second.upstream.script("tokens=3");
    const model = await hedgingRoute({ hedge: { ...HEDGE, percentMax: 34 } });
    const attempts: (string | null)[] = [];
    const before = await refusedByBudget();
    for (let each = 0; each < 4; each += 1) {
      const reply = await chat(tollgate.url, { token, body: { model } });
      attempts.push(reply.headers.get("x-tollgate-attempts"));
    }
    // The third request is the first of which a third is one.
    expect(attempts).toEqual(["1", "1", "2", "1"]);
    expect((await refusedByBudget()) - before).toBe(3);
  });

  test("for what was repeated already", async () => {
    first.upstream.script("status=500");
    second.upstream.script("tokens=3&delay_ms=150");
    const reply = await chat(tollgate.url, { token, body: { model: await hedgingRoute() } });
    expect([reply.status, requests()]).toEqual([200, [1, 1]]);
  });

  test("after content, however slowly it comes", async () => {
    first.upstream.script("tokens=5&token_delay_ms=60");
    const body = { model: await hedgingRoute(), stream: true };
    const reply = await chat(tollgate.url, { token, body });
    expect([eventsOf(reply.text).at(-1), requests()]).toEqual(["[DONE]", [1, 0]]);
  });

  test("before the time in which nearly all answers of this kind come", async () => {
    first.upstream.script("tokens=3&delay_ms=200");
    const alone = { token, body: { model: "alone" } };
    await Promise.all(Array.from({ length: 24 }, () => chat(tollgate.url, alone)));
    // Of streams nothing is known yet; of plain answers, that they take 200 ms.
    const model = await hedgingRoute({ hedge: { ...HEDGE, delayMsMin: 20 } });
    first.upstream.script("tokens=3&delay_ms=100");
    const plain = await chat(tollgate.url, { token, body: { model } });
    expect(plain.headers.get("x-tollgate-attempts")).toBe("1");
    first.upstream.script("hang=1");
    const streamed = await chat(tollgate.url, { token, body: { model, stream: true } });
    expect(streamed.headers.get("x-tollgate-attempts")).toBe("2");
  });
});

test("of a client that has left before its attempt began, nothing waits for a slot", async () => {
  const queue = { waitingMax: 10, waitMs: 60_000 };
  await change({ ...PATIENT, maxConcurrent: 1, terms: { queue } });
  first.upstream.script("hang=1");
  const leaving = new AbortController();
  const busy = chat(tollgate.url, { token, body: { model: "alone" }, signal: leaving.signal });
  // One of the test before may still be leaving.
  await first.upstream.until((stats) => stats.requests === 1 && stats.inFlight === 1);
  const model = await hedgingRoute();
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] });
  const reply = await handle(tollgate.gateway, {
    ...CHAT_CALL,
    headers: new Headers({ authorization: `Bearer ${token}` }),
    declaredBytes: body.length,
    readBody: () => Promise.resolve(new TextEncoder().encode(body)),
    signal: AbortSignal.abort(),
    onEnd: () => undefined,
  });
  expect([reply.status, requests()]).toEqual([499, [1, 0]]);
  leaving.abort();
  await busy.catch(() => undefined);
});

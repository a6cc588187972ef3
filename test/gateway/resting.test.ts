/** Providers that are left alone for a while: breaker, cooldown, slots, switched off. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { ProviderRow } from "../../src/store/contract.ts";
import { chat, errorOf, type ChatReply } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { leapingClock } from "./leaping-clock.ts";

const clock = leapingClock();
const tollgate = await startTestGateway({ clock });
afterAll(() => tollgate.stop());
const { upstream, gateway } = tollgate;
const tenantId = (await tollgate.addTenant()).id;
const { token } = await tollgate.addToken(tenantId);
const first = await tollgate.addProvider({ name: "first" });
const second = await tollgate.addProvider({ name: "second" });
const target = ({ id }: ProviderRow, priority: number) => {
  return { providerId: id, model: priority === 0 ? "sim-small" : "sim-large", weight: 1, priority };
};
await tollgate.addRoute("small", [target(first, 0)]);
await tollgate.addRoute("both", [target(first, 0), target(second, 1)]);
await tollgate.addLimit({
  scopeType: "tenant",
  scopeId: tenantId,
  tenantId,
  requestsPerMinute: 1_000,
  maxConcurrent: 100,
});

const change = (row: ProviderRow): Promise<void> =>
  gateway.directory.changed("providers", row.id, row);
const ask = (script: string, model = "small", body: object = {}): Promise<ChatReply> =>
  chat(tollgate.url, { token, script, body: { model, ...body } });
const statuses = (replies: readonly ChatReply[]): number[] => replies.map(({ status }) => status);
/** How often each of the values is there. */
const tally = (values: readonly unknown[]) => {
  return Object.fromEntries(
    [...Map.groupBy(values, String)].map(([value, all]) => [value, all.length]),
  );
};

beforeEach(async () => {
  upstream.reset();
  await freshProvider(tollgate, first);
  await freshProvider(tollgate, second);
});

function note(provider: string, model: string, outcome: string) {
  return { provider, model, outcome, status: null, latencyMs: 0 };
}

function expectUnavailable(reply: ChatReply, atLeastS: number, atMostS: number): void {
  expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([
    503,
    "provider_unavailable",
  ]);
  expect(errorOf(reply)).toMatchObject({ type: "server_error", code: "provider_unavailable" });
  const seconds = Number(reply.headers.get("retry-after"));
  expect(seconds).toBeGreaterThanOrEqual(atLeastS);
  expect(seconds).toBeLessThanOrEqual(atMostS);
  expect(reply.headers.get("x-tollgate-attempts")).toBe("0");
}

/** Obeys a refusal to the second. */
function obey(reply: ChatReply): void {
  clock.leap(Number(reply.headers.get("retry-after")) * 1_000);
}

/** Five requests, with as many repeats as the provider's budget has, make ten failures in a row. */
async function openBreaker(): Promise<ChatReply[]> {
  const replies: ChatReply[] = [];
  for (let count = 0; count < 5; count += 1) replies.push(await ask("status=500"));
  return replies;
}

describe("ten failures in a row", () => {
  test("open the breaker: then 503 at once, and the upstream sees nothing", async () => {
    const replies = await openBreaker();
    expect(statuses(replies)).toEqual([500, 500, 500, 500, 500]);
    expect(replies.map(({ headers }) => headers.get("x-tollgate-attempts"))).toEqual([
      "3",
      "3",
      "2",
      "1",
      "1",
    ]);
    expect(upstream.stats().requests).toBe(10);
    expectUnavailable(await ask(""), 4, 6);
    expectUnavailable(await ask("", "small", { stream: true }), 4, 6);
    expect(upstream.stats().requests).toBe(10);
  });

  test("tell the row of a request that nobody took who rested, and why", async () => {
    await openBreaker();
    await change({ ...second, terms: { breakerForced: "open" } });
    const reply = await ask("", "both");
    expectUnavailable(reply, 4, 6);
    await until(() => gateway.lifecycle.inFlightCount() === 0);
    await tollgate.store.flush();
    const detail = await tollgate.store.requestDetail(reply.headers.get("x-request-id") ?? "");
    expect(detail?.request?.attemptNotes).toEqual([
      note("first", "sim-small", "refused_breaker"),
      note("second", "sim-large", "refused_forced"),
    ]);
    // Where somebody serves, those passed over are nothing that was tried.
    await freshProvider(tollgate, second);
    const served = await ask("tokens=1", "both");
    await until(() => gateway.lifecycle.inFlightCount() === 0);
    await tollgate.store.flush();
    const other = await tollgate.store.requestDetail(served.headers.get("x-request-id") ?? "");
    expect(other?.request?.attemptNotes).toBeNull();
  });

  test("are over when the time that was told has passed, and three answers close it", async () => {
    await openBreaker();
    obey(await ask(""));
    expect(gateway.directory.providerHealth(first.id).breaker).toBe("half_open");
    const replies = [await ask("tokens=1"), await ask("tokens=1"), await ask("tokens=1")];
    expect(statuses(replies)).toEqual([200, 200, 200]);
    expect(gateway.directory.providerHealth(first.id).breaker).toBe("closed");
  });

  test("and one more while it is tried again rest it for longer", async () => {
    await openBreaker();
    obey(await ask(""));
    expect((await ask("status=500")).status).toBe(500);
    expectUnavailable(await ask(""), 8, 12);
    expect(upstream.stats().requests).toBe(11);
  });

  test("let at most three through at once when it is tried again", async () => {
    await openBreaker();
    obey(await ask(""));
    upstream.reset();
    const waiting = Array.from({ length: 10 }, () => ask("tokens=1&headers_delay_ms=100"));
    const replies = await Promise.all(waiting);
    expect(tally(statuses(replies))).toEqual({ 200: 3, 503: 7 });
    expect(upstream.stats()).toMatchObject({ requests: 3, inFlightMax: 3 });
  });

  test("of one provider leave the next one to serve", async () => {
    await openBreaker();
    const reply = await ask("tokens=1", "both");
    expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "second"]);
    expect(reply.headers.get("x-tollgate-attempts")).toBe("1");
  });

  test.each([
    ["refusals of what the client sent", "status=400", 12],
    ["throttled answers", "status=429&retry_after=0", 8],
    ["answers to a wrong credential", "status=401", 12],
  ])("are not made of %s", async (_what, script, count) => {
    for (let asked = 0; asked < count; asked += 1) await ask(script);
    expect(upstream.stats().requests).toBeGreaterThan(10);
    expect((await ask("tokens=1")).status).toBe(200);
  });

  test("are not made of requests whose own time was too short", async () => {
    const headers = { "x-tollgate-timeout-ms": "1" };
    for (let count = 0; count < 12; count += 1) {
      const reply = await chat(tollgate.url, { token, script: "hang=1", headers });
      expect(reply.status).toBe(504);
    }
    expect((await ask("tokens=1")).status).toBe(200);
  });

  test("are not made of clients that leave", async () => {
    for (let count = 1; count <= 12; count += 1) {
      const controller = new AbortController();
      const asked = chat(tollgate.url, { token, script: "hang=1", signal: controller.signal });
      const left = asked.catch(() => undefined);
      await upstream.until(({ inFlight }) => inFlight === 1);
      controller.abort();
      await left;
      await upstream.until(({ closedEarly }) => closedEarly === count);
    }
    expect((await ask("tokens=1")).status).toBe(200);
  });
});

describe("a provider that asks for time", () => {
  test("is waited for within the request when it is short, and then serves", async () => {
    const beganAtMs = performance.now();
    const reply = await ask("fail_times=1&status=429&header=retry-after-ms%3A200&tokens=1");
    expect([reply.status, reply.headers.get("x-tollgate-attempts")]).toEqual([200, "2"]);
    expect(performance.now() - beganAtMs).toBeGreaterThanOrEqual(200);
    expect(upstream.stats().byStatus).toEqual({ "200": 1, "429": 1 });
  });

  test("is left alone by everybody for that time, and asked again after it", async () => {
    const headers = { "x-tollgate-timeout-ms": "1000" };
    const script = "status=429&retry_after=37";
    const refused = await chat(tollgate.url, { token, script, headers });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "37"]);
    const resting = await ask("tokens=1");
    expectUnavailable(resting, 36, 41);
    expect((await ask("tokens=1", "both")).headers.get("x-tollgate-provider")).toBe("second");
    obey(resting);
    expect((await ask("tokens=1", "both")).headers.get("x-tollgate-provider")).toBe("first");
  });
});

describe("a provider with slots", () => {
  test("takes no more at once than it has, and says that it is full", async () => {
    await change({ ...first, maxConcurrent: 4 });
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => ask("tokens=1&headers_delay_ms=200")),
    );
    const served = replies.filter(({ status }) => status === 200);
    expect(served).toHaveLength(4);
    for (const reply of replies) if (reply.status !== 200) expectUnavailable(reply, 1, 1);
    expect(upstream.stats()).toMatchObject({ requests: 4, inFlightMax: 4 });
    expect((await ask("tokens=1")).status).toBe(200);
  });

  test("hands what it cannot take to the next provider", async () => {
    await change({ ...first, maxConcurrent: 4 });
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => ask("tokens=1&headers_delay_ms=200", "both")),
    );
    const names = replies.map(({ headers }) => headers.get("x-tollgate-provider"));
    expect(statuses(replies)).toEqual(Array(20).fill(200));
    expect(tally(names)).toEqual({ first: 4, second: 16 });
  });

  test("has them back after answers of every kind", async () => {
    await change({ ...first, maxConcurrent: 1 });
    const scripts = ["tokens=1", "status=400", "status=404", "garbage=1", "connection_reset=1"];
    for (const script of scripts) {
      await ask(script);
      await ask(script, "small", { stream: true });
      expect(gateway.directory.providerHealth(first.id).inFlight).toBe(0);
      await freshProvider(tollgate, { ...first, maxConcurrent: 1 });
    }
  });
});

describe("a provider that is switched off", () => {
  test("is passed by", async () => {
    await change({ ...first, enabled: false });
    const reply = await ask("tokens=1", "both");
    expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "second"]);
    expect(reply.headers.get("x-tollgate-attempts")).toBe("1");
  });

  test("is all there is: 503, and nothing is taken from any limit", async () => {
    await change({ ...first, enabled: false });
    clock.leap(60_000);
    const replies = [await ask(""), await ask("")];
    for (const reply of replies) {
      expectUnavailable(reply, 60, 60);
      expect(reply.headers.get("x-ratelimit-remaining-requests")).toBe("1000");
    }
    await until(() => gateway.lifecycle.inFlightCount() === 0);
    const [limit] = await gateway.directory.limitStates(tenantId);
    expect(limit).toMatchObject({ requestsRemaining: 1_000, inFlight: 0 });
  });
});

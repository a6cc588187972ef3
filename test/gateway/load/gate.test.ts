/** What waits at a provider's gate: each gets its slot or its refusal once, and nothing is left behind. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import type { PriorityClass } from "../../../src/base/priority.ts";
import type { Stoppable } from "../../../src/gateway/exchange.ts";
import { Gate } from "../../../src/gateway/load/gate.ts";
import { createWatchdog } from "../../../src/gateway/watchdog.ts";
import type { ProviderRow } from "../../../src/store/contract.ts";
import { createLog } from "../../../src/telemetry/log.ts";
import { chat, errorOf, type ChatReply } from "../../support/chat.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";

const tollgate = await startTestGateway({ unseal: (sealed) => sealed });
afterAll(() => tollgate.stop());
const { upstream, gateway } = tollgate;
const tenant = await tollgate.addTenant();
const other = await tollgate.addTenant({ name: "other" });
const { token } = await tollgate.addToken(tenant.id);
const { token: othersToken } = await tollgate.addToken(other.id);
const provider = await tollgate.addProvider({ name: "narrow" });
const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
await tollgate.addRoute("small", [target]);
const scope = { scopeType: "tenant", scopeId: tenant.id, tenantId: tenant.id } as const;
await tollgate.addLimit({ ...scope, requestsPerMinute: 1_000, maxConcurrent: 100 });

async function allow(maxConcurrent: number | null, queue: ProviderRow["terms"]["queue"]) {
  const terms = queue === undefined ? {} : { queue };
  await gateway.directory.changed("providers", provider.id, { ...provider, maxConcurrent, terms });
}

function gateOf(): Gate {
  const entry = [...gateway.directory.providers()].find(({ row }) => row.id === provider.id);
  if (entry === undefined) throw new Error("the provider is gone");
  return entry.gate;
}

const QUEUE = { waitingMax: 100, waitMs: 30_000 };

beforeEach(async () => {
  await upstream.until(({ inFlight }) => inFlight === 0);
  upstream.reset();
  await gateway.directory.changed("providers", provider.id, null);
  await allow(1, QUEUE);
});

const ask = (script = "tokens=1", as = token, headers = {}): Promise<ChatReply> =>
  chat(tollgate.url, { token: as, script, headers });
const statuses = (replies: readonly ChatReply[]): number[] => replies.map(({ status }) => status);
const waiting = (count: number): Promise<void> => until(() => gateOf().state().waiting === count);

/** One that keeps the only slot until the test lets it go. */
async function busySlot(): Promise<() => void> {
  const leaving = new AbortController();
  const options = { token, script: "hang=1", signal: leaving.signal };
  chat(tollgate.url, options).catch(() => undefined);
  await upstream.until(({ requests }) => requests === 1);
  return () => leaving.abort();
}

describe("attempts that find no slot", () => {
  test("wait for one, and no more run at once than may", async () => {
    await allow(3, QUEUE);
    const replies = await Promise.all(
      Array.from({ length: 30 }, () => ask("tokens=1&headers_delay_ms=5")),
    );
    expect(statuses(replies)).toEqual(Array(30).fill(200));
    expect(upstream.stats()).toMatchObject({ requests: 30, inFlightMax: 3 });
    expect(gateOf().state()).toEqual({ inFlight: 0, waiting: 0, slots: 3 });
  });

  test("wait no longer than they may, are told when to come back, and take nothing from limits", async () => {
    await allow(1, { waitingMax: 10, waitMs: 60 });
    const free = await busySlot();
    const reply = await ask();
    free();
    expect([reply.status, reply.headers.get("retry-after"), errorOf(reply)]).toEqual([
      503,
      "1",
      {
        message: "The provider had no free slot in time.",
        type: "server_error",
        code: "provider_unavailable",
        param: null,
      },
    ]);
    expect(reply.headers.get("x-tollgate-attempts")).toBe("0");
    await until(() => gateway.lifecycle.inFlightCount() === 0);
    const [limit] = await gateway.directory.limitStates(tenant.id);
    expect(limit?.inFlight).toBe(0);
    expect(gateOf().state()).toMatchObject({ inFlight: 0, waiting: 0 });
  });

  test("wait no longer than their own request may take", async () => {
    const free = await busySlot();
    const reply = await ask("tokens=1", token, { "x-tollgate-timeout-ms": "150" });
    free();
    expect([503, 504]).toContain(reply.status);
    expect(upstream.stats().requests).toBe(1);
    await waiting(0);
  });

  test("wait once for all credentials of a provider, whose slots are the same", async () => {
    const waitMs = 500;
    const moreCredentialsSealed = ["sk-2", "sk-3", "sk-4", "sk-5", "sk-6"];
    await gateway.directory.changed("providers", provider.id, {
      ...provider,
      credentialSealed: "sk-1",
      maxConcurrent: 1,
      terms: { queue: { waitingMax: 10, waitMs }, moreCredentialsSealed },
    });
    const free = await busySlot();
    const askedAtMs = performance.now();
    const reply = await ask();
    const waitedMs = performance.now() - askedAtMs;
    free();
    expect([reply.status, reply.headers.get("x-tollgate-attempts")]).toEqual([503, "0"]);
    expect(waitedMs).toBeGreaterThan(waitMs * 0.9);
    expect(waitedMs).toBeLessThan(waitMs * 4);
  });

  test("wait before the next target is asked, which serves when they waited in vain", async () => {
    const { id: providerId } = await tollgate.addProvider({ name: "wide" });
    await tollgate.addRoute("both", [target, { ...target, providerId, priority: 1 }]);
    const served = async () => {
      const body = { model: "both" };
      const { headers } = await chat(tollgate.url, { token, script: "tokens=1", body });
      return headers.get("x-tollgate-provider");
    };
    const free = await busySlot();
    const waits = served();
    await waiting(1);
    free();
    expect(await waits).toBe("narrow");
    upstream.reset();
    await allow(1, { waitingMax: 10, waitMs: 60 });
    const freed = await busySlot();
    expect(await served()).toBe("wide");
    freed();
  });

  test("lose their place when their client leaves, and the next one gets the slot", async () => {
    const free = await busySlot();
    const leaving = new AbortController();
    const left = chat(tollgate.url, { token, signal: leaving.signal }).catch(() => null);
    await waiting(1);
    const staying = ask();
    await waiting(2);
    leaving.abort();
    await left;
    await waiting(1);
    free();
    expect((await staying).status).toBe(200);
    expect(upstream.stats().requests).toBe(2);
    await until(() => gateway.lifecycle.inFlightCount() === 0);
    expect(gateOf().state()).toEqual({ inFlight: 0, waiting: 0, slots: 1 });
  });

  test("past what may wait are refused at once", async () => {
    await allow(1, { waitingMax: 2, waitMs: 30_000 });
    const free = await busySlot();
    const two = [ask(), ask()];
    await waiting(2);
    const third = await ask();
    expect([third.status, third.headers.get("x-tollgate-error")]).toEqual([
      503,
      "provider_unavailable",
    ]);
    free();
    expect(statuses(await Promise.all(two))).toEqual([200, 200]);
  });

  test("get what an edit allows at once", async () => {
    const free = await busySlot();
    const served = [ask(), ask()];
    await waiting(2);
    await allow(3, QUEUE);
    expect(statuses(await Promise.all(served))).toEqual([200, 200]);
    free();
  });
});

/** Who was served, in order, once the slot is free. */
async function order(asked: readonly (readonly [name: string, as: string, of: PriorityClass])[]) {
  const free = await busySlot();
  const served: string[] = [];
  const all: Promise<void>[] = [];
  for (const [name, as, of] of asked) {
    const reply = ask("tokens=1", as, { "x-tollgate-priority": of });
    all.push(reply.then(({ status }) => void served.push(`${name} ${status}`)));
    await waiting(all.length);
  }
  free();
  await Promise.all(all);
  return served;
}

describe("whose turn it is", () => {
  test("goes around tenants, however many requests one of them has waiting", async () => {
    const flood = ["f1", "f2", "f3", "f4"].map((name) => [name, token, "default"] as const);
    expect(await order([...flood, ["quiet", othersToken, "default"]])).toEqual([
      "f1 200",
      "quiet 200",
      "f2 200",
      "f3 200",
      "f4 200",
    ]);
  });

  test("comes to higher classes first, though lower ones were there before", async () => {
    expect(
      await order([
        ["batch", token, "batch"],
        ["default", token, "default"],
      ]),
    ).toEqual(["default 200", "batch 200"]);
  });

  test("leaves a place for a tenant that has none, where one has them all", async () => {
    await allow(1, { waitingMax: 3, waitMs: 30_000 });
    const free = await busySlot();
    const flood: Promise<ChatReply>[] = [];
    for (let each = 1; each <= 3; each += 1) {
      flood.push(ask());
      await waiting(each);
    }
    const quiet = ask("tokens=1", othersToken);
    await until(async () => (await Promise.race([flood[2], Bun.sleep(1)])) !== undefined);
    free();
    expect((await quiet).status).toBe(200);
    expect(statuses(await Promise.all(flood))).toEqual([200, 200, 503]);
  });
});

describe("a provider that says that it is too much", () => {
  test("gets fewer at once from then on, and all it can take again after a while", async () => {
    await allow(null, QUEUE);
    const all = Array.from({ length: 20 }, () => ask("tokens=1&headers_delay_ms=100"));
    await upstream.until(({ inFlight }) => inFlight === 20);
    expect(gateOf().state()).toEqual({ inFlight: 20, waiting: 0, slots: null });
    expect((await ask("status=429&retry_after=0")).status).toBe(429);
    const { slots } = gateOf().state();
    expect(slots).toBeGreaterThanOrEqual(5);
    expect(slots).toBeLessThanOrEqual(18);
    await Promise.all(all);
    expect(gateOf().state()).toMatchObject({ inFlight: 0, waiting: 0 });
  });
});

test("on the way out those who wait are told at once, and what runs ends in its own time", async () => {
  const draining = await startTestGateway();
  try {
    const { id } = await draining.addTenant();
    const { token: own } = await draining.addToken(id);
    const narrow = await draining.addProvider({ maxConcurrent: 1, terms: { queue: QUEUE } });
    await draining.addRoute("small", [{ ...target, providerId: narrow.id }]);
    const running = chat(draining.url, { token: own, script: "tokens=1&headers_delay_ms=400" });
    await draining.upstream.until(({ inFlight }) => inFlight === 1);
    const waits = chat(draining.url, { token: own });
    const [entry] = [...draining.gateway.directory.providers()];
    await until(() => entry?.gate.state().waiting === 1);
    const drained = draining.gateway.lifecycle.drain(5_000);
    const refused = await waits;
    expect([refused.status, refused.headers.get("x-tollgate-error")]).toEqual([
      503,
      "gateway_draining",
    ]);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(draining.upstream.stats()).toMatchObject({ requests: 1, inFlight: 1 });
    expect((await running).status).toBe(200);
    await drained;
  } finally {
    await draining.stop();
  }
});

test("a gate that failed goes on with another: slots stay taken, and those who wait keep waiting", async () => {
  const lines: string[] = [];
  const log = createLog({
    level: "error",
    format: "json",
    colour: false,
    clock: systemClock,
    sink: { write: (line) => void lines.push(line) },
    secrets: [],
  });
  const watchdog = createWatchdog(systemClock);
  const gate = new Gate(
    { clock: systemClock, log, watchdog },
    { ...provider, maxConcurrent: 1, terms: { queue: QUEUE } },
  );
  const run: Stoppable = { stoppedFor: null, stopAttempt: null, stopped: Promise.withResolvers() };
  const seeker = { tenantId: "ten_1", priorityClass: "default", withinMs: 60_000, run } as const;
  expect(gate.take({ ...seeker, attemptId: "a" })).toBeNull();
  const waits = gate.take({ ...seeker, attemptId: "b" });
  // The same attempt twice is a bug that no gate survives.
  expect(gate.take({ ...seeker, attemptId: "b" })).toMatchObject({ code: "internal_error" });
  expect(lines).toHaveLength(1);
  expect(gate.state()).toEqual({ inFlight: 1, waiting: 1, slots: 1 });
  gate.release("a");
  expect(await waits).toBeNull();
  gate.release("b");
  expect(gate.state()).toEqual({ inFlight: 0, waiting: 0, slots: 1 });
  expect(watchdog.armedCount()).toBe(0);
  watchdog.stop();
  gate.stop();
});

/** A gateway with too much to do: who is refused in which stage, how, and what is never touched. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { systemClock, type Clock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { PRIORITY_CLASSES } from "../../../src/base/priority.ts";
import { chat, chatInit, errorOf, type ChatReply } from "../../support/chat.ts";
import { CALM, CALM_LOAD } from "../../support/calm.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { readLedger } from "../../process/ledger.ts";
import { until } from "../../support/until.ts";
import { connectRaw, sendRaw } from "../raw-socket.ts";

/** Shedding looks ten times a second; nothing else of the gateway does. */
const LOOK_MS = 100;

/** The system's clock, but for the looks of shedding, which come when the test says so. */
function steppedClock(): Clock & { readonly pass: (durationMs: number) => void } {
  const looks: (() => void)[] = [];
  let passedMs = 0;
  return {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + passedMs,
    every: (periodMs, callback) => {
      if (periodMs !== LOOK_MS) return systemClock.every(periodMs, callback);
      looks.push(callback);
      return { cancel: () => void looks.splice(looks.indexOf(callback), 1) };
    },
    pass: (durationMs) => {
      for (let gone = 0; gone < durationMs; gone += LOOK_MS) {
        passedMs += LOOK_MS;
        for (const look of looks) look();
      }
    },
  };
}

const clock = steppedClock();
let load = CALM_LOAD;
let waiting = CALM.waitingHolds();
const tollgate = await startTestGateway({
  clock,
  load: { read: () => load, waitingHolds: () => waiting },
});
afterAll(() => tollgate.stop());
const { gateway, upstream } = tollgate;

/** A load that asks for each stage. */
const LOADS = [
  CALM_LOAD,
  { ...CALM_LOAD, loopDelayMs: 100 },
  { ...CALM_LOAD, memoryShare: 0.9 },
  { ...CALM_LOAD, ledgerAgeMs: 5_000 },
] as const;

async function enter(stage: 0 | 1 | 2 | 3): Promise<void> {
  // A write that is under way while time leaps would look like a disk that does not answer.
  await until(() => gateway.store.ledger.queued() === 0);
  await gateway.store.flush();
  load = CALM_LOAD;
  clock.pass(5_200);
  load = LOADS[stage];
  clock.pass(1_200);
  expect(gateway.shed.stage()).toBe(stage);
}

beforeEach(async () => {
  await enter(0);
  upstream.reset();
});

const tenant = await tollgate.addTenant();
const provider = await tollgate.addProvider();
const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
await tollgate.addRoute("small", [target]);
const { token } = await tollgate.addToken(tenant.id);
const tokens = {
  default: token,
  interactive: (await tollgate.addToken(tenant.id, { terms: { priorityClass: "interactive" } }))
    .token,
  batch: (await tollgate.addToken(tenant.id, { terms: { priorityClass: "batch" } })).token,
};

const statusOf = async (presented: string, priority?: string): Promise<number> => {
  const headers = priority === undefined ? {} : { "x-tollgate-priority": priority };
  return (await chat(tollgate.url, { token: presented, headers, script: "tokens=1" })).status;
};

describe("who is refused", () => {
  test.each([
    [0, [200, 200, 200]],
    [1, [200, 200, 503]],
    [2, [200, 503, 503]],
    [3, [503, 503, 503]],
  ] as const)(
    "in stage %d: interactive, default and batch are answered %j",
    async (stage, told) => {
      await enter(stage);
      const statuses = PRIORITY_CLASSES.map((name) => statusOf(tokens[name]));
      expect(await Promise.all(statuses)).toEqual([...told]);
      expect(upstream.stats().requests).toBe(told.filter((status) => status === 200).length);
      expect([gateway.shed.allows("hedge"), gateway.shed.allows("shadow")]).toEqual([
        stage === 0,
        stage === 0,
      ]);
    },
  );

  test("is whoever calls itself lower than it is; nobody rises by a word", async () => {
    await enter(1);
    expect(await statusOf(tokens.interactive, "batch")).toBe(503);
    expect(await statusOf(tokens.default, "batch")).toBe(503);
    expect(await statusOf(tokens.batch, "interactive")).toBe(503);
    await enter(2);
    expect(await statusOf(tokens.default, "interactive")).toBe(503);
    expect(await statusOf(tokens.interactive, "interactive")).toBe(200);
  });

  test("is decided by the tenant where the access token says nothing", async () => {
    const eager = await tollgate.addTenant({ terms: { priorityClass: "interactive" } });
    const own = (await tollgate.addToken(eager.id)).token;
    const lower = (await tollgate.addToken(eager.id, { terms: { priorityClass: "batch" } })).token;
    await enter(2);
    expect([await statusOf(own), await statusOf(lower)]).toEqual([200, 503]);
  });
});

test("a class that does not exist is named, and nothing is sent", async () => {
  const headers = { "x-tollgate-priority": "urgent" };
  const reply = await chat(tollgate.url, { token, headers });
  expect([reply.status, errorOf(reply)]).toEqual([
    400,
    {
      message: "x-tollgate-priority must be one of interactive, default, batch.",
      type: "invalid_request_error",
      code: "invalid_request",
      param: "x-tollgate-priority",
    },
  ]);
  expect(upstream.stats().requests).toBe(0);
});

async function ask(path: string): Promise<string> {
  return (await fetch(`${tollgate.url}${path}`)).text();
}

describe("a refusal", () => {
  test("says why and when it may be over, and nobody is asked anything", async () => {
    await enter(2);
    const reply = await chat(tollgate.url, { token });
    expect([reply.status, reply.headers.get("retry-after"), errorOf(reply)]).toEqual([
      503,
      "5",
      {
        message: "The gateway is overloaded: it takes no requests of the class default now.",
        type: "server_error",
        code: "gateway_overloaded",
        param: null,
      },
    ]);
    expect(reply.headers.get("x-tollgate-error")).toBe("gateway_overloaded");
    expect(upstream.stats().requests).toBe(0);
  });

  test("told a time that is true: who obeys it is served", async () => {
    await enter(3);
    load = CALM_LOAD;
    clock.pass(2_000);
    const reply = await chat(tollgate.url, { token });
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([503, "4"]);
    clock.pass(4_000);
    expect(await statusOf(token)).toBe(200);
  });

  test("comes at once where too many wait for the disk, and ends with that", async () => {
    waiting = { count: 2_048, oldestMs: 0 };
    const [refused, served] = await Promise.all([
      chat(tollgate.url, { token }),
      chat(tollgate.url, { token: tokens.interactive }),
    ]);
    waiting = CALM.waitingHolds();
    expect([refused.status, refused.headers.get("retry-after"), errorOf(refused)]).toEqual([
      503,
      "1",
      {
        message: "The gateway is overloaded: too many requests wait for its ledger.",
        type: "server_error",
        code: "gateway_overloaded",
        param: null,
      },
    ]);
    expect([served.status, await statusOf(token)]).toEqual([200, 200]);
    expect(upstream.stats().requests).toBe(2);
  });

  test("comes sooner once the load lasts, while the class as a whole is still let in", async () => {
    await enter(1);
    waiting = { count: 256, oldestMs: 249 };
    const before = await statusOf(token);
    waiting = { count: 256, oldestMs: 250 };
    const statuses = [await statusOf(token), await statusOf(tokens.interactive)];
    waiting = CALM.waitingHolds();
    expect([before, ...statuses]).toEqual([200, 503, 200]);
  });

  test("comes before the body, of which not a byte is needed", async () => {
    await enter(2);
    const connection = await connectRaw(tollgate.port);
    connection.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\n`,
    );
    expect((await connection.reply).status).toBe(503);
    connection.terminate();
  });

  test("comes after what can be told without the body, and before what cannot", async () => {
    await enter(2);
    const send = async (bearer: string, length: number, body: string): Promise<string | null> => {
      const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bearer}\r\nContent-Length: ${length}\r\n\r\n`;
      return (await sendRaw(tollgate.port, head + body)).headers.get("x-tollgate-error");
    };
    const suspended = await tollgate.addTenant({ status: "suspended" });
    const ofSuspended = (await tollgate.addToken(suspended.id)).token;
    expect(await send(token, LIMITS.bodyBytesMax + 1, "")).toBe("body_too_large");
    expect(await send("sk-tg-nonsense", 2, "{}")).toBe("invalid_api_key");
    expect(await send(ofSuspended, 2, "{}")).toBe("tenant_suspended");
    expect(await send(token, 1, "{")).toBe("gateway_overloaded");
    expect(await send(token, 2, "{}")).toBe("gateway_overloaded");
  });

  test("is counted by class, and seen by whoever looks after the gateway", async () => {
    await enter(1);
    await Promise.all([statusOf(tokens.batch), statusOf(tokens.batch), statusOf(tokens.default)]);
    const lines = (await ask("/metrics")).split("\n");
    expect(lines).toContain("tollgate_shed_stage 1");
    const counted = lines.find((line) =>
      line.startsWith('tollgate_requests_shed_total{class="batch"}'),
    );
    expect(Number(counted?.split(" ")[1])).toBeGreaterThanOrEqual(2);
    expect(JSON.parse(await ask("/health"))).toMatchObject({ status: "ok", shed_stage: 1 });
  });
});

test("readiness goes in the third stage alone, and comes back", async () => {
  const ready = async (): Promise<[number, string]> => {
    const response = await fetch(`${tollgate.url}/readyz`);
    return [response.status, await response.text()];
  };
  const seen: [number, string][] = [];
  for (const stage of [2, 3, 0] as const) {
    await enter(stage);
    seen.push(await ready());
  }
  expect(seen).toEqual([
    [200, "ok\n"],
    [503, "overloaded\n"],
    [200, "ok\n"],
  ]);
  expect((await fetch(`${tollgate.url}/livez`)).status).toBe(200);
});

test("what runs goes on to its end and is settled, and who leaves is noticed, in every stage", async () => {
  const streamed = fetch(
    `${tollgate.url}/v1/chat/completions`,
    chatInit({ token, script: "tokens=20&token_delay_ms=5", body: { stream: true } }),
  );
  const leaving = new AbortController();
  const left = chat(tollgate.url, { token, script: "hang=1", signal: leaving.signal }).catch(
    (): ChatReply | null => null,
  );
  await upstream.until(({ inFlight }) => inFlight === 2);
  await enter(3);
  leaving.abort();
  await left;
  expect(await (await streamed).text()).toEndWith("data: [DONE]\n\n");
  await until(() => gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  const { attempts, openIds } = readLedger(tollgate.dataDir);
  expect(openIds).toEqual([]);
  expect(attempts.length).toBeGreaterThanOrEqual(2);
});

/** Rates, slots and request allowances under concurrency: exact counts, all or nothing, true times. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { LimitRow, TokenRow } from "../../src/store/contract.ts";
import { chat, errorOf, HELLO, type ChatOptions, type ChatReply } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { leapingClock } from "./leaping-clock.ts";

const clock = leapingClock();
const tollgate = await startTestGateway({ clock });
afterAll(() => tollgate.stop());
const { upstream, gateway } = tollgate;
const provider = await tollgate.addProvider();
const gone = await tollgate.addProvider({ name: "gone", baseUrl: "http://127.0.0.1:9/v1" });
for (const [route, { id }] of [
  ["small", provider],
  ["gone", gone],
] as const) {
  await tollgate.addRoute(route, [{ providerId: id, model: "sim-small", weight: 1, priority: 0 }]);
}
await tollgate.addRoute("embed", [
  { providerId: provider.id, model: "sim-embed", weight: 1, priority: 0 },
]);

let tenantId: string;
let token: string;
let row: TokenRow;

beforeEach(async () => {
  upstream.reset();
  tenantId = (await tollgate.addTenant()).id;
  ({ token, row } = await tollgate.addToken(tenantId));
});

const ask = (options: Partial<ChatOptions> = {}): Promise<ChatReply> =>
  chat(tollgate.url, { token, ...options });

/** A limit of the tenant. */
const limit = (rule: Partial<LimitRow>): Promise<LimitRow> =>
  tollgate.addLimit({ scopeType: "tenant", scopeId: tenantId, tenantId, ...rule });

async function untilQuiet(): Promise<void> {
  await until(() => gateway.lifecycle.inFlightCount() === 0);
}

/** Obeys a refusal to the second. */
function obey(reply: ChatReply | undefined): void {
  clock.leap(Number(reply?.headers.get("retry-after")) * 1_000);
}

/** Time passes while requests are made, so that a second or two of the wait may be over. */
function expectRetryAfter(reply: ChatReply, seconds: number): void {
  const toldSeconds = Number(reply.headers.get("retry-after"));
  expect(toldSeconds).toBeLessThanOrEqual(seconds);
  expect(toldSeconds).toBeGreaterThanOrEqual(seconds - 2);
}

function expectRefused(reply: ChatReply, code: string): void {
  expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([429, code]);
  expect(errorOf(reply)).toEqual({
    message: expect.any(String),
    type: "rate_limit_error",
    code,
    param: null,
  });
  expect(reply.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(reply.headers.has("x-should-retry")).toBe(false);
}

/** Model tokens that a request for so many output tokens asks of a rate before anything is learned. */
function tokensAsked(body: object, outputTokens: number): number {
  return JSON.stringify({ model: "small", messages: HELLO, ...body }).length + outputTokens;
}

describe.each([
  ["plain", false],
  ["streamed", true],
])("500 %s requests at once", (_name, stream) => {
  const body = { stream, max_tokens: 100 };
  const burst = (script: string): Promise<ChatReply[]> =>
    Promise.all(Array.from({ length: 500 }, () => ask({ body, script })));

  test("on 10 requests per minute: 10 are served, the others told when to come back", async () => {
    await limit({ requestsPerMinute: 10 });
    const replies = await burst("tokens=1");
    const refused = replies.filter(({ status }) => status !== 200);
    expect([refused.length, upstream.stats().requests]).toEqual([490, 10]);
    for (const reply of refused) {
      expectRefused(reply, "rate_limit_exceeded");
      expectRetryAfter(reply, 6);
    }
    obey(refused[0]);
    expect((await ask({ body })).status).toBe(200);
    expectRefused(await ask({ body }), "rate_limit_exceeded");
  });

  test("on model tokens for 10: 10 are sent, and what they did not use comes back", async () => {
    const asked = tokensAsked(body, 100);
    await limit({ tokensPerMinute: 10 * asked });
    // They report that they used exactly what was taken for them, so that nothing comes back yet.
    const replies = await burst(`prompt_tokens=${asked - 100}&completion_tokens=100`);
    const refused = replies.filter(({ status }) => status !== 200);
    expect([refused.length, upstream.stats().requests]).toEqual([490, 10]);
    for (const reply of refused) expectRefused(reply, "rate_limit_exceeded");
    obey(refused[0]);
    const later = await ask({ body, script: "prompt_tokens=4&completion_tokens=1" });
    expect(later.status).toBe(200);
    await untilQuiet();
    const [state] = await gateway.directory.limitStates(tenantId);
    // A minute's worth passed in `obey` for one request; all but five tokens of it are back.
    expect(state?.tokensRemaining).toBeGreaterThanOrEqual(asked - 5);
    expect(state?.tokensRemaining).toBeLessThan(asked * 2);
  });

  test("on 10 slots: never more than 10 at once, and all slots come back", async () => {
    await limit({ maxConcurrent: 10 });
    const replies = await burst("tokens=1&headers_delay_ms=100");
    const refused = replies.filter(({ status }) => status !== 200);
    const { requests, inFlightMax } = upstream.stats();
    expect([inFlightMax, requests + refused.length]).toEqual([10, 500]);
    for (const reply of refused) {
      expectRefused(reply, "concurrency_limit_exceeded");
      expect(reply.headers.get("retry-after")).toBe("1");
    }
    await untilQuiet();
    const again = await Promise.all(Array.from({ length: 10 }, () => ask({ body })));
    expect(again.map(({ status }) => status)).toEqual(Array(10).fill(200));
  });
});

describe("an access token for a number of requests", () => {
  test("of 50 at once exactly these are served, and no time brings more", async () => {
    const limited = await tollgate.addToken(tenantId, { maxRequests: 10 });
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => ask({ token: limited.token, script: "tokens=1" })),
    );
    expect(upstream.stats().requests).toBe(10);
    clock.leap(30 * 24 * 3_600_000);
    const refused = [
      ...replies.filter(({ status }) => status !== 200),
      await ask({ token: limited.token }),
    ];
    expect(refused).toHaveLength(41);
    for (const { headers, status } of refused) {
      expect([status, headers.get("x-tollgate-error")]).toEqual([429, "rate_limit_exceeded"]);
      expect(headers.get("x-should-retry")).toBe("false");
    }
    await tollgate.store.flush();
    expect((await tollgate.store.get("tokens", limited.row.id))?.requestCount).toBe(10);
  });

  test("what was refused or never sent does not count", async () => {
    const limited = await tollgate.addToken(tenantId, { maxRequests: 2 });
    await tollgate.addBudget({ scopeType: "token", scopeId: row.id, tenantId, amountNanoUsd: 0 });
    for (const body of [{ messages: [] }, { model: "nobody" }, { model: "gone" }]) {
      expect((await ask({ token: limited.token, body })).status).not.toBe(200);
    }
    const replies = [];
    for (let count = 0; count < 3; count += 1) replies.push(await ask({ token: limited.token }));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 429]);
  });
});

function embed(): Promise<Response> {
  return fetch(`${tollgate.url}/v1/embeddings`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "x-sim-script": "prompt_tokens=900" },
    body: JSON.stringify({ model: "embed", input: "x".repeat(800) }),
  });
}

describe("limits on model tokens", () => {
  test("that are smaller than one request stay usable: the rest is a debt, and told as a time", async () => {
    await limit({ tokensPerMinute: 60 });
    const script = "prompt_tokens=20&completion_tokens=100";
    expect((await ask({ script })).status).toBe(200);
    await untilQuiet();
    const refused = await ask();
    expectRefused(refused, "rate_limit_exceeded");
    // 120 were used of 60: a minute pays the debt, another fills the bucket that a request takes.
    expectRetryAfter(refused, 120);
    obey(refused);
    expect((await ask({ script })).status).toBe(200);
  });

  test("count embeddings by their input", async () => {
    await limit({ tokensPerMinute: 1_000 });
    const replies = [await embed(), await embed()];
    expect(replies.map(({ status }) => status)).toEqual([200, 429]);
    expect(replies[0]?.headers.get("x-ratelimit-limit-tokens")).toBe("1000");
  });

  test("that are 0 refuse everything, and say that waiting does not help", async () => {
    await limit({ tokensPerMinute: 0 });
    const { status, headers } = await ask();
    expect([status, headers.get("x-should-retry"), headers.get("retry-after")]).toEqual([
      429,
      "false",
      "86400",
    ]);
  });
});

function told({ headers }: ChatReply): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith("x-ratelimit")));
}

describe("x-ratelimit headers", () => {
  test("tell limit, rest and time to be full, the same way for answers, streams and refusals", async () => {
    await limit({ requestsPerMinute: 3 });
    const body = { stream: true };
    const replies = [await ask(), await ask({ body }), await ask(), await ask()];
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    const rests = replies.map((reply) => told(reply));
    expect(rests.map((rest) => rest["x-ratelimit-limit-requests"])).toEqual(Array(4).fill("3"));
    expect(rests.map((rest) => rest["x-ratelimit-remaining-requests"])).toEqual([
      "2",
      "1",
      "0",
      "0",
    ]);
    expect(rests[0]?.["x-ratelimit-reset-requests"]).toBe("20s");
    for (const rest of rests) {
      expect(Object.keys(rest).toSorted()).toEqual([
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
      ]);
      expect(rest["x-ratelimit-reset-requests"]).toMatch(/^(\d+ms|\d+(\.\d{1,3})?s|1m0s)$/);
    }
  });

  test("tell model tokens as held, in OpenAI's spelling", async () => {
    const asked = tokensAsked({ max_tokens: 50 }, 50);
    await limit({ tokensPerMinute: asked * 60 });
    const reply = await ask({ body: { max_tokens: 50 } });
    expect(told(reply)).toEqual({
      "x-ratelimit-limit-tokens": String(asked * 60),
      "x-ratelimit-remaining-tokens": String(asked * 59),
      "x-ratelimit-reset-tokens": "1s",
    });
  });

  test("tell the tightest of several rules, and none where there is none", async () => {
    expect(told(await ask())).toEqual({});
    await limit({ requestsPerMinute: 100 });
    await tollgate.addLimit({
      scopeType: "token",
      scopeId: row.id,
      tenantId,
      requestsPerMinute: 6,
    });
    expect(told(await ask())).toMatchObject({
      "x-ratelimit-limit-requests": "6",
      "x-ratelimit-remaining-requests": "5",
      "x-ratelimit-reset-requests": "10s",
    });
  });
});

describe("times to come back", () => {
  test("are those of the last rule that refuses", async () => {
    await limit({ requestsPerMinute: 60, burst: 1 });
    await limit({ requestsPerMinute: 2, burst: 1 });
    expect((await ask()).status).toBe(200);
    const refused = await ask();
    expectRetryAfter(refused, 30);
    clock.leap(20_000);
    expectRetryAfter(await ask(), 10);
    clock.leap(10_000);
    expect((await ask()).status).toBe(200);
  });

  test("a burst allows so many at once, and the rate the rest", async () => {
    await limit({ requestsPerMinute: 6, burst: 5 });
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => ask({ script: "tokens=1" })),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(5);
    clock.leap(30_000);
    const later = await Promise.all(Array.from({ length: 20 }, () => ask({ script: "tokens=1" })));
    expect(later.filter(({ status }) => status === 200)).toHaveLength(3);
  });
});

/**
 * The clocks of an attempt: each fires alone, with all others far away, says which it was to the client, the
 * ledger and the metrics, and closes the upstream.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import type { ProviderRow } from "../../src/store/contract.ts";
import { chat, type ChatReply, chatInit, errorOf, eventsOf } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { deafServer } from "./deaf-server.ts";

let tollgate: TestGateway;
let token: string;
let tenantId: string;
let provider: ProviderRow;

const LONG = {
  connect: LIMITS.connectMs,
  first_byte: LIMITS.firstByteMs,
  first_token: LIMITS.firstTokenMs,
  idle: LIMITS.idleMs,
  total: LIMITS.streamTotalMs,
};
const SHORT_MS = 150;

beforeAll(async () => {
  tollgate = await startTestGateway();
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
  provider = await tollgate.addProvider();
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
  await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });
});

beforeEach(() => tollgate.upstream.reset());

afterAll(() => tollgate.stop());

/** The provider with these differences, and an actor that remembers no failures. */
async function change(row: Partial<ProviderRow>): Promise<void> {
  await freshProvider(tollgate, { ...provider, ...row });
}

async function attemptsOf(reply: ChatReply): Promise<(string | undefined)[]> {
  await tollgate.store.flush();
  const detail = await tollgate.store.requestDetail(reply.headers.get("x-request-id") ?? "");
  return detail?.attempts.map(({ postings }) => postings[0]?.outcome) ?? [];
}

async function countOf(metric: string, outcome: string): Promise<number> {
  const text = await tollgate.gateway.metrics.render();
  const line = text
    .split("\n")
    .find((one) => one.startsWith(metric) && one.includes(`outcome="${outcome}"`));
  return Number(line?.split(" ").at(-1) ?? 0);
}

const SLOW = { tokensPerSecond: 100, overMs: SHORT_MS };

/** What each clock needs to fire, with the others as far away as they are by default. */
const SHORT_FIRST_BYTE = { timeoutsMs: { ...LONG, first_byte: SHORT_MS } };
const SHORT_FIRST_TOKEN = { timeoutsMs: { ...LONG, first_token: SHORT_MS } };
const SHORT_IDLE = { timeoutsMs: { ...LONG, idle: SHORT_MS } };
const SHORT_TOTAL = { timeoutsMs: { ...LONG, total: SHORT_MS } };

describe("before content, the client gets 504 with the clock's name", () => {
  test.each([
    ["first_byte", SHORT_FIRST_BYTE, "hang=1", false, 3],
    ["first_byte", SHORT_FIRST_BYTE, "hang=1", true, 3],
    // Comments show that somebody is there, which is enough for the idle clock and not for this one.
    ["first_token", SHORT_FIRST_TOKEN, "first_token_delay_ms=60000&comment_every_ms=20", true, 3],
    ["idle", SHORT_IDLE, "stall_after=0", true, 3],
    ["idle", SHORT_IDLE, "stall_after=40", false, 3],
    ["total", SHORT_TOTAL, "hang=1", false, 1],
    ["total", SHORT_TOTAL, "first_token_delay_ms=60000&comment_every_ms=20", true, 1],
  ] as const)("%s (%#)", async (clock, row, script, stream, attempts) => {
    await change(row);
    const outcome = `timeout_${clock}`;
    const before = await countOf("tollgate_attempts_total", outcome);
    const reply = await chat(tollgate.url, { token, script, body: { stream, max_tokens: 5 } });

    expect([reply.status, reply.headers.get("x-tollgate-timeout")]).toEqual([504, clock]);
    expect(reply.headers.get("x-tollgate-error")).toBe("upstream_timeout");
    expect(errorOf(reply)).toMatchObject({ code: "upstream_timeout", type: "server_error" });
    expect(await attemptsOf(reply)).toEqual(Array(attempts).fill(outcome));
    expect(await countOf("tollgate_attempts_total", outcome)).toBe(before + attempts);
    const stats = await tollgate.upstream.until(({ closedEarly }) => closedEarly === attempts);
    expect(stats.requests).toBe(attempts);
  });
});

describe("after content, the stream ends with an event that names the clock", () => {
  test.each([
    ["idle", "timeout_idle", SHORT_IDLE, "tokens=10&stall_after=2"],
    ["total", "timeout_total", SHORT_TOTAL, "tokens=1000&token_delay_ms=10"],
    [
      "throughput",
      "throughput_too_low",
      { terms: { throughputMin: SLOW } },
      "tokens=1000&token_delay_ms=40",
    ],
    [
      "throughput",
      "throughput_too_low",
      { terms: { throughputMin: SLOW } },
      "tokens=10&stall_after=2",
    ],
  ] as const)("%s (%#)", async (clock, outcome, row, script) => {
    await change({ timeoutsMs: LONG, ...row });
    const before = await countOf("tollgate_attempts_total", outcome);
    const reply = await chat(tollgate.url, { token, script, body: { stream: true } });

    expect(reply.status).toBe(200);
    const { error } = JSON.parse(eventsOf(reply.text).at(-1) ?? "");
    expect(error).toMatchObject({ code: "upstream_timeout" });
    expect(error.message).toStartWith(`The provider timed out (clock: ${clock}). The answer is`);
    expect(await attemptsOf(reply)).toEqual([outcome]);
    expect(await countOf("tollgate_attempts_total", outcome)).toBe(before + 1);
    await tollgate.upstream.until(({ closedEarly }) => closedEarly === 1);
    const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
    // What came is billed, and nothing is left held.
    expect(rows[0]).toMatchObject({ status: 200, errorCode: "upstream_timeout", estimated: true });
    expect(rows[0]?.costNanoUsd).toBeGreaterThan(0);
    const [budget] = await tollgate.gateway.directory.budgetStates(tenantId);
    expect(budget?.heldNanoUsd).toBe(0);
  });
});

test("a connection that does not come about in time is told apart from one that is refused", async () => {
  const deaf = await deafServer();
  try {
    const timeoutsMs = { ...LONG, connect: SHORT_MS };
    await change({ timeoutsMs, baseUrl: `http://127.0.0.1:${deaf.port}/v1` });
    const late = await chat(tollgate.url, { token });
    expect([late.status, late.headers.get("x-tollgate-timeout")]).toEqual([504, "connect"]);
    expect(errorOf(late)).toMatchObject({ code: "upstream_timeout" });
    // Nothing was sent, so the ledger has nothing of it.
    expect(await attemptsOf(late)).toEqual([]);
    expect(await countOf("tollgate_attempts_not_made_total", "timeout_connect")).toBe(3);
  } finally {
    deaf.stop();
  }
  await change({ baseUrl: "http://127.0.0.1:9/v1" });
  const refused = await chat(tollgate.url, { token });
  expect([refused.status, refused.headers.get("x-tollgate-timeout")]).toEqual([502, null]);
  expect(errorOf(refused)).toMatchObject({ code: "upstream_error" });
  expect(await countOf("tollgate_attempts_not_made_total", "connect")).toBe(3);
});

describe("what touches none of them", () => {
  const steady = "tokens=6&token_delay_ms=90";

  test.each([
    ["idle", SHORT_IDLE],
    ["first_token", SHORT_FIRST_TOKEN],
    ["first_byte", SHORT_FIRST_BYTE],
    ["throughput", { terms: { throughputMin: { tokensPerSecond: 2, overMs: SHORT_MS } } }],
  ])("%s: a slow but steady stream", async (_clock, row) => {
    await change({ timeoutsMs: LONG, ...row });
    const reply = await chat(tollgate.url, { token, script: steady, body: { stream: true } });
    expect(eventsOf(reply.text).at(-1)).toBe("[DONE]");
  });

  test("throughput: a client that stops reading is not the provider's fault", async () => {
    await change({ timeoutsMs: LONG, terms: { throughputMin: SLOW } });
    const script = "tokens=300&token_bytes=65536";
    const init = chatInit({ token, script, body: { stream: true, max_tokens: 300 } });
    const response = await fetch(`${tollgate.url}/v1/chat/completions`, init);
    const reader = response.body?.getReader();
    await reader?.read();
    // Far longer than the stretch that is measured, while nothing is read.
    const rested = Promise.withResolvers<void>();
    tollgate.gateway.clock.after(5 * SHORT_MS, rested.resolve);
    await rested.promise;
    expect(tollgate.gateway.lifecycle.inFlightCount()).toBe(1);
    let last = "";
    for (;;) {
      const read = await reader?.read();
      if (read === undefined || read.done) break;
      last = new TextDecoder().decode(read.value.subarray(-14));
    }
    expect(last).toEndWith("data: [DONE]\n\n");
  });
});

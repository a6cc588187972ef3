/** The clocks of an attempt: each fires alone, says which it was, and closes the upstream. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import type { ProviderRow } from "../../src/store/contract.ts";
import { chat, errorOf, eventsOf } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

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

beforeAll(async () => {
  tollgate = await startTestGateway();
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
  provider = await tollgate.addProvider();
  await tollgate.addRoute("small", [
    { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
  ]);
  await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });
});

beforeEach(() => tollgate.upstream.reset());

afterAll(() => tollgate.stop());

/** Puts one clock to 150 ms; the others stay far away. */
async function shorten(clock: keyof typeof LONG): Promise<void> {
  const timeoutsMs = { ...LONG, [clock]: 150 };
  await tollgate.gateway.directory.changed("providers", provider.id, { ...provider, timeoutsMs });
}

async function lastOutcomes(): Promise<(string | undefined)[]> {
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
  const detail = await tollgate.store.requestDetail(rows[0]?.id ?? "");
  return detail?.attempts.map(({ postings }) => postings[0]?.outcome) ?? [];
}

test("a provider that does not begin to answer is given up by the first-byte clock, and tried again", async () => {
  await shorten("first_byte");
  const reply = await chat(tollgate.url, { token, script: "hang=1", body: { max_tokens: 5 } });

  expect(reply.status).toBe(504);
  expect(errorOf(reply)).toMatchObject({ code: "upstream_timeout", type: "server_error" });
  expect(await lastOutcomes()).toEqual(Array(LIMITS.attemptsMax).fill("timeout_first_byte"));
  const stats = await tollgate.upstream.until(({ closedEarly }) => closedEarly === 3);
  expect(stats.requests).toBe(LIMITS.attemptsMax);
});

test("a stream that falls silent after content ends with an error event by the idle clock", async () => {
  await shorten("idle");
  const reply = await chat(tollgate.url, {
    token,
    script: "tokens=10&stall_after=2",
    body: { stream: true },
  });

  expect(reply.status).toBe(200);
  const last = eventsOf(reply.text).at(-1) ?? "";
  expect(JSON.parse(last).error).toMatchObject({ code: "upstream_timeout" });
  expect(await lastOutcomes()).toEqual(["timeout_idle"]);
  await tollgate.upstream.until(({ closedEarly }) => closedEarly === 1);
});

test("a stream that never ends is ended by the total clock, and what came is billed", async () => {
  await shorten("total");
  const reply = await chat(tollgate.url, {
    token,
    script: "tokens=1000&token_delay_ms=10",
    body: { stream: true },
  });

  const last = eventsOf(reply.text).at(-1) ?? "";
  expect(JSON.parse(last).error).toMatchObject({ code: "upstream_timeout" });
  expect(await lastOutcomes()).toEqual(["timeout_total"]);
  const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
  expect(rows[0]).toMatchObject({ status: 200, errorCode: "upstream_timeout", estimated: true });
  expect(rows[0]?.costNanoUsd).toBeGreaterThan(0);
  const [budget] = await tollgate.gateway.directory.budgetStates(tenantId);
  expect(budget?.heldNanoUsd).toBe(0);
});

test("a slow but steady stream is touched by none of them", async () => {
  await shorten("idle");
  const reply = await chat(tollgate.url, {
    token,
    script: "tokens=6&token_delay_ms=90",
    body: { stream: true },
  });
  expect(eventsOf(reply.text).at(-1)).toBe("[DONE]");
});

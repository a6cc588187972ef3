/** What operators change or take away while requests run: nothing is forgotten, nobody is alarmed. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ProviderRow, TokenRow } from "../../src/store/contract.ts";
import { chat, chatInit, errorOf, type ChatReply } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;
const SLOW = "tokens=100&headers_delay_ms=300";

let tollgate: TestGateway;
let tenantId: string;
let token: string;
let tokenRow: TokenRow;
let provider: ProviderRow;

beforeEach(async () => {
  tollgate = await startTestGateway();
  tenantId = (await tollgate.addTenant()).id;
  const issued = await tollgate.addToken(tenantId);
  token = issued.token;
  tokenRow = issued.row;
  provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-small");
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
});

afterEach(() => tollgate.stop());

function ask(script: string): Promise<ChatReply> {
  return chat(tollgate.url, { token, body: { max_tokens: 100, user: "u-1" }, script });
}

function inFlight(): number {
  return tollgate.gateway.directory.providerHealth(provider.id).inFlight;
}

async function untilAtUpstream(count: number): Promise<void> {
  await tollgate.upstream.until(({ inFlight: running }) => running === count);
}

function errorLines(): readonly string[] {
  return tollgate.logLines.filter((line) => line.includes('"level":"error"'));
}

describe("an edit of a provider while its attempts run", () => {
  test("of its slots counts those that are taken, and they come back", async () => {
    const running = Array.from({ length: 3 }, () => ask(SLOW));
    await untilAtUpstream(3);
    const { directory } = tollgate.gateway;
    await directory.changed("providers", provider.id, { ...provider, maxConcurrent: 4 });
    expect(inFlight()).toBe(3);
    const more = await Promise.all([ask("tokens=1&headers_delay_ms=50"), ask("tokens=1")]);
    expect(more.map(({ status }) => String(status)).toSorted()).toEqual(["200", "503"]);
    expect(tollgate.upstream.stats().inFlightMax).toBe(4);
    await Promise.all(running);
    await until(() => inFlight() === 0);
    const after = await Promise.all(Array.from({ length: 4 }, () => ask("tokens=1")));
    expect(after.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test("of its address leaves nothing behind in either actor", async () => {
    const running = [ask(SLOW), ask(SLOW)];
    await untilAtUpstream(2);
    const { directory } = tollgate.gateway;
    const baseUrl = `${provider.baseUrl}/`;
    await directory.changed("providers", provider.id, { ...provider, baseUrl });
    expect(inFlight()).toBe(2);
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    await until(() => inFlight() === 0);
  });
});

test("a tenant that is deleted under its requests: they end, are posted, and no error is logged", async () => {
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  const own = await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000_000 });
  const shared = await tollgate.addBudget({
    scopeType: "global",
    scopeId: "*",
    tenantId: null,
    amountNanoUsd: 1_000_000_000,
  });
  const each = await tollgate.addBudget({
    scopeType: "end_user",
    scopeId: "*",
    tenantId,
    amountNanoUsd: 1_000_000_000,
  });
  const running = [ask(SLOW), ask(SLOW), ask("status=500&headers_delay_ms=200")];
  await untilAtUpstream(3);
  const { directory, lifecycle } = tollgate.gateway;
  for (const [noun, id] of [
    ["budgets", own.id],
    ["budgets", each.id],
    ["tokens", tokenRow.id],
    ["tenants", tenantId],
  ] as const) {
    expect((await tollgate.store.remove(noun, id)).ok).toBe(true);
    await directory.changed(noun, id, null);
  }
  const [first, second, failed] = await Promise.all(running);
  expect([first?.status, second?.status]).toEqual([200, 200]);
  // There is nobody left to try again for.
  expect(failed?.status).not.toBe(200);
  await until(() => lifecycle.inFlightCount() === 0);
  expect(await directory.budgetState(shared, null)).toMatchObject({
    postedNanoUsd: 2 * COST_NANO_USD,
    heldNanoUsd: 0,
  });
  expect([...directory.owners.loaded()].map(([owner]) => owner)).toEqual([{ type: "everyone" }]);
  expect(errorLines()).toEqual([]);
});

test("an access token that is revoked while its body is still coming is refused", async () => {
  const body = JSON.stringify({ model: "small", messages: [{ role: "user", content: "hello" }] });
  const sent = Promise.withResolvers<void>();
  const slow = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(body.slice(0, 20)));
      await sent.promise;
      controller.enqueue(new TextEncoder().encode(body.slice(20)));
      controller.close();
    },
  });
  const init = { ...chatInit({ token }), body: slow };
  const asked = fetch(`${tollgate.url}/v1/chat/completions`, init);
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 1);
  const revoked = { ...tokenRow, revokedAtMs: tollgate.gateway.clock.nowMs() };
  await tollgate.gateway.directory.changed("tokens", tokenRow.id, revoked);
  sent.resolve();
  const response = await asked;
  const reply = { status: response.status, headers: response.headers, text: await response.text() };
  expect([reply.status, errorOf(reply)]).toEqual([
    401,
    expect.objectContaining({ code: "invalid_api_key", message: "The access token was revoked." }),
  ]);
  expect(tollgate.upstream.stats().requests).toBe(0);
});

test("a global budget that is edited all the time loses no settlement of any tenant", async () => {
  const { directory, lifecycle } = tollgate.gateway;
  const other = await tollgate.addToken((await tollgate.addTenant()).id);
  const budget = await tollgate.addBudget({
    scopeType: "global",
    scopeId: "*",
    tenantId: null,
    amountNanoUsd: 1_000_000_000_000,
    window: "total",
  });
  const over = new AbortController();
  let served = 0;
  const askers = Array.from({ length: 12 }, async (_, place) => {
    const mine = place % 2 === 0 ? token : other.token;
    while (!over.signal.aborted) {
      const stream = place % 3 === 0;
      const options = { token: mine, body: { max_tokens: 100, stream }, script: "tokens=100" };
      expect((await chat(tollgate.url, options)).status).toBe(200);
      served += 1;
    }
  });
  for (let edit = 0; edit < 60; edit += 1) {
    // Overlapping: the first is not in force yet when the second begins.
    await Promise.all([
      directory.changed("budgets", budget.id, { ...budget }),
      directory.changed("budgets", budget.id, { ...budget }),
    ]);
  }
  over.abort();
  await Promise.all(askers);
  await until(() => lifecycle.inFlightCount() === 0);
  expect(await directory.budgetState(budget, null)).toMatchObject({
    postedNanoUsd: served * COST_NANO_USD,
    heldNanoUsd: 0,
  });
  expect(tollgate.upstream.stats().requests).toBe(served);
});

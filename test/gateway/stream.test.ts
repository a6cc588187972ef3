/** Streams through the real server: fidelity at every split, honesty at every cut. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chat, errorOf, HELLO, eventsOf, type ChatReply } from "../support/chat.ts";
import type { ProviderRow } from "../../src/store/contract.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let tollgate: TestGateway;
let token: string;
let tenantId: string;
const providers: ProviderRow[] = [];
const PROVIDERS = 20;
/** Three requests per provider at once, three attempts each: below the ten that open a breaker. */
const BATCH = 3 * PROVIDERS;
const STREAM = { stream: true, model: "small-0" };

function routeOf(index: number): string {
  return `small-${index % PROVIDERS}`;
}
const TOKENS = "tokens=3&unicode=1";

beforeAll(async () => {
  tollgate = await startTestGateway();
  const tenant = await tollgate.addTenant();
  tenantId = tenant.id;
  token = (await tollgate.addToken(tenant.id)).token;
  for (let index = 0; index < PROVIDERS; index += 1) {
    const provider = await tollgate.addProvider({ name: `upstream-${index}` });
    providers.push(provider);
    const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
    await tollgate.addRoute(routeOf(index), [target]);
  }
  await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });
});

beforeEach(() => tollgate.upstream.reset());

afterAll(() => tollgate.stop());

/** What the same request gets from the upstream itself. */
async function direct(script: string, body: object = STREAM): Promise<ChatReply> {
  const response = await fetch(`${tollgate.upstream.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-sim-script": script },
    body: JSON.stringify({ messages: HELLO, ...body, model: "sim-small" }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Ids count up and times pass: the only members in which two answers to one request differ. */
function timeless(text: string): string {
  return text.replaceAll(/"(id|created)":("[^"]*"|\d+)/g, '"$1":0');
}

async function inBatches<T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    for (const provider of providers) {
      // A fresh breaker: this many broken streams in a row would rightly open it.
      await freshProvider(tollgate, provider);
    }
    results.push(...(await Promise.all(Array.from({ length: size }, (_, i) => run(start + i)))));
  }
  return results;
}

test("the client's events are the upstream's, byte for byte", async () => {
  const through = await chat(tollgate.url, { token, body: STREAM, script: TOKENS });
  // Tollgate asks for usage in the client's place and takes the chunk that answers it out again.
  const plain = await direct(TOKENS, { ...STREAM, stream_options: { include_usage: true } });
  const events = eventsOf(timeless(plain.text)).filter((event) => !event.includes('"choices":[]'));
  expect(eventsOf(timeless(through.text))).toEqual(events);
  expect(through.headers.get("content-type")).toBe(plain.headers.get("content-type"));
});

test("a usage chunk comes when the client asks for it and stays out when it does not", async () => {
  const asked = { ...STREAM, stream_options: { include_usage: true } };
  const withUsage = await chat(tollgate.url, { token, body: asked, script: TOKENS });
  const without = await chat(tollgate.url, { token, body: STREAM, script: TOKENS });
  expect(timeless(withUsage.text)).toBe(timeless((await direct(TOKENS, asked)).text));
  expect(eventsOf(withUsage.text)).toHaveLength(eventsOf(without.text).length + 1);
  const bodies = tollgate.upstream
    .requests()
    .map(({ body }) => JSON.parse(new TextDecoder().decode(body ?? new Uint8Array())));
  // The upstream was asked for usage both times: money is counted exactly either way.
  expect(bodies.slice(0, 2).map(({ stream_options }) => stream_options)).toEqual([
    { include_usage: true },
    { include_usage: true },
  ]);
});

test("split at every byte, the client's events are identical", async () => {
  const whole = await chat(tollgate.url, { token, body: STREAM, script: TOKENS });
  const bytes = new TextEncoder().encode((await direct(TOKENS)).text).byteLength;
  const texts = await inBatches(bytes - 1, async (index) => {
    const script = `${TOKENS}&split_at=${index + 1}`;
    const body = { ...STREAM, model: routeOf(index) };
    return timeless((await chat(tollgate.url, { token, body, script })).text);
  });
  expect(new Set(texts)).toEqual(new Set([timeless(whole.text)]));
});

describe("cut at every byte", () => {
  test("the client never sees a clean stop unless [DONE] had come", async () => {
    const full = (await direct(`${TOKENS}&omit_usage=1`)).text;
    const bytes = new TextEncoder().encode(full).byteLength;
    const contentStart = full.indexOf("\n\n") + 2;
    const replies = await inBatches(bytes, (cutAt) =>
      chat(tollgate.url, {
        token,
        body: { ...STREAM, model: routeOf(cutAt) },
        script: `${TOKENS}&omit_usage=1&cut_at=${cutAt}`,
      }),
    );
    expect(contentStart).toBeGreaterThan(0);
    for (const [cutAt, reply] of replies.entries()) {
      if (reply.status !== 200) {
        expect([cutAt, reply.status]).toEqual([cutAt, 502]);
        expect(errorOf(reply)).toMatchObject({ code: "upstream_error" });
        continue;
      }
      const events = eventsOf(reply.text);
      const last = events.at(-1) ?? "";
      const isClean = last === "[DONE]";
      // The terminator is whole one byte before the end: its last line feed only ends the event.
      expect([cutAt, isClean]).toEqual([cutAt, false]);
      expect(JSON.parse(last).error).toMatchObject({ code: "upstream_error" });
      expect(events).not.toContain("[DONE]");
    }
    const [budget] = await tollgate.gateway.directory.budgetStates(tenantId);
    expect(budget?.heldNanoUsd).toBe(0);
  }, 60_000);
});

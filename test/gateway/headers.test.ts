/** Every header of the contract on every kind of answer: what is there, what it says, what is not there. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import type { ProviderRow } from "../../src/store/contract.ts";
import { chat, HELLO, type ChatOptions, type ChatReply } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway } from "../support/gateway.ts";

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());

const provider = await tollgate.addProvider();
const off = await tollgate.addProvider({ name: "off", enabled: false });
const gone = await tollgate.addProvider({ name: "gone", baseUrl: "http://127.0.0.1:9/v1" });
const to = ({ id }: ProviderRow, model: string) => [
  { providerId: id, model, weight: 1, priority: 0 },
];
await tollgate.addRoute("small", to(provider, "sim-small"));
await tollgate.addRoute("embed", to(provider, "sim-embed"));
await tollgate.addRoute("off", to(off, "sim-small"));
await tollgate.addRoute("gone", to(gone, "sim-small"));
await tollgate.addRoute("sprache", to(provider, "größe"));
await tollgate.addPrice(provider.id, "größe", { outputPicoUsd: 1_000_000 });

let tenantId: string;
let token: string;

beforeEach(async () => {
  tollgate.upstream.reset();
  await freshProvider(tollgate, provider);
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
});

const scope = () => ({ scopeType: "tenant", scopeId: tenantId, tenantId }) as const;

/** The transport's own, of which the contract says nothing. */
const TRANSPORT = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

/** All others by name, with their values. */
function told({ headers }: Pick<ChatReply, "headers">): Record<string, unknown> {
  return Object.fromEntries([...headers].filter(([name]) => !TRANSPORT.has(name)));
}

const ID: unknown = expect.stringMatching(/^req_[0-9a-f]{32}$/);
const SERVED = { "x-tollgate-provider": "upstream", "x-tollgate-model": "sim-small" };
const RATES = {
  "x-ratelimit-limit-requests": "60",
  "x-ratelimit-remaining-requests": "59",
  "x-ratelimit-reset-requests": "1s",
  "x-ratelimit-limit-tokens": "60000000",
  "x-ratelimit-remaining-tokens": expect.stringMatching(/^599\d{5}$/),
  "x-ratelimit-reset-tokens": expect.stringMatching(/^\d+(ms|s)$/),
};
const limit = () =>
  tollgate.addLimit({ ...scope(), requestsPerMinute: 60, tokensPerMinute: 60_000_000 });

test("a plain answer", async () => {
  await limit();
  expect(told(await chat(tollgate.url, { token, script: "tokens=10" }))).toEqual({
    "content-type": "application/json",
    "x-request-id": ID,
    ...SERVED,
    "x-tollgate-attempts": "1",
    // 2 tokens in at 0.15 and 10 out at 0.60 USD per million.
    "x-tollgate-cost-usd": "0.0000063",
    ...RATES,
  });
});

test("a stream", async () => {
  await limit();
  expect(told(await chat(tollgate.url, { token, body: { stream: true } }))).toEqual({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "x-request-id": ID,
    ...SERVED,
    "x-tollgate-attempts": "1",
    ...RATES,
  });
});

test("embeddings", async () => {
  const response = await fetch(`${tollgate.url}/v1/embeddings`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ model: "embed", input: "four and four" }),
  });
  expect(told(response)).toEqual({
    "content-type": "application/json",
    "x-request-id": ID,
    "x-tollgate-provider": "upstream",
    "x-tollgate-model": "sim-embed",
    "x-tollgate-attempts": "1",
    "x-tollgate-cost-usd": "0.00000008",
  });
});

test("an answer that was capped", async () => {
  await tollgate.addBudget({ ...scope(), amountNanoUsd: 1_000_000 });
  for (const stream of [false, true]) {
    const reply = await chat(tollgate.url, { token, body: { stream } });
    expect(told(reply)).toMatchObject({ "x-tollgate-output-capped": "1024" });
  }
});

test("an answer of the second attempt", async () => {
  const reply = await chat(tollgate.url, { token, script: "fail_times=1&status=500" });
  expect(told(reply)).toMatchObject({ ...SERVED, "x-tollgate-attempts": "2" });
});

test("a model whose name no header can carry is escaped", async () => {
  const reply = await chat(tollgate.url, { token, body: { model: "sprache" } });
  expect(reply.status).toBe(200);
  expect(told(reply)["x-tollgate-model"]).toBe("gr%C3%B6%C3%9Fe");
});

test("a refusal of the provider: its words, its wait, our facts, and no code of ours", async () => {
  await limit();
  const headers = { "x-tollgate-timeout-ms": "1000" };
  const script = "status=429&retry_after=33&header=x-should-retry%3Afalse";
  expect(told(await chat(tollgate.url, { token, script, headers }))).toEqual({
    "content-type": "application/json",
    "retry-after": "33",
    "x-should-retry": "false",
    "x-request-id": ID,
    ...SERVED,
    "x-tollgate-attempts": "1",
    "x-tollgate-cost-usd": "0.00",
    ...RATES,
  });
});

/** Refusals of ours: what makes them, and what they say beyond type, id and code. */
const REFUSALS: readonly (readonly [
  string,
  () => Promise<unknown>,
  Partial<ChatOptions>,
  Record<string, unknown>,
])[] = [
  ["invalid_request", async () => undefined, { body: { messages: [] } }, {}],
  ["invalid_api_key", async () => undefined, { token: "nobody" }, {}],
  ["model_not_found", async () => undefined, { body: { model: "nobody" } }, {}],
  [
    "rate_limit_exceeded",
    () => tollgate.addLimit({ ...scope(), requestsPerMinute: 0 }),
    {},
    {
      "retry-after": "86400",
      "x-should-retry": "false",
      "x-ratelimit-limit-requests": "0",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "0ms",
    },
  ],
  [
    "concurrency_limit_exceeded",
    () => tollgate.addLimit({ ...scope(), maxConcurrent: 0 }),
    {},
    { "retry-after": "1" },
  ],
  [
    "budget_exceeded",
    () => tollgate.addBudget({ ...scope(), amountNanoUsd: 0 }),
    {},
    { "retry-after": expect.stringMatching(/^\d{1,5}$/), "x-should-retry": "false" },
  ],
  [
    "provider_unavailable",
    async () => undefined,
    { body: { model: "off" } },
    { "retry-after": "60" },
  ],
  [
    "upstream_error",
    async () => undefined,
    { body: { model: "gone" } },
    { "x-tollgate-provider": "gone", "x-tollgate-model": "sim-small" },
  ],
  [
    "upstream_timeout",
    async () => undefined,
    { script: "hang=1", headers: { "x-tollgate-timeout-ms": "20" } },
    {
      ...SERVED,
      "x-tollgate-attempts": "1",
      "x-tollgate-timeout": "deadline",
      // It may have generated: never free.
      "x-tollgate-cost-usd": expect.stringMatching(/^0\.000\d*[1-9]$/),
    },
  ],
];

test.each(REFUSALS)("%s", async (code, arrange, asked, more) => {
  await arrange();
  expect(told(await chat(tollgate.url, { token, ...asked }))).toEqual({
    "content-type": "application/json",
    "x-request-id": ID,
    "x-tollgate-error": code,
    "x-tollgate-attempts": "0",
    "x-tollgate-cost-usd": "0.00",
    ...more,
  });
});

test("models, listed, found and not found", async () => {
  const headers = { authorization: `Bearer ${token}` };
  const plain = { "content-type": expect.stringMatching(/^application\/json/), "x-request-id": ID };
  for (const [path, more] of [
    ["/v1/models", {}],
    ["/v1/models/small", {}],
    ["/v1/models/nobody", { "x-tollgate-error": "model_not_found" }],
    ["/v1/nothing", { "x-tollgate-error": "not_found" }],
  ] as const) {
    const response = await fetch(`${tollgate.url}${path}`, { headers });
    const seen: Record<string, unknown> = { path, ...told(response) };
    expect(seen).toEqual({ path, ...plain, ...more });
  }
});

test("the id on an answer is the one in the request log, and no two are the same", async () => {
  const ids = new Set<string>();
  for (const body of [{}, { stream: true }, { messages: [] }, { model: "nobody" }]) {
    ids.add((await chat(tollgate.url, { token, body })).headers.get("x-request-id") ?? "");
  }
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({ tenantId }, { limit: 10, cursor: null });
  expect(ids.size).toBe(4);
  expect(new Set(rows.map(({ id }) => id))).toEqual(ids);
});

test("the cost is the sum of all attempts, as the ledger has it", async () => {
  const key = `key=${tenantId}`;
  const reply = await chat(tollgate.url, {
    token,
    body: { messages: HELLO, max_tokens: 5 },
    script: `fail_times=1&garbage=1&tokens=5&${key}`,
  });
  expect(reply.headers.get("x-tollgate-attempts")).toBe("2");
  await tollgate.store.flush();
  const detail = await tollgate.store.requestDetail(reply.headers.get("x-request-id") ?? "");
  const posted = detail?.attempts.flatMap(({ postings }) => postings) ?? [];
  const sum = posted.reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0);
  expect(posted.map(({ amountNanoUsd }) => amountNanoUsd > 0)).toEqual([true, true]);
  expect(Number(reply.headers.get("x-tollgate-cost-usd"))).toBeCloseTo(sum / 1e9, 12);
});

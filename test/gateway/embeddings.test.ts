/** Embeddings through the real gateway: untouched both ways, paid by their input, refused like chat. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { ProviderRow } from "../../src/store/contract.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

/** 1 USD per million input tokens: 1,000 nano-dollars each. */
const NANO_USD_PER_TOKEN = 1_000;

let tollgate: TestGateway;
let provider: ProviderRow;
let tenantId: string;
let token: string;

beforeAll(async () => {
  tollgate = await startTestGateway();
  provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-embed", {
    inputPicoUsd: NANO_USD_PER_TOKEN * 1_000,
    outputPicoUsd: 0,
  });
  const target = { providerId: provider.id, model: "sim-embed", weight: 1, priority: 0 };
  await tollgate.addRoute("embed", [target]);
  await tollgate.addRoute("sim-embed", [target]);
});

beforeEach(async () => {
  tollgate.upstream.reset();
  await freshProvider(tollgate, provider);
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
});

afterAll(() => tollgate.stop());

function send(body: object | string, script = "", url = tollgate.url): Promise<Response> {
  return fetch(`${url}/v1/embeddings`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "x-sim-script": script },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const budget = (amountNanoUsd: number) =>
  tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId, amountNanoUsd });

/** What the tenant's budget has posted and holds. */
async function posted(): Promise<(number | undefined)[]> {
  const [state] = await tollgate.gateway.directory.budgetStates(tenantId);
  return [state?.postedNanoUsd, state?.heldNanoUsd];
}

describe("bodies", () => {
  test.each([
    ["a text", { input: "one" }],
    ["several texts", { input: ["one", "two", "🙂"] }],
    ["tokens", { input: [1, 2, 3] }],
    ["lists of tokens", { input: [[1, 2], [3]] }],
    ["base64", { input: "one", encoding_format: "base64" }],
    ["fewer dimensions", { input: "one", dimensions: 8 }],
    ["2,048 texts", { input: Array.from({ length: 2_048 }, (_, i) => `text ${i}`), dimensions: 8 }],
    ["members nobody knows", { input: "one", user: "u", x: { n: 1.5 } }],
  ])("%s: the answer is the provider's own, byte for byte", async (_what, members) => {
    const body = { model: "sim-embed", ...members };
    const through = await send(body);
    const direct = await send(body, "", tollgate.upstream.url);
    expect(through.status).toBe(200);
    expect(await through.text()).toBe(await direct.text());
    expect(through.headers.get("content-type")).toBe(direct.headers.get("content-type"));
  });

  test("reach the provider with nothing changed but the model's name, and no cap", async () => {
    await budget(10_000_000);
    const body = '{ "input":["a\\u0062"] ,"dimensions": 8.0, "x":1E400,"model":"embed" }';
    const response = await send(body);
    expect(response.status).toBe(200);
    const received = tollgate.upstream.requests().at(-1)?.body;
    expect(new TextDecoder().decode(received)).toBe(body.replace('"embed"', '"sim-embed"'));
    expect(response.headers.has("x-tollgate-output-capped")).toBe(false);
  });

  test("that the provider refuses come back in its words", async () => {
    const body = { model: "sim-embed", input: [] };
    const through = await send(body);
    const direct = await send(body, "", tollgate.upstream.url);
    expect([through.status, await through.text()]).toEqual([400, await direct.text()]);
    expect(through.headers.has("x-tollgate-error")).toBe(false);
  });
});

describe("money", () => {
  test("is what the provider reports as input, and nothing for output", async () => {
    await budget(1_000_000);
    const response = await send({ model: "embed", input: "x".repeat(40) }, "prompt_tokens=77");
    expect(response.headers.get("x-tollgate-cost-usd")).toBe("0.000077");
    expect(await posted()).toEqual([77 * NANO_USD_PER_TOKEN, 0]);
    await tollgate.store.flush();
    const { rows } = await tollgate.store.requestPage({ tenantId }, { limit: 1, cursor: null });
    expect(rows[0]).toMatchObject({
      route: "embed",
      model: "sim-embed",
      inputTokens: 77,
      outputTokens: 0,
      costNanoUsd: 77 * NANO_USD_PER_TOKEN,
      estimated: false,
    });
  });

  test("is estimated and flagged where the provider reports nothing", async () => {
    await budget(1_000_000);
    const response = await send({ model: "embed", input: "x".repeat(300) }, "omit_usage=1");
    expect(response.status).toBe(200);
    await tollgate.store.flush();
    const { rows } = await tollgate.store.requestPage({ tenantId }, { limit: 1, cursor: null });
    // 300 times the letter x are 38 tokens of OpenAI's newest encoding.
    expect(rows[0]).toMatchObject({ estimated: true, inputTokens: 38, outputTokens: 0 });
    expect(await posted()).toEqual([rows[0]?.costNanoUsd ?? 0, 0]);
  });

  test("is held by the bytes of the body, so that a budget is never passed", async () => {
    const body = JSON.stringify({ model: "embed", input: "x".repeat(500) });
    await budget(body.length * NANO_USD_PER_TOKEN);
    const larger = await send(JSON.stringify({ model: "embed", input: "x".repeat(501) }));
    expect([larger.status, larger.headers.get("x-tollgate-error")]).toEqual([
      429,
      "budget_exceeded",
    ]);
    expect(tollgate.upstream.stats().requests).toBe(0);
    expect((await send(body, `prompt_tokens=${body.length}`)).status).toBe(200);
    expect(await posted()).toEqual([body.length * NANO_USD_PER_TOKEN, 0]);
    expect((await send(body)).status).toBe(429);
  });

  test("for exactly 10 of 200 requests at once lets exactly 10 through", async () => {
    const body = JSON.stringify({ model: "embed", input: "x".repeat(100) });
    await budget(10 * body.length * NANO_USD_PER_TOKEN);
    const script = `prompt_tokens=${body.length}&headers_delay_ms=50`;
    const replies = await Promise.all(Array.from({ length: 200 }, () => send(body, script)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(tollgate.upstream.stats().requests).toBe(10);
    expect(await posted()).toEqual([10 * body.length * NANO_USD_PER_TOKEN, 0]);
  });
});

test("a provider that fails at first is asked again", async () => {
  const response = await send({ model: "embed", input: "one" }, "fail_times=1&status=500");
  expect([response.status, response.headers.get("x-tollgate-attempts")]).toEqual([200, "2"]);
  expect(tollgate.upstream.stats().byPath).toEqual({ "/v1/embeddings": 2 });
});

test("a body that asks for a stream gets the provider's plain answer", async () => {
  const response = await send({ model: "embed", input: "one", stream: true });
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "application/json",
  ]);
  expect(await response.json()).toMatchObject({ object: "list", data: [{ index: 0 }] });
});

/**
 * Tollgate's own refusals as clients with their default retries live through them: what waiting does
 * not help is asked once, what waiting helps is asked again at the time that was told.
 */
import { createOpenAI } from "@ai-sdk/openai";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { APICallError, generateText } from "ai";
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import OpenAI, { AuthenticationError, PermissionDeniedError, RateLimitError } from "openai";
import { startTestGateway } from "../support/gateway.ts";
import { failureOf } from "./worlds.ts";

const tollgate = await startTestGateway();
const provider = await tollgate.addProvider();
await tollgate.addRoute("small", [
  { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
]);
const model = "small";
const messages = [{ role: "user" as const, content: "Say something." }];
const baseURL = `${tollgate.url}/v1`;
let tenantId: string;
let apiKey: string;

beforeEach(async () => {
  tollgate.upstream.reset();
  tenantId = (await tollgate.addTenant()).id;
  apiKey = (await tollgate.addToken(tenantId)).token;
});

afterAll(() => tollgate.stop());

const tenantScope = () => ({ scopeType: "tenant", scopeId: tenantId, tenantId }) as const;

/** What the gateway saw of this tenant's clients, one code per request; null for an answer. */
async function codesSeen(): Promise<(string | null)[]> {
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({ tenantId }, { limit: 50, cursor: null });
  return rows.map(({ errorCode }) => errorCode);
}

/** Its day ends hours from now: a window about to end is rightly waited for. */
const dailyBudget = {
  amountNanoUsd: 0,
  timeZone: new Date().getUTCHours() < 12 ? "UTC" : "Pacific/Honolulu",
};

/** The ways to use up what waiting does not bring back. */
const EXHAUSTED = [
  ["a daily budget", dailyBudget, null, "budget_exceeded", "insufficient_quota"],
  [
    "a budget without a window",
    { amountNanoUsd: 0, window: "total" },
    null,
    "budget_exceeded",
    "insufficient_quota",
  ],
  ["an access token's requests", null, 0, "rate_limit_exceeded", "rate_limit_error"],
] as const;

describe.each(EXHAUSTED)("%s that is used up", (_what, budget, maxRequests, code, type) => {
  beforeEach(async () => {
    if (budget !== null) await tollgate.addBudget({ ...tenantScope(), ...budget });
    if (maxRequests !== null) apiKey = (await tollgate.addToken(tenantId, { maxRequests })).token;
  });

  test("is told to the official client once, plain and streamed", async () => {
    const client = new OpenAI({ baseURL, apiKey });
    for (const stream of [false, true]) {
      const failure = await failureOf(client.chat.completions.create({ model, messages, stream }));
      expect(failure).toBeInstanceOf(RateLimitError);
      expect(failure).toMatchObject({ status: 429, code, type, param: null });
    }
    expect(await codesSeen()).toEqual([code, code]);
    expect(tollgate.upstream.stats().requests).toBe(0);
  });

  test("is told to LangChain once", async () => {
    const chat = new ChatOpenAI({ model, apiKey, configuration: { baseURL } });
    const failure = await failureOf(chat.invoke([new HumanMessage("Say something.")]));
    expect(failure).toMatchObject({ status: 429, error: { code } });
    expect(await codesSeen()).toEqual([code]);
    expect(tollgate.upstream.stats().requests).toBe(0);
  });

  test("is told to Vercel's client, whose repetitions no header stops, at no cost", async () => {
    const ask = { model: createOpenAI({ baseURL, apiKey }).chat(model), prompt: "Say something." };
    const failure = await failureOf(generateText({ ...ask, maxRetries: 0 }));
    expect(failure).toBeInstanceOf(APICallError);
    expect(failure).toMatchObject({ statusCode: 429, data: { error: { code, type } } });
    expect(await codesSeen()).toEqual([code]);
    expect(tollgate.upstream.stats().requests).toBe(0);
  });
});

test("a rate that comes back soon is waited for by the official client and then served", async () => {
  // Without burst: the second request is due half a second later, and told so in whole seconds.
  await tollgate.addLimit({ ...tenantScope(), requestsPerMinute: 120, burst: 1 });
  const client = new OpenAI({ baseURL, apiKey });
  const answers = [
    await client.chat.completions.create({ model, messages }),
    await client.chat.completions.create({ model, messages }),
  ];
  expect(answers.map(({ object }) => object)).toEqual(["chat.completion", "chat.completion"]);
  expect((await codesSeen()).toReversed()).toEqual([null, "rate_limit_exceeded", null]);
  expect(tollgate.upstream.stats().requests).toBe(2);
});

test("credentials and rights raise the classes that programs tell apart", async () => {
  const limited = await tollgate.addToken(tenantId, { allowedModels: ["large"] });
  const suspended = await tollgate.addTenant({ status: "suspended" });
  const cases = [
    ["sk-tg-nonsense", AuthenticationError, 401, "invalid_api_key", "invalid_request_error"],
    [limited.token, PermissionDeniedError, 403, "model_not_allowed", "permission_error"],
    [
      (await tollgate.addToken(suspended.id)).token,
      PermissionDeniedError,
      403,
      "tenant_suspended",
      "permission_error",
    ],
  ] as const;
  for (const [credential, errorClass, status, code, type] of cases) {
    const client = new OpenAI({ baseURL, apiKey: credential });
    const failure = await failureOf(client.chat.completions.create({ model, messages }));
    expect(failure).toBeInstanceOf(errorClass);
    const requestID = expect.stringMatching(/^req_/);
    expect(failure).toMatchObject({ status, code, type, requestID });
  }
  expect(tollgate.upstream.stats().requests).toBe(0);
});

test("a budget that runs out between two calls of a conversation raises at the second", async () => {
  const cost = 600 * 10;
  await tollgate.addPrice(provider.id, "sim-small", { inputPicoUsd: 0, outputPicoUsd: 600_000 });
  await tollgate.addBudget({ ...tenantScope(), amountNanoUsd: cost });
  const client = new OpenAI({
    baseURL,
    apiKey,
    defaultHeaders: { "x-sim-script": "tokens=10" },
  });
  const ask = { model, messages, max_tokens: 10 };
  const { usage } = await client.chat.completions.create(ask);
  expect(usage?.completion_tokens).toBe(10);
  expect(await failureOf(client.chat.completions.create(ask))).toMatchObject({
    code: "budget_exceeded",
  });
  const [budget] = await tollgate.gateway.directory.budgetStates(tenantId);
  expect(budget).toMatchObject({ postedNanoUsd: cost, heldNanoUsd: 0 });
});

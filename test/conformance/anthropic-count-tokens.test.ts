/** Counting tokens: the provider's own count, free of charge, for whoever may still spend. */
import { beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { lastAttempts } from "./ledger-rows.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

const { provider, tenantId, through, tollgate, upstream } = await conformanceStageForFile(
  "anthropic",
  "/v1",
  { inputPicoUsd: 3_000_000_000, outputPicoUsd: 15_000_000_000, requestPicoUsd: 1_000_000_000 },
);
const target = { providerId: provider.id, model: "unpriced-model", weight: 1, priority: 0 };
await tollgate.addRoute("unpriced", [target]);

beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/messages/count_tokens?beta=true";
const ANSWER = '{"input_tokens" :2095,\n "x_unknown":1.50}';

function bodyFor(model: string): string {
  return `{"model" : "${model}","messages":[{"role":"user","content":"hi"}],"x_unknown":1.50}`;
}

/** With an access token of its own. */
async function askAs(token: string, model = PUBLIC_MODEL): Promise<Response> {
  const headers = { "x-api-key": token };
  return fetch(`${tollgate.url}${path}`, { method: "POST", headers, body: bodyFor(model) });
}

describe("it costs nothing", () => {
  const nothing = {
    amountNanoUsd: 0,
    heldNanoUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    postings: 1,
    price: '{"source":"free","input_pico_usd":0,"output_pico_usd":0}',
  };

  test.each([[PUBLIC_MODEL], ["unpriced"]])("with the model %s, and is recorded", async (model) => {
    upstream.answer({ pieces: [ANSWER] });
    const reply = await through({ path, body: bodyFor(model) });
    expect([reply.status, reply.headers.get("x-tollgate-cost-usd")]).toEqual([200, "0.00"]);
    expect(await lastAttempts(tollgate)).toMatchObject([
      { ...nothing, outcome: "ok", estimated: false, kind: "settle" },
    ]);
  });

  test.each([
    ["refuses", 400],
    ["says so in place of a count", 200],
  ])("where the provider %s", async (_how, status) => {
    const error = '{"type":"error","error":{"type":"invalid_request_error","message":"no"}}';
    upstream.answer({ status, pieces: [error] });
    const reply = await through({ path, body: bodyFor(PUBLIC_MODEL) });
    expect([reply.status, reply.text]).toEqual([400, error]);
    expect(await lastAttempts(tollgate)).toMatchObject([{ ...nothing, kind: "void" }]);
  });

  test("where it may have worked before it failed", async () => {
    upstream.answer({ pieces: ["<html>"], headers: { "content-type": "text/html" } });
    const headers = { "x-tollgate-timeout-ms": "200" };
    await through({ path, headers, body: bodyFor("unpriced") });
    const attempts = await lastAttempts(tollgate);
    expect(attempts.length).toBeGreaterThan(0);
    for (const attempt of attempts) expect(attempt).toMatchObject({ ...nothing, kind: "settle" });
  });
});

test("it takes a request of the limits, and no tokens", async () => {
  upstream.answer({ pieces: [ANSWER] });
  const { row, token } = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: row.id, tenantId } as const;
  await tollgate.addLimit({ ...scope, requestsPerMinute: 2, tokensPerMinute: 1_000 });
  const replies = [await askAs(token), await askAs(token), await askAs(token)];
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 429]);
  const [first, , refused] = replies.map(({ headers }) => headers);
  const told = (name: string) => first?.get(`anthropic-ratelimit-${name}`);
  expect([told("requests-limit"), told("requests-remaining"), told("tokens-remaining")]).toEqual([
    "2",
    "1",
    "1000",
  ]);
  expect(Number(refused?.get("retry-after"))).toBeGreaterThan(0);
  expect(await replies[2]?.json()).toMatchObject({
    type: "error",
    error: { type: "rate_limit_error" },
    request_id: refused?.get("request-id"),
  });
  expect(upstream.seen.length).toBe(2);
});

test("a budget of which something is left lets it pass, and holds nothing for it", async () => {
  upstream.answer({ pieces: [ANSWER] });
  const { row, token } = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: row.id, tenantId } as const;
  const budget = await tollgate.addBudget({ ...scope, amountNanoUsd: 1 });
  expect((await askAs(token)).status).toBe(200);
  const states = await tollgate.gateway.directory.budgetStates(tenantId);
  expect(states.find(({ budgetId }) => budgetId === budget.id)).toMatchObject({
    postedNanoUsd: 0,
    heldNanoUsd: 0,
  });
});

test("a model that its access token may not use is not asked", async () => {
  const { token } = await tollgate.addToken(tenantId, { allowedModels: ["another"] });
  const reply = await askAs(token);
  expect([reply.status, await reply.json()]).toMatchObject([
    403,
    { error: { type: "permission_error" } },
  ]);
  expect(upstream.seen.length).toBe(0);
});

/** What Anthropic's clients are told by Tollgate itself: errors, rates and models, in their shapes. */
import { describe, expect, test } from "bun:test";
import { PLAIN_TEXT } from "./anthropic-answers.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

const { tenantId, through, token, tollgate, upstream } = await conformanceStageForFile(
  "anthropic",
  "/v1",
  { contextTokensMax: 200_000 },
);

const VERSION = { "anthropic-version": "2023-06-01" };
const path = "/v1/messages";
const body = JSON.stringify({
  model: PUBLIC_MODEL,
  max_tokens: 10,
  messages: [{ role: "user", content: "hi" }],
});

async function ask(asked: string, init: RequestInit = {}) {
  const reply = await fetch(`${tollgate.url}${asked}`, {
    ...init,
    headers: { "x-api-key": token, ...(init.headers as Record<string, string> | undefined) },
  });
  const told: unknown = await reply.json();
  return { status: reply.status, headers: reply.headers, told };
}

function errorOf(type: string, message: string, { headers }: { readonly headers: Headers }) {
  return { type: "error", error: { type, message }, request_id: headers.get("request-id") };
}

describe("an error", () => {
  test("of the access token", async () => {
    const init = { method: "POST", body, headers: { "x-api-key": "sk-ant-api03-own" } };
    const reply = await ask(path, init);
    const message = "The access token is malformed: it is `sk-tg-` and 38 letters or digits.";
    expect(reply.told).toEqual(errorOf("authentication_error", message, reply));
    expect([reply.status, reply.headers.get("request-id")]).toEqual([
      401,
      expect.stringMatching(/^req_/),
    ]);
  });

  test("of the body, in Anthropic's words", async () => {
    const reply = await ask(path, { method: "POST", body: body.replace(',"max_tokens":10', "") });
    expect([reply.status, reply.told]).toEqual([
      400,
      errorOf("invalid_request_error", "max_tokens: Field required", reply),
    ]);
    expect(reply.headers.get("x-tollgate-error")).toBe("invalid_request");
  });

  test("of a model that does not exist", async () => {
    const reply = await ask(path, { method: "POST", body: body.replace(PUBLIC_MODEL, "none") });
    const message = 'The model "none" does not exist.';
    expect([reply.status, reply.told]).toEqual([404, errorOf("not_found_error", message, reply)]);
  });

  test("of a budget that is used up", async () => {
    const poor = await tollgate.addToken(tenantId);
    const scope = { scopeType: "token", scopeId: poor.row.id, tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 0, window: "hour" });
    const init = { method: "POST", body, headers: { "x-api-key": poor.token } };
    const reply = await ask(path, init);
    expect([reply.status, reply.told]).toMatchObject([
      429,
      { error: { type: "rate_limit_error" } },
    ]);
    expect([reply.headers.get("x-should-retry"), reply.headers.get("x-tollgate-error")]).toEqual([
      "false",
      "budget_exceeded",
    ]);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test.each([
    ["GET", "/v1/messages", {}],
    ["GET", "/v1/messages/batches", {}],
    ["POST", "/v1/messages/msg_1/aurora", {}],
    ["DELETE", "/v1/aurora", VERSION],
    // Its files are others than OpenAI's, which are served there.
    ["POST", "/v1/files", VERSION],
    ["GET", "/v1/files", VERSION],
    ["GET", "/v1/files/file_1/content", VERSION],
  ])("of %s %s, which does not exist", async (method, asked, headers) => {
    const reply = await ask(asked, { method, headers });
    const message = `There is nothing at ${method} ${asked}.`;
    expect([reply.status, reply.told]).toEqual([404, errorOf("not_found_error", message, reply)]);
  });

  test("of any other path is in OpenAI's shape, and so is one that only looks alike", async () => {
    for (const asked of ["/v1/aurora", "/v1/messagesx"]) {
      const { told } = await ask(asked);
      expect(told).toMatchObject({ error: { code: "not_found", type: "invalid_request_error" } });
    }
  });
});

test("rates are told in both families, and as they are after this request", async () => {
  upstream.answer({ pieces: [PLAIN_TEXT] });
  const limited = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: limited.row.id, tenantId } as const;
  await tollgate.addLimit({ ...scope, requestsPerMinute: 60, tokensPerMinute: 100_000 });
  const beforeMs = Date.now();
  const headers = { "x-api-key": limited.token };
  const { headers: told } = await ask(path, { method: "POST", body, headers });
  const of = (name: string): string | null => told.get(`anthropic-ratelimit-${name}`);
  expect([of("requests-limit"), of("requests-remaining")]).toEqual(["60", "59"]);
  for (const kind of ["tokens", "input-tokens", "output-tokens"]) {
    expect([of(`${kind}-limit`), of(`${kind}-remaining`)]).toEqual([
      told.get("x-ratelimit-limit-tokens"),
      told.get("x-ratelimit-remaining-tokens"),
    ]);
  }
  for (const kind of ["requests", "tokens", "input-tokens", "output-tokens"]) {
    const reset = of(`${kind}-reset`) ?? "";
    expect(reset).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(reset)).toBeGreaterThanOrEqual(beforeMs);
  }
});

test("of the provider's headers only what its clients use is passed on, not its rates and account", async () => {
  upstream.answer({
    headers: {
      "anthropic-ratelimit-requests-limit": "4000",
      "anthropic-organization-id": "org",
      "request-id": "req_theirs",
      "openai-version": "2020-10-01",
      "x-should-retry": "true",
    },
    pieces: [PLAIN_TEXT],
  });
  const { headers } = await through({ path, body });
  const told = ["anthropic-ratelimit-requests-limit", "anthropic-organization-id"];
  expect([...told, "openai-version"].map((name) => headers.get(name))).toEqual([null, null, null]);
  expect(headers.get("x-should-retry")).toBe("true");
  expect(headers.get("request-id")).toBe(headers.get("x-request-id"));
});

describe("models", () => {
  const MODEL = {
    type: "model",
    id: PUBLIC_MODEL,
    display_name: PUBLIC_MODEL,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    lifecycle: "active",
    deprecated_at: null,
    retires_at: null,
    line: null,
    max_input_tokens: 200_000,
    max_tokens: null,
    capabilities: null,
  };

  test("are listed in Anthropic's shape for who says a version, else in OpenAI's", async () => {
    const ours = await ask("/v1/models?limit=1000", { headers: VERSION });
    expect([ours.status, ours.told]).toEqual([
      200,
      { data: [MODEL], has_more: false, first_id: PUBLIC_MODEL, last_id: PUBLIC_MODEL },
    ]);
    expect(ours.headers.get("request-id")).toMatch(/^req_/);
    const theirs = await ask("/v1/models");
    // Nobody serves it in OpenAI's language.
    expect(theirs.told).toEqual({ object: "list", data: [] });
  });

  test("one by one as well, and a missing one is not found", async () => {
    const found = await ask(`/v1/models/${PUBLIC_MODEL}`, { headers: VERSION });
    const missing = await ask("/v1/models/none", { headers: VERSION });
    expect([found.told, missing.told]).toEqual([
      MODEL,
      errorOf("not_found_error", 'The model "none" does not exist.', missing),
    ]);
  });

  test("come in pages that go on where the last one ended, either way", async () => {
    const { id: providerId } = (await tollgate.store.configuration()).providers[0] ?? { id: "" };
    for (const name of ["a", "b", "c"]) {
      const target = { providerId, model: "upstream-model", weight: 1, priority: 0 };
      await tollgate.addRoute(name, [target]);
    }
    const pages = [];
    for (const query of ["limit=2", "limit=2&after_id=b", "limit=1&before_id=c", "after_id=zzz"]) {
      const { told } = await ask(`/v1/models?${query}`, { headers: VERSION });
      const { data, ...more } = Object(told);
      pages.push([data.map(({ id }: { id: string }) => id), ...Object.values(more)]);
    }
    expect(pages).toEqual([
      [["a", "b"], true, "a", "b"],
      [["c", PUBLIC_MODEL], false, "c", PUBLIC_MODEL],
      [["b"], true, "b", "b"],
      [[], false, null, null],
    ]);
  });

  test("in a number that cannot be are refused", async () => {
    for (const limit of ["0", "1001", "x", ""]) {
      const reply = await ask(`/v1/models?limit=${limit}`, { headers: VERSION });
      const message = "limit: Input should be an integer from 1 to 1000";
      expect([reply.status, reply.told]).toEqual([
        400,
        errorOf("invalid_request_error", message, reply),
      ]);
    }
  });

  test("are told to nobody without an access token, in the shape that was asked for", async () => {
    const headers = { ...VERSION, "x-api-key": "none" };
    const reply = await ask("/v1/models", { headers });
    expect([reply.status, reply.told]).toMatchObject([
      401,
      { type: "error", error: { type: "authentication_error" } },
    ]);
  });
});

/** `POST /routes/{id}/explain`: who would serve a request, in which order, and why. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Shape } from "../../../src/http/admin/schemas.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { HELLO } from "../../support/chat.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make, makeProvider, makeTenant } from "../../support/things.ts";

type Explanation = Shape<"RouteExplanation">;

let api: TestAdmin;
let tenantId: string;
let tokenId: string;

beforeAll(async () => {
  api = await startTestAdmin();
  const prices = { a: "1", b: "2", c: "0.5", rested: "3", off: "1" };
  for (const [name, price] of Object.entries(prices)) {
    const held = name === "rested" ? ({ breaker: "open" } as const) : {};
    await makeProvider(api, { name, enabled: name !== "off", ...held });
    const output = { input_usd_per_million: price, output_usd_per_million: price };
    await make(api, "/prices", { provider: name, model: "m", ...output });
  }
  tenantId = (await makeTenant(api, { strategy: "cheapest" })).id;
  tokenId = (await make(api, "/tokens", { tenant_id: tenantId, name: "t" })).id;
});
afterAll(() => api.stop());

let routes = 0;
const makeRoute = (targets: readonly object[], more: object = {}) => {
  routes += 1;
  return make(api, "/routes", { model: `route-${routes}`, targets, ...more });
};
const at = (provider: string, more: object = {}) => ({ provider, model: "m", ...more });
const request = { messages: HELLO };

async function explain(id: string, body: object = {}): Promise<Explanation> {
  const answer = await api.call("POST", `/routes/${id}/explain`, { body: { request, ...body } });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body as Explanation;
}

const told = ({ candidates }: Explanation) =>
  candidates.map(({ provider, verdict, reason }) => `${provider} ${verdict} ${reason.code}`);

test("every target is told of, in order, with why it is taken or left", async () => {
  const route = await makeRoute([
    at("off"),
    at("a", { when: { tags: ["eu"] } }),
    at("rested"),
    at("b", { priority: 1 }),
    at("c", { priority: 2 }),
    at("a", { percent: 50, priority: 3 }),
    at("a", { model: "priceless" }),
    at("b", { use: "context_window" }),
    at("c", { use: "content_filter", when: { tools: true } }),
    at("a", { use: "shadow" }),
  ]);
  const explanation = await explain(route.id);
  expect([explanation.strategy, explanation.sticky]).toEqual([
    { name: "priority", from: "route" },
    null,
  ]);
  expect(told(explanation)).toEqual([
    "b taken strategy",
    "c next strategy",
    "rested left breaker_forced",
    "a left condition_tags",
    "a left canary",
    "b left fallback_context_window",
    "c left tools",
    "a left shadow",
    "off left disabled",
    "a left unpriced",
  ]);
  const [first, , rested] = explanation.candidates;
  expect(first).toEqual({
    provider: "b",
    model: "m",
    lane: null,
    use: "serve",
    verdict: "taken",
    reason: { code: "strategy", sentence: "The strategy puts it here." },
    // 22 tokens of input, 1,024 of output, at 2 dollars a million.
    score: {
      first_token_ms: null,
      failure_share: null,
      cost_usd: "0.002092",
      in_flight: 0,
      weight: 1,
    },
    available_at: null,
  });
  expect(Date.parse(rested?.available_at ?? "")).toBeGreaterThan(Date.now());
});

describe("whose strategy it is", () => {
  const asking: readonly [string, () => object, Explanation["strategy"], string][] = [
    ["nobody's", () => ({}), { name: "priority", from: "route" }, "abc"],
    ["a tenant's", () => ({ tenant_id: tenantId }), { name: "cheapest", from: "tenant" }, "cab"],
    [
      "that of an access token's tenant",
      () => ({ token_id: tokenId }),
      { name: "cheapest", from: "tenant" },
      "cab",
    ],
    [
      "the header's",
      () => ({ headers: { "X-Tollgate-Strategy": "cheapest" } }),
      { name: "cheapest", from: "header" },
      "cab",
    ],
    [
      "the route's, which the header asks for",
      () => ({ tenant_id: tenantId, headers: { "x-tollgate-strategy": "default" } }),
      { name: "priority", from: "route" },
      "abc",
    ],
  ];
  test.each(asking)("%s", async (_whose, who, strategy, order) => {
    const route = await makeRoute([at("a"), at("b"), at("c")]);
    const explanation = await explain(route.id, who());
    expect(explanation.strategy).toEqual(strategy);
    expect(explanation.candidates.map(({ provider }) => provider).join("")).toBe(order);
  });
});

test("a conversation is found by its key, and a canary's share by it", async () => {
  const sticky = { by: "header", header: "x-chat" };
  const route = await makeRoute([at("a"), at("b", { percent: 100 })], {
    sticky,
    strategy: "weighted",
  });
  const found = await explain(route.id, { headers: { "x-chat": "1" } });
  expect([found.sticky, told(found)]).toEqual([
    { found: true },
    ["b taken canary_share", "a next sticky"],
  ]);
  const alone = await explain(route.id);
  expect([alone.sticky, told(alone)]).toEqual([
    { found: false },
    ["a taken strategy", "b left canary"],
  ]);
});

test("embeddings are told from chat by their input", async () => {
  const route = await makeRoute([at("a", { when: { modalities: ["text"] } })]);
  const explanation = await explain(route.id, { request: { input: "hello" } });
  expect(told(explanation)).toEqual(["a taken strategy"]);
  expect(explanation.candidates[0]?.score?.cost_usd).toBe("0.000012");
});

test("responses are told from embeddings by what only they can be asked", async () => {
  const route = await makeRoute([at("a", { when: { tools: true } })]);
  const tools = [{ type: "function", name: "get_weather" }];
  const explanation = await explain(route.id, { request: { input: "hello", tools } });
  expect(told(explanation)).toEqual(["a taken strategy"]);
});

test("nothing changes: the same answer again, no request row, nothing in flight", async () => {
  const route = await makeRoute([at("a"), at("b")], { strategy: "weighted" });
  const before = await api.store.page("routes", {}, { limit: 1, cursor: null });
  const first = await explain(route.id, { token_id: tokenId });
  for (let count = 0; count < 20; count += 1) {
    expect(await explain(route.id, { token_id: tokenId })).toEqual(first);
  }
  await api.store.flush();
  expect((await api.call("GET", "/requests")).member("data")).toEqual([]);
  expect((await api.call("GET", `/tokens/${tokenId}`)).member("request_count")).toBe(0);
  expect(await api.store.page("routes", {}, { limit: 1, cursor: null })).toEqual(before);
});

describe("what is wrong is said", () => {
  const refused: readonly [string, () => object, readonly unknown[]][] = [
    ["no request", () => ({ request: undefined }), [400, "invalid_request", "/request"]],
    ["a list for one", () => ({ request: [] }), [400, "invalid_request", "/request"]],
    ["no messages", () => ({ request: {} }), [400, "invalid_request", "/request/messages"]],
    [
      "a message that is none",
      () => ({ request: { messages: [1] } }),
      [400, "invalid_request", "/request/messages/0"],
    ],
    [
      "a model that is none",
      () => ({ request: { ...request, model: 7 } }),
      [400, "invalid_request", "/request/model"],
    ],
    [
      "an unknown strategy",
      () => ({ headers: { "x-tollgate-strategy": "luckiest" } }),
      [400, "invalid_request", "/headers/x-tollgate-strategy"],
    ],
    [
      "a header in two lines",
      () => ({ headers: { a: "b\r\nc: d" } }),
      [400, "invalid_request", "/headers/a"],
    ],
    [
      "a header's name that is none",
      () => ({ headers: { "a b": "c" } }),
      [400, "invalid_request", "/headers/a b"],
    ],
    ["an unknown member", () => ({ dice: 1 }), [400, "invalid_request", "/dice"]],
    [
      "both who may ask",
      () => ({ tenant_id: tenantId, token_id: tokenId }),
      [400, "invalid_request", "/tenant_id"],
    ],
    ["no such tenant", () => ({ tenant_id: "ten_x" }), [422, "unprocessable", "/tenant_id"]],
    ["no such access token", () => ({ token_id: "tok_x" }), [422, "unprocessable", "/token_id"]],
  ];
  test.each(refused)("%s", async (_what, body, expected) => {
    const route = await makeRoute([at("a")]);
    const answer = await api.call("POST", `/routes/${route.id}/explain`, {
      body: { request, ...body() },
    });
    expect(refusalOf(answer).slice(0, 3)).toEqual([...expected]);
  });

  test("a route that is not there, and one of another tenant", async () => {
    const path = "/routes/rte_none/explain";
    expect((await api.call("POST", path, { body: { request } })).status).toBe(404);
    const own = await makeRoute([at("a")], { tenant_id: tenantId });
    const other = (await makeTenant(api)).id;
    const answer = await api.call("POST", `/routes/${own.id}/explain`, {
      body: { request, tenant_id: other },
    });
    expect(refusalOf(answer).slice(0, 3)).toEqual([422, "unprocessable", "/tenant_id"]);
    expect((await explain(own.id)).strategy).toEqual({ name: "cheapest", from: "tenant" });
  });

  test("a body that is deep, or no JSON", async () => {
    const route = await makeRoute([at("a")]);
    const path = `/routes/${route.id}/explain`;
    const deep = `{"request":{"messages":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`;
    expect((await api.call("POST", path, { raw: deep })).status).toBe(400);
    expect((await api.call("POST", path, { raw: "{" })).status).toBe(400);
    expect((await api.call("POST", path, { token: null, body: { request } })).status).toBe(401);
  });
});

describe("a request is read in the language of those who serve it", () => {
  beforeAll(async () => {
    await makeProvider(api, { name: "claude", dialect: "anthropic" });
    await makeProvider(api, { name: "gemini", dialect: "google" });
    for (const provider of ["claude", "gemini"]) {
      const price = { input_usd_per_million: "1", output_usd_per_million: "1" };
      await make(api, "/prices", { provider, model: "m", ...price });
    }
  });

  test("Anthropic's, where nobody speaks OpenAI's", async () => {
    const { id } = await makeRoute([at("claude")]);
    expect(told(await explain(id, { request: { ...request, max_tokens: 5 } }))).toEqual([
      "claude taken strategy",
    ]);
    const refused = await api.call("POST", `/routes/${id}/explain`, { body: { request } });
    const member = "/request/max_tokens";
    expect(refusalOf(refused)).toEqual([
      400,
      "invalid_request",
      member,
      "max_tokens: Field required",
    ]);
  });

  test("Google's by its own members, and OpenAI's in doubt", async () => {
    const { id } = await makeRoute([at("a"), at("claude"), at("gemini")]);
    const contents = [{ role: "user", parts: [{ text: "hi" }] }];
    expect(told(await explain(id, { request: { contents } }))).toEqual([
      "gemini taken strategy",
      "a left surface",
      "claude left surface",
    ]);
    expect(told(await explain(id))).toEqual([
      "a taken strategy",
      "claude left surface",
      "gemini left surface",
    ]);
  });
});

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

describe("a request is explained where it is asked", () => {
  beforeAll(async () => {
    await makeProvider(api, { name: "claude", dialect: "anthropic" });
    await makeProvider(api, { name: "gemini", dialect: "google" });
    await makeProvider(api, { name: "embeds", surfaces: ["embeddings"] });
    const price = { input_usd_per_million: "1", output_usd_per_million: "1" };
    for (const provider of ["claude", "gemini", "embeds"]) {
      await make(api, "/prices", { provider, model: "m", ...price });
    }
    const perPicture = {
      input_usd_per_million: "0",
      output_usd_per_million: "0",
      image_usd: "0.04",
    };
    await make(api, "/prices", { provider: "a", model: "paints", ...perPicture });
  });

  const messages = { messages: HELLO, max_tokens: 5 };
  const contents = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
  const OPENAIS = ["a taken strategy", "claude left surface", "gemini left surface"];
  const asked: readonly [surface: string | undefined, request: object, ...told: string[]][] = [
    [undefined, messages, ...OPENAIS, "embeds left surface"],
    ["chat", messages, ...OPENAIS, "embeds left surface"],
    ["responses", { input: "hi" }, ...OPENAIS, "embeds left surface"],
    [
      "embeddings",
      { input: "hi" },
      "a taken strategy",
      "embeds next strategy",
      "claude left surface",
      "gemini left surface",
    ],
    [
      "messages",
      messages,
      "claude taken strategy",
      "a left surface",
      "gemini left surface",
      "embeds left surface",
    ],
    [
      "generate_content",
      contents,
      "gemini taken strategy",
      "a left surface",
      "claude left surface",
      "embeds left surface",
    ],
  ];
  test.each(asked)("%s", async (surface, body, ...expected) => {
    const { id } = await makeRoute(["a", "claude", "gemini", "embeds"].map((name) => at(name)));
    expect(told(await explain(id, { surface, request: body }))).toEqual(expected);
  });

  test("one that says nothing and has an input alone asks for embeddings", async () => {
    const { id } = await makeRoute([at("a", { when: { modalities: ["text"] } }), at("embeds")]);
    const explanation = await explain(id, { request: { input: "hello" } });
    expect(told(explanation)).toEqual(["a taken strategy", "embeds next strategy"]);
    expect(explanation.candidates[0]?.score?.cost_usd).toBe("0.000012");
  });

  test("by what is paid there: who has no price of that is left", async () => {
    const { id } = await makeRoute([at("a", { model: "paints" }), at("b")]);
    const picture = { surface: "image_generations", request: { prompt: "a cat", n: 2 } };
    const { candidates } = await explain(id, picture);
    expect(candidates.map(({ model, verdict }) => [model, verdict])).toEqual([
      ["paints", "taken"],
      ["m", "next"],
    ]);
    expect(candidates[0]?.score?.cost_usd).toBe("0.08");
    expect(told(await explain(id))).toEqual(["b taken strategy", "a left unpriced"]);
  });

  test("and refused as it would be there", async () => {
    const { id } = await makeRoute([at("claude")]);
    const path = `/routes/${id}/explain`;
    const refused = await api.call("POST", path, { body: { surface: "messages", request } });
    const member = "/request/max_tokens";
    expect(refusalOf(refused)).toEqual([
      400,
      "invalid_request",
      member,
      "max_tokens: Field required",
    ]);
  });

  test.each(["chats", "toString", "transcriptions", "files", "batches", "response"])(
    "but not at %s, of which no body can be shown",
    async (surface) => {
      const { id } = await makeRoute([at("a")]);
      const answer = await api.call("POST", `/routes/${id}/explain`, {
        body: { surface, request },
      });
      const [status, code, param, message] = refusalOf(answer);
      expect([status, code, param]).toEqual([400, "invalid_request", "/surface"]);
      expect(message).toStartWith(
        `surface cannot be "${surface}": it must be one of chat, embeddings, `,
      );
      expect(message).not.toContain("transcriptions,");
      expect(message).not.toContain(" batches,");
    },
  );
});

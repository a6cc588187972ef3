/** Which models an access token sees, looks up and may call: routes, direct targets, allow-lists. */
import { afterAll, describe, expect, test } from "bun:test";
import { chat, errorOf, type ChatReply } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());

const ours = (await tollgate.addTenant()).id;
const theirs = (await tollgate.addTenant()).id;
const provider = await tollgate.addProvider({ name: "main" });
const off = await tollgate.addProvider({ name: "off", enabled: false });
await tollgate.addPrice(provider.id, "meta/llama 3", { outputPicoUsd: 1 });
const to = (model: string, { id } = provider) => [
  { providerId: id, model, weight: 1, priority: 0 },
];
const shared = await tollgate.addRoute("small", to("sim-small"));
await tollgate.addRoute("gpt-fast", to("sim-small"));
await tollgate.addRoute("gpt-large", to("sim-large"));
await tollgate.addRoute("größe/42?x=1&y", to("sim-small"));
await tollgate.addRoute("unpriced", to("nobody-knows-its-price"));
await tollgate.addRoute("off-line", to("sim-small", off));
const route = {
  strategy: "priority" as const,
  terms: {},
  version: 1,
  createdAtMs: 1_700_000_000_999,
};
const own = { ...route, tenantId: ours, model: "private", targets: to("sim-large") };
await tollgate.put("routes", { ...own, id: "rte_ours" });
await tollgate.put("routes", { ...own, id: "rte_theirs", tenantId: theirs, model: "secret" });
// The tenant's own route of a name hides the shared one.
await tollgate.put("routes", { ...own, id: "rte_over", model: "gpt-fast" });

const ALL = ["gpt-fast", "gpt-large", "größe/42?x=1&y", "private", "small"];

async function tokenFor(allowedModels: string[] | null): Promise<string> {
  return (await tollgate.addToken(ours, { allowedModels })).token;
}

function get(path: string, token: string): Promise<Response> {
  return fetch(`${tollgate.url}/v1/models${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
}

async function listed(token: string): Promise<unknown[]> {
  const body = await (await get("", token)).text();
  return JSON.parse(body).data.map(({ id }: { readonly id: unknown }) => id);
}

const any = await tokenFor(null);

describe("the list", () => {
  test("holds what can be called, by name, in OpenAI's shape and nothing else", async () => {
    const response = await get("", any);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await response.json()).toEqual({
      object: "list",
      data: ALL.map((id) => ({
        id,
        object: "model",
        created: expect.any(Number),
        owned_by: "main",
      })),
    });
    const small = await (await get("/small", any)).json();
    expect(small).toEqual({
      id: "small",
      object: "model",
      created: Math.floor(shared.createdAtMs / 1_000),
      owned_by: "main",
    });
  });

  test.each([
    [["small"], ["small"]],
    [["gpt-*"], ["gpt-fast", "gpt-large"]],
    [
      ["gpt-*", "private"],
      ["gpt-fast", "gpt-large", "private"],
    ],
    [["*"], ALL],
    [["g*t-fast"], []],
    [["GPT-*"], []],
    [["gpt-fast*"], ["gpt-fast"]],
    [["secret", "off-line", "unpriced"], []],
    [[], []],
  ])("for %j holds %j", async (allowed, expected) => {
    expect(await listed(await tokenFor(allowed))).toEqual(expected);
  });

  test("of another tenant holds its own", async () => {
    const { token } = await tollgate.addToken(theirs);
    expect(await listed(token)).toEqual(
      ALL.map((name) => (name === "private" ? "secret" : name)).toSorted(),
    );
  });

  test("needs an access token", async () => {
    expect((await get("", "sk-tg-nobody")).status).toBe(401);
    const { id } = await tollgate.addTenant({ status: "suspended" });
    expect((await get("", (await tollgate.addToken(id)).token)).status).toBe(403);
  });
});

describe("a lookup", () => {
  const direct = "main/meta/llama 3";
  test.each([
    ["a name", "small", "small"],
    ["a name with everything escaped", "gr%C3%B6%C3%9Fe%2F42%3Fx%3D1%26y", "größe/42?x=1&y"],
    ["a direct target, its slash as it is", "main/sim-small", "main/sim-small"],
    ["a direct target, its slash escaped", "main%2Fsim-small", "main/sim-small"],
    ["a direct target with slashes in the model", "main/meta/llama%203", direct],
    ["a direct target, all slashes escaped", "main%2Fmeta%2Fllama%203", direct],
    ["the tenant's own", "private", "private"],
  ])("of %s", async (_what, path, id) => {
    const response = await get(`/${path}`, any);
    expect([response.status, await response.json()]).toEqual([
      200,
      { id, object: "model", created: expect.any(Number), owned_by: "main" },
    ]);
  });

  test.each([
    "nobody",
    "secret",
    "unpriced",
    "off-line",
    "off/sim-small",
    "main",
    "main%2F",
    "%zz",
  ])("of %s finds nothing", async (path) => {
    const response = await get(`/${path}`, any);
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        error: {
          message: expect.stringContaining("does not exist"),
          type: "invalid_request_error",
          code: "model_not_found",
          param: "model",
        },
      },
    ]);
  });

  test("of what the access token may not call finds nothing", async () => {
    const token = await tokenFor(["main/*"]);
    expect((await get("/small", token)).status).toBe(404);
    expect((await get("/main/sim-small", token)).status).toBe(200);
  });
});

function call(model: string, token = any): Promise<ChatReply> {
  return chat(tollgate.url, { token, body: { model } });
}

async function servedBy(model: string, token = any): Promise<[number, string | null]> {
  const reply = await call(model, token);
  return [reply.status, reply.headers.get("x-tollgate-model")];
}

describe("a call", () => {
  test("of a name goes to its target, of the tenant's own name to the tenant's", async () => {
    expect(await servedBy("small")).toEqual([200, "sim-small"]);
    expect(await servedBy("gpt-fast")).toEqual([200, "sim-large"]);
    expect(await servedBy("gpt-fast", (await tollgate.addToken(theirs)).token)).toEqual([
      200,
      "sim-small",
    ]);
    expect(await servedBy("größe/42?x=1&y")).toEqual([200, "sim-small"]);
  });

  test("of a direct target goes to that provider under the model's own name", async () => {
    expect(await servedBy("main/sim-large")).toEqual([200, "sim-large"]);
    expect(await servedBy("main/meta/llama 3")).toEqual([200, "meta/llama 3"]);
    const bodies = tollgate.upstream.requests().map(({ body }) => new TextDecoder().decode(body));
    expect(JSON.parse(bodies.at(-1) ?? "")).toMatchObject({ model: "meta/llama 3" });
  });

  test("of a direct target carries a script to the simulated provider", async () => {
    const reply = await call("main/sim-small?tokens=2");
    expect(JSON.parse(reply.text).choices[0].message.content).toBe("lorem ipsum");
  });

  test.each([
    ["nobody", 404, "model_not_found"],
    ["secret", 404, "model_not_found"],
    ["off/sim-small", 404, "model_not_found"],
    ["unpriced", 403, "model_unpriced"],
    ["main/nobody-knows-its-price", 403, "model_unpriced"],
    ["off-line", 503, "provider_unavailable"],
  ])("of %s is refused", async (model, status, code) => {
    const reply = await call(model);
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([status, code]);
    const param = status === 503 ? null : "model";
    expect(errorOf(reply)).toMatchObject({ code, param });
  });

  test.each([
    [["small"], "small", 200],
    [["small"], "gpt-large", 403],
    [["small"], "main/sim-small", 403],
    [["main/*"], "main/sim-small", 200],
    [["main/*"], "small", 403],
    [["main/sim-s*"], "main/sim-large", 403],
    [["*"], "main/sim-large", 200],
    [["s*all"], "small", 403],
    [[], "small", 403],
  ])("with %j of %s answers %d", async (allowed, model, status) => {
    const reply = await call(model, await tokenFor(allowed));
    expect(reply.status).toBe(status);
    if (status === 403) {
      expect(errorOf(reply)).toEqual({
        message: `This access token may not use the model ${JSON.stringify(model)}.`,
        type: "permission_error",
        code: "model_not_allowed",
        param: "model",
      });
    }
  });

  test("of a model that nobody priced works once the operator prices it, also at 0", async () => {
    const other = await tollgate.addProvider({ name: "other" });
    await tollgate.addRoute("local", to("llama-at-home", other));
    expect((await call("local")).status).toBe(403);
    await tollgate.addPrice(other.id, "llama-at-home", { inputPicoUsd: 0, outputPicoUsd: 0 });
    const reply = await call("local");
    expect([reply.status, reply.headers.get("x-tollgate-cost-usd")]).toEqual([200, "0.00"]);
  });
});

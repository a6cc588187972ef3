/**
 * Where an exchange goes on after an answer that the same request would get again: to candidates kept
 * for its kind, or with another credential of the provider. What is final comes back as it was said.
 */
import { describe, expect, test } from "bun:test";
import { chat } from "../support/chat.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, change, attemptsOf } = await twoProvidersForFile();

const SERVING = { providerId: first.row.id, model: "sim-small", weight: 1, priority: 0 };
const KEPT = { providerId: second.row.id, model: "sim-large", weight: 1, priority: 1 };

function refusal(code: string): string {
  const message = "This model's maximum context length is 8192 tokens.";
  const error = { message, type: "invalid_request_error", param: "messages", code };
  return `status=400&body=${encodeURIComponent(JSON.stringify({ error, odd: 1.5 }))}`;
}

function requests(): number[] {
  return [first, second].map(({ upstream }) => upstream.stats().requests);
}

const TOO_LONG = refusal("context_length_exceeded");
const FILTERED = refusal("content_filter");

let routes = 0;

async function routeOver(
  targets: Parameters<typeof tollgate.addRoute>[1],
  terms: { retries?: { attemptsMax: number } } = {},
): Promise<string> {
  routes += 1;
  return (await tollgate.addRoute(`fallback-${routes}`, targets, { terms })).model;
}

describe.each([
  ["its length", TOO_LONG, "context_window"],
  ["its content", FILTERED, "content_filter"],
] as const)("a request that is refused for %s", (_what, script, use) => {
  test.each([false, true])(
    "goes on with what the route keeps for it (stream: %p)",
    async (stream) => {
      first.upstream.script(script);
      const model = await routeOver([SERVING, { ...KEPT, use }]);
      const reply = await chat(tollgate.url, { token, body: { model, stream } });
      expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "second"]);
      expect([reply.headers.get("x-tollgate-attempts"), requests()]).toEqual(["2", [1, 1]]);
      expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
        { model: "sim-small", status: 400 },
        { model: "sim-large", outcome: "ok" },
      ]);
    },
  );

  test("is told so in the first provider's words, though what is kept fails otherwise", async () => {
    first.upstream.script(script);
    second.upstream.script("status=503&header=retry-after-ms%3A60000");
    const model = await routeOver([SERVING, { ...KEPT, use }]);
    const reply = await chat(tollgate.url, {
      token,
      body: { model },
      headers: { "x-tollgate-timeout-ms": "5000" },
    });
    expect([reply.status, JSON.parse(reply.text).odd]).toEqual([400, 1.5]);
    expect(reply.headers.get("x-tollgate-provider")).toBe("first");
    expect(requests()).toEqual([1, 1]);
  });

  test("is asked once and told verbatim where nothing, or only the other kind, is kept", async () => {
    first.upstream.script(script);
    const other = use === "context_window" ? "content_filter" : "context_window";
    for (const targets of [
      [SERVING],
      [SERVING, KEPT],
      [SERVING, { ...KEPT, use: other }],
    ] as const) {
      const reply = await chat(tollgate.url, { token, body: { model: await routeOver(targets) } });
      expect([reply.status, JSON.parse(reply.text).odd]).toEqual([400, 1.5]);
    }
    expect(requests()).toEqual([3, 0]);
  });

  test("goes from one that is kept to the next, within the route's attempts", async () => {
    for (const { upstream } of [first, second]) upstream.script(script);
    const kept = [
      { ...KEPT, use },
      { ...KEPT, model: "sim-slow", priority: 2, use },
    ] as const;
    const all = await chat(tollgate.url, {
      token,
      body: { model: await routeOver([SERVING, ...kept]) },
    });
    expect([all.status, requests()]).toEqual([400, [1, 2]]);
    const model = await routeOver([SERVING, ...kept], { retries: { attemptsMax: 1 } });
    const bounded = await chat(tollgate.url, { token, body: { model } });
    expect([bounded.status, requests()]).toEqual([400, [2, 2]]);
  });
});

describe("a provider with several credentials", () => {
  const POOL = {
    ...first.row,
    credentialSealed: "sk-one",
    terms: { moreCredentialsSealed: ["sk-two", "sk-three"] },
  };

  function credentials(): string[] {
    return first.upstream.requests().map(({ headers }) => headers["authorization"] ?? "");
  }

  test.each([401, 402, 429])("is asked with the next one after %d, each once", async (status) => {
    await change(POOL);
    first.upstream.script(`status=${status}&fail_times=2`);
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect([reply.status, reply.headers.get("x-tollgate-attempts")]).toEqual([200, "3"]);
    expect(new Set(credentials()).size).toBe(3);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { outcome: `status_${status}`, isFree: true },
      { outcome: `status_${status}`, isFree: true },
      { outcome: "ok" },
    ]);
  });

  test("is not asked with any of them twice where all are refused", async () => {
    await change(POOL);
    first.upstream.script("status=401");
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect([reply.status, first.upstream.stats().requests]).toEqual([401, 3]);
    expect(new Set(credentials()).size).toBe(3);
  });

  test("is asked once, whatever credentials are left, for what is the request's own fault", async () => {
    await change(POOL);
    first.upstream.script("status=422");
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect([reply.status, first.upstream.stats().requests]).toEqual([422, 1]);
  });
});

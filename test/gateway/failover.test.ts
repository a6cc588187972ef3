/** What happens when a provider fails: who is asked next, what it costs, and what the client is told. */
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { chat, errorOf, eventsOf } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { SHORT_MS, twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, change, attemptsOf } = await twoProvidersForFile();
const client = new OpenAI({ baseURL: `${tollgate.url}/v1`, apiKey: token, maxRetries: 0 });
const messages = [{ role: "user" as const, content: "Say something." }];

const VOID = { kind: "void", estimated: false, isFree: true };
const MAYBE = { kind: "settle", estimated: true, isFree: false };
const SERVED = {
  model: "sim-large",
  kind: "settle",
  outcome: "ok",
  status: 200,
  estimated: false,
  isFree: false,
};

/** How the first provider fails, and what its attempt comes to; null: plain answers and streams. */
const FAILURES = [
  ["500", "status=500", null, { ...MAYBE, outcome: "status_500", status: 500 }],
  ["502", "status=502", null, { ...MAYBE, outcome: "status_502", status: 502 }],
  ["503", "status=503", null, { ...MAYBE, outcome: "status_503", status: 503 }],
  ["529", "status=529", null, { ...VOID, outcome: "status_529", status: 529 }],
  ["429", "status=429", null, { ...VOID, outcome: "status_429", status: 429 }],
  [
    "429 with a time",
    "status=429&retry_after=60",
    null,
    { ...VOID, outcome: "status_429", status: 429 },
  ],
  ["401", "status=401", null, { ...VOID, outcome: "status_401", status: 401 }],
  ["402", "status=402", null, { ...VOID, outcome: "status_402", status: 402 }],
  ["403", "status=403", null, { ...VOID, outcome: "status_403", status: 403 }],
  ["404", "status=404", null, { ...VOID, outcome: "status_404", status: 404 }],
  ["408", "status=408", null, { ...MAYBE, outcome: "status_408", status: 408 }],
  [
    "a redirect",
    "status=302&header=location:http%3A%2F%2Flocalhost",
    null,
    { ...VOID, outcome: "status_302", status: null },
  ],
  ["silence", "hang=1", null, { ...MAYBE, outcome: "timeout_first_byte", status: null }],
  [
    "a dropped connection",
    "connection_reset=1",
    null,
    { ...MAYBE, outcome: "reset", status: null },
  ],
  ["nonsense", "garbage=1", false, { ...MAYBE, outcome: "undecodable", status: null }],
  ["half an answer", "cut_at=40", false, { ...MAYBE, outcome: "cut", status: null }],
  [
    "half an answer and silence",
    "stall_after=40",
    false,
    { ...MAYBE, outcome: "timeout_idle", status: null },
  ],
  [
    "a stream cut before its content",
    "cut_at=40",
    true,
    { ...MAYBE, outcome: "cut", status: null },
  ],
  [
    "a stream that ends before its content",
    "body=%3A%20hi%0A%0A",
    true,
    { ...MAYBE, outcome: "cut", status: null },
  ],
  [
    "a stream that is silent before its content",
    "stall_after=0",
    true,
    { ...MAYBE, outcome: "timeout_idle", status: null },
  ],
  [
    "a stream that begins with an error",
    "error_after=0",
    true,
    { ...MAYBE, outcome: "error_event", status: null },
  ],
] as const;

describe.each(FAILURES)("the first provider answers with %s", (_what, script, only, told) => {
  const ways = [false, true].filter((stream) => only === null || only === stream);
  test.each(ways)(
    "the second serves, and the client knows nothing of it (stream: %p)",
    async (stream) => {
      first.upstream.script(script);
      second.upstream.script("tokens=3");
      const asked = { model: "small", messages };
      const request = stream
        ? client.chat.completions.create({ ...asked, stream })
        : client.chat.completions.create(asked);
      const { data, response } = await request.withResponse();
      const texts =
        "choices" in data
          ? data.choices.map(({ message }) => message.content)
          : (await Array.fromAsync(data)).map(({ choices }) => choices[0]?.delta.content ?? "");

      expect(texts.join("")).toBe("lorem ipsum dolor");
      const names = ["x-tollgate-attempts", "x-tollgate-provider", "x-tollgate-model"];
      expect(names.map((name) => response.headers.get(name))).toEqual(["2", "second", "sim-large"]);
      expect([first, second].map(({ upstream }) => upstream.stats().requests)).toEqual([1, 1]);
      expect(await attemptsOf(response.headers.get("x-request-id"))).toEqual([
        { model: "sim-small", ...told },
        SERVED,
      ]);
      // What was given up is closed, not left to run.
      await first.upstream.until(({ inFlight }) => inFlight === 0);
    },
  );
});

describe("a refusal that is the request's own fault", () => {
  const error = {
    message: "This model's maximum context length is 8192 tokens.",
    type: "invalid_request_error",
    param: "messages",
    code: "context_length_exceeded",
  };
  const body = JSON.stringify({ error, odd: 1.5 });

  test.each([400, 413, 415, 422])("is asked once and comes back verbatim as %d", async (status) => {
    first.upstream.script(`status=${status}&body=${encodeURIComponent(body)}`);
    for (const stream of [false, true]) {
      const reply = await chat(tollgate.url, { token, body: { stream } });
      expect([reply.status, reply.text]).toEqual([status, body]);
      expect(reply.headers.get("x-tollgate-attempts")).toBe("1");
      // It is the provider's word, not ours.
      expect(reply.headers.has("x-tollgate-error")).toBe(false);
      expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
        { model: "sim-small", ...VOID, outcome: "context_too_long", status },
      ]);
    }
    expect([first, second].map(({ upstream }) => upstream.stats().requests)).toEqual([2, 0]);
  });
});

describe("when all fail", () => {
  test("the last provider's status, body and retry-after come back verbatim", async () => {
    first.upstream.script("status=500");
    second.upstream.script("status=503&retry_after=7&body=%7B%22odd%22%3A%201.0%7D");
    await change({ ...first.row, enabled: false });
    const reply = await chat(tollgate.url, { token, headers: { "x-tollgate-timeout-ms": "5000" } });
    expect([reply.status, reply.text]).toEqual([503, '{"odd": 1.0}']);
    expect(reply.headers.get("retry-after")).toBe("7");
    expect(reply.headers.has("x-tollgate-error")).toBe(false);
  });

  test("three attempts are made over all of them, in turn", async () => {
    first.upstream.script("status=500");
    second.upstream.script("status=502");
    const reply = await chat(tollgate.url, { token });
    expect([reply.status, reply.headers.get("x-tollgate-attempts")]).toEqual([500, "3"]);
    expect(reply.headers.get("x-tollgate-provider")).toBe("first");
    const outcomes = (await attemptsOf(reply.headers.get("x-request-id"))).map(
      ({ model, outcome }) => `${model} ${outcome}`,
    );
    expect(outcomes).toEqual([
      "sim-small status_500",
      "sim-large status_502",
      "sim-small status_500",
    ]);
  });

  test.each([
    ["silence", "hang=1", 504, "upstream_timeout"],
    ["dropped connections", "connection_reset=1", 502, "upstream_error"],
    ["nonsense", "garbage=1", 502, "upstream_error"],
  ])("by %s, we say so in the client's dialect", async (_what, script, status, code) => {
    first.upstream.script(script);
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([status, code]);
    expect(errorOf(reply)).toEqual({
      message: expect.any(String),
      type: "server_error",
      code,
      param: null,
    });
    expect(first.upstream.stats().requests).toBe(3);
  });

  test("a port that nobody listens on is told without an entry in the ledger", async () => {
    await change({ ...first.row, baseUrl: "http://127.0.0.1:9/v1" });
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([502, "upstream_error"]);
    expect(reply.headers.get("x-tollgate-attempts")).toBe("0");
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([]);
  });

  test("a port that nobody listens on is passed by for one that answers", async () => {
    await change({ ...first.row, baseUrl: "http://127.0.0.1:9/v1" });
    const reply = await chat(tollgate.url, { token });
    expect([reply.status, reply.headers.get("x-tollgate-provider")]).toEqual([200, "second"]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([SERVED]);
  });

  test("an address that its provider may not have is never called", async () => {
    await change({ ...first.row, allowPrivateNetwork: false });
    const reply = await chat(tollgate.url, { token, body: { model: "alone" } });
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([502, "upstream_error"]);
    expect(first.upstream.stats().requests).toBe(0);
  });
});

describe("after the first content", () => {
  test.each([
    ["a cut", "tokens=50&token_delay_ms=10&cut_at=2500", "cut", "upstream_error"],
    ["an end without [DONE]", "tokens=5&omit_done=1", "cut", "upstream_error"],
    ["silence", "tokens=50&stall_after=5", "timeout_idle", "upstream_timeout"],
  ])("%s is told as an event and nobody else is asked", async (_what, script, outcome, code) => {
    first.upstream.script(script);
    const reply = await chat(tollgate.url, { token, body: { stream: true } });
    const events = eventsOf(reply.text);
    expect(reply.status).toBe(200);
    expect(events.length).toBeGreaterThan(3);
    expect(JSON.parse(events.at(-1) ?? "")).toEqual({
      error: { message: expect.any(String), type: "server_error", code, param: null },
    });
    expect(reply.text).not.toContain("[DONE]");
    expect([first, second].map(({ upstream }) => upstream.stats().requests)).toEqual([1, 0]);
    const told = await attemptsOf(reply.headers.get("x-request-id"));
    expect(told).toMatchObject([{ model: "sim-small", kind: "settle", outcome, isFree: false }]);
  });

  test("an end without [DONE] is one with a company whose streams may end so", async () => {
    await change({ ...first.row, terms: { ...first.row.terms, company: "perplexity" } });
    first.upstream.script("tokens=5&omit_done=1");
    const reply = await chat(tollgate.url, { token, body: { stream: true } });
    expect(JSON.parse(eventsOf(reply.text).at(-1) ?? "")).toMatchObject({
      choices: [{ finish_reason: "stop" }],
    });
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
      { ...SERVED, model: "sim-small" },
    ]);
  });

  test("the provider's own error event is the last one, as it came", async () => {
    first.upstream.script("tokens=50&error_after=5");
    const reply = await chat(tollgate.url, { token, body: { stream: true } });
    const errors = eventsOf(reply.text).filter((event) => event.includes('"error"'));
    expect(errors).toHaveLength(1);
    expect(eventsOf(reply.text).at(-1)).toBe(errors[0] ?? "");
    expect(reply.text).not.toContain("[DONE]");
    expect(second.upstream.stats().requests).toBe(0);
  });
});

describe("deadlines and leaving", () => {
  test("the time that the client gives ends a silent provider with 504 and closes it", async () => {
    await change({ ...first.row, timeoutsMs: second.row.timeoutsMs });
    first.upstream.script("hang=1");
    const headers = { "x-tollgate-timeout-ms": "150" };
    const beganAtMs = performance.now();
    const reply = await chat(tollgate.url, { token, headers });
    const tookMs = performance.now() - beganAtMs;
    expect([reply.status, reply.headers.get("x-tollgate-error")]).toEqual([
      504,
      "upstream_timeout",
    ]);
    expect(tookMs).toBeGreaterThan(145);
    expect(tookMs).toBeLessThan(5_000);
    await first.upstream.until(({ closedEarly }) => closedEarly === 1);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
      { model: "sim-small", ...MAYBE, outcome: "deadline", status: null },
    ]);
    expect(second.upstream.stats().requests).toBe(0);
  });

  test("the time that the client gives ends a running stream with an event", async () => {
    first.upstream.script("tokens=1000&token_delay_ms=10");
    const headers = { "x-tollgate-timeout-ms": "200" };
    const reply = await chat(tollgate.url, { token, headers, body: { stream: true } });
    const events = eventsOf(reply.text);
    expect(JSON.parse(events.at(-1) ?? "").error).toMatchObject({ code: "upstream_timeout" });
    expect(events.length).toBeGreaterThan(3);
    await first.upstream.until(({ closedEarly }) => closedEarly === 1);
  });

  test("a wait past the deadline is not begun: what the provider said comes back at once", async () => {
    first.upstream.script("status=429&retry_after=37");
    const reply = await chat(tollgate.url, {
      token,
      body: { model: "alone" },
      headers: { "x-tollgate-timeout-ms": "5000" },
    });
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([429, "37"]);
    expect(first.upstream.stats().requests).toBe(1);
  });

  test("a client that leaves while we wait for the next attempt stops all further ones", async () => {
    first.upstream.script("status=500&header=retry-after-ms%3A60000");
    const controller = new AbortController();
    const { signal } = controller;
    const failed = chat(tollgate.url, { token, body: { model: "alone" }, signal }).catch(
      (error: unknown) => error,
    );
    // Answered, read and settled: from here on nothing runs but the wait.
    await first.upstream.until(({ completed }) => completed === 1);
    const { directory, lifecycle } = tollgate.gateway;
    await until(() => directory.providerHealth(first.row.id).inFlight === 0);
    controller.abort();
    await failed;
    await until(() => lifecycle.inFlightCount() === 0);
    await tollgate.store.flush();
    const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
    expect(rows[0]).toMatchObject({ clientGone: true, attemptCount: 1, status: 499 });
    expect(await attemptsOf(rows[0]?.id ?? "")).toEqual([
      { model: "sim-small", ...MAYBE, outcome: "status_500", status: 500 },
    ]);
    expect(first.upstream.stats().requests).toBe(1);
  });

  test("a provider that is slow between its words but never silent for long is let be", async () => {
    // Far longer than the idle clock in all, never near it between two words.
    first.upstream.script(`tokens=20&token_delay_ms=${SHORT_MS / 5}`);
    const reply = await chat(tollgate.url, { token, body: { stream: true } });
    expect(eventsOf(reply.text).at(-1)).toBe("[DONE]");
    expect(reply.headers.get("x-tollgate-attempts")).toBe("1");
  });
});

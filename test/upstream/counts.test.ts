/**
 * The truth: what the simulated provider counted, remembered and tells, in process and over HTTP.
 */

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { startUpstream } from "../../bench/upstream/server.ts";
import { at, jsonOf, messages, post, postChat, upstreamForFile } from "./harness.ts";
import { chatBody, converse, exchange } from "./raw-client.ts";

const upstream = await upstreamForFile();
const { port } = upstream;

const nothing = {
  requests: 0,
  inFlight: 0,
  inFlightMax: 0,
  completed: 0,
  closedEarly: 0,
  cut: 0,
  requestBytes: 0,
  bodyBytesSent: 0,
  tokensGenerated: 0,
  promptTokensReported: 0,
  completionTokensReported: 0,
  byPath: {},
  byModel: {},
  byStatus: {},
};

test("everything is counted once, by path, model and status", async () => {
  expect(upstream.stats()).toEqual(nothing);
  const body = JSON.stringify({ model: "sim-small?tokens=3", messages });
  const ok = await exchange({ port, body });
  const refused = await exchange({ port, body: "{" });
  const lost = await exchange({ port, method: "GET", path: "/v1/nothing?query=1", body: "" });
  const cut = await exchange({ port, body, script: "cut_at=5" });
  await exchange({ port, body, script: "connection_reset=1" });
  const stats = await upstream.until(({ requests, inFlight }) => requests === 5 && inFlight === 0);
  expect(stats).toEqual({
    requests: 5,
    inFlight: 0,
    inFlightMax: 1,
    completed: 3,
    closedEarly: 0,
    cut: 2,
    requestBytes: 3 * body.length + 1,
    bodyBytesSent: [ok, refused, lost, cut].reduce((sum, { body: sent }) => sum + sent.length, 0),
    tokensGenerated: 6,
    promptTokensReported: 4,
    completionTokensReported: 3,
    byPath: { "/v1/chat/completions": 4, "/v1/nothing": 1 },
    byModel: { "sim-small": 3 },
    byStatus: { "200": 2, "400": 1, "404": 1 },
  });
});

test("requests in flight are counted while they are, and their maximum is kept", async () => {
  const conversations = await Promise.all(
    Array.from({ length: 30 }, () => converse({ port, script: "hang=1" })),
  );
  expect((await upstream.until(({ inFlight }) => inFlight === 30)).inFlightMax).toBe(30);
  for (const conversation of conversations) {
    conversation.close();
  }
  const after = await upstream.until(({ inFlight }) => inFlight === 0);
  expect(after).toMatchObject({ inFlightMax: 30, closedEarly: 30, completed: 0, requests: 30 });
});

describe("a client that goes away early is seen", () => {
  const cases: [when: string, script: string, stream: boolean][] = [
    ["before the headers", "headers_delay_ms=60000", false],
    ["before the first token", "first_token_delay_ms=60000", true],
    ["between tokens", "tokens=5&token_delay_ms=60000", true],
    ["while a plain answer is made", "tokens=5&token_delay_ms=60000", false],
    ["during a pause between two writes", "split_at=10&split_pause_ms=60000", true],
  ];
  test.each(cases)("%s", async (_when, script, stream) => {
    const abort = new AbortController();
    const headers = { "x-sim-script": script };
    const answer = postChat(upstream, { model: "sim-small", stream }, headers, abort.signal)
      .then((response) => response.text())
      .catch((error: unknown) => at(error, "name"));
    await upstream.until(({ requestBytes }) => requestBytes > 0);
    abort.abort();
    expect(await answer).toBe("AbortError");
    const stats = await upstream.until(({ inFlight }) => inFlight === 0);
    expect(stats).toMatchObject({ closedEarly: 1, completed: 0, cut: 0 });
    const [received] = upstream.requests();
    expect(received).toMatchObject({ isClosedEarly: true, isCompleted: false, isCut: false });
    expect(Number(received?.endedAtMs) - Number(received?.receivedAtMs)).toBeLessThan(60_000);
  });

  test("while it is still sending its request", async () => {
    const conversation = await converse({ port, headers: { "content-length": "500" } });
    await upstream.until(({ inFlight }) => inFlight === 1);
    conversation.close();
    const stats = await upstream.until(({ inFlight }) => inFlight === 0);
    expect(stats).toMatchObject({ requests: 1, closedEarly: 1, requestBytes: 0, byStatus: {} });
  });

  test("with a large answer only partly read", async () => {
    const script = "tokens=100&token_bytes=100000";
    const conversation = await converse({ port, script }, { paused: true });
    await upstream.until(({ byStatus }) => byStatus["200"] === 1);
    conversation.close();
    const stats = await upstream.until(({ inFlight }) => inFlight === 0);
    expect(stats).toMatchObject({ closedEarly: 1, completed: 0 });
  });
});

test("a request is remembered with all that became of it", async () => {
  const body = JSON.stringify({ ...chatBody, model: "sim-small?tokens=2", stream: true });
  const script = "prompt_tokens=9";
  const answer = await exchange({ port, body, script, headers: { authorization: "Bearer abc" } });
  await upstream.until(({ completed }) => completed === 1);
  const [received, ...others] = upstream.requests();
  expect(others).toEqual([]);
  const { number, receivedAtMs = 0, firstByteAtMs = 0, endedAtMs = 0, ...rest } = { ...received };
  expect(Number.isSafeInteger(number)).toBe(true);
  expect([receivedAtMs <= firstByteAtMs, firstByteAtMs <= endedAtMs]).toEqual([true, true]);
  expect(rest).toEqual({
    method: "POST",
    path: "/v1/chat/completions",
    headers: {
      host: "localhost",
      "content-length": String(body.length),
      "x-sim-script": script,
      authorization: "Bearer abc",
    },
    bodyBytes: body.length,
    body: undefined,
    model: "sim-small",
    script: "tokens=2&prompt_tokens=9",
    isStream: true,
    status: 200,
    tokensGenerated: 2,
    promptTokens: 4,
    usage: undefined,
    bodyBytesSent: answer.body.byteLength,
    isCompleted: true,
    isClosedEarly: false,
    isCut: false,
  });
});

/** What the answers cut just after, just before and not at all behind the usage reported. */
async function reportedFor(script: string, body: object): Promise<unknown> {
  const length = (await exchange({ port, script, body })).body.byteLength;
  upstream.reset();
  const cutAt = length - "data: [DONE]\n\n".length;
  await exchange({ port, body, script: `${script}&cut_at=${cutAt}` });
  await exchange({ port, body, script: `${script}&cut_at=${cutAt - 1}` });
  await exchange({ port, body, script });
  await upstream.until(({ requests, inFlight }) => requests === 3 && inFlight === 0);
  return upstream.requests().map((received) => received.usage);
}

describe("usage counts as reported", () => {
  const options = { stream: true, stream_options: { include_usage: true } };
  const usage = { promptTokens: 4, completionTokens: 2 };
  test("once all bytes that say so were sent", async () => {
    const body = { ...chatBody, ...options };
    expect(await reportedFor("tokens=2", body)).toEqual([usage, undefined, usage]);
    const paced = "tokens=2&token_delay_ms=1";
    expect(await reportedFor(paced, body)).toEqual([usage, undefined, usage]);
  });

  test("never when the client did not ask or the script omits it", async () => {
    const none = [undefined, undefined, undefined];
    expect(await reportedFor("tokens=2", { ...chatBody, stream: true })).toEqual(none);
    expect(await reportedFor("tokens=2&omit_usage=1", { ...chatBody, ...options })).toEqual(none);
  });

  test("for a plain answer when it is complete", async () => {
    expect(await reportedFor("tokens=2", chatBody)).toEqual([undefined, undefined, usage]);
  });
});

test("a reset forgets the past but not what is in flight", async () => {
  const conversation = await converse({ port, script: "hang=1" });
  await upstream.until(({ requestBytes }) => requestBytes > 0);
  upstream.reset();
  expect(upstream.stats()).toEqual({ ...nothing, inFlight: 1, inFlightMax: 1 });
  expect(upstream.requests()).toEqual([]);
  conversation.close();
  const after = await upstream.until(({ inFlight }) => inFlight === 0);
  expect(after).toEqual({ ...nothing, inFlightMax: 1 });
});

test("a wait that is not fulfilled fails with what was seen", async () => {
  const waiting = upstream.until(({ requests }) => requests === 7, 5);
  expect(await waiting.catch(String)).toContain('did not come to this within 5 ms: {"requests":0');
});

test("only the last requests are remembered, in the order of arrival", async () => {
  const small = await startUpstream({ requestsMax: 3 });
  for (let request = 0; request < 8; request += 1) {
    await exchange({ port: small.port, path: `/v1/${request}` });
  }
  const paths = small.requests().map(({ path }) => path);
  await small.stop();
  expect([paths, small.stats().requests]).toEqual([["/v1/5", "/v1/6", "/v1/7"], 8]);
});

test("bodies are kept byte for byte when asked, raw in process", async () => {
  const keeping = await startUpstream({ keepBodies: true });
  const bodies = ['{"model" : "sim-small",  "x":1.0e2}', '{"model":"🙂"}', "", "x".repeat(300_000)];
  for (const body of bodies) {
    await exchange({ port: keeping.port, body });
  }
  const kept = keeping.requests().map(({ body }) => Buffer.from(body ?? []).toString());
  await keeping.stop();
  expect(kept).toEqual(bodies);
});

test("names that clients invent do not grow the counters without end", async () => {
  for (let name = 0; name < 1_100; name += 1) {
    await post(upstream, `/v1/${name}`, "{}");
  }
  const { byPath, requests } = upstream.stats();
  expect([Object.keys(byPath).length, byPath["(other)"], requests]).toEqual([1_001, 100, 1_100]);
});

test("what a request says of itself is remembered at a bounded length", async () => {
  const model = `${"m".repeat(1_000)}?body=${"x".repeat(5_000)}`;
  await exchange({ port, body: { ...chatBody, model } });
  const [received] = upstream.requests();
  expect([received?.model.length, received?.script.length]).toEqual([256, 2_048]);
});

test("two simulators cannot share a port", async () => {
  expect(await startUpstream({ port }).catch((error: unknown) => at(error, "code"))).toBe(
    "EADDRINUSE",
  );
});

test("stop drops every connection and frees the port", async () => {
  const first = await startUpstream();
  const conversation = await converse({ port: first.port, script: "hang=1" });
  await first.until(({ requestBytes }) => requestBytes > 0);
  await first.stop();
  expect((await conversation.answer).reads).toEqual([]);
  const second = await startUpstream({ port: first.port });
  expect(second.url).toBe(first.url);
  await second.stop();
});

test("a chunked and a very large request body arrive whole", async () => {
  const large = new Uint8Array(64 * 1_024 * 1_024).fill(32);
  const response = await fetch(`${upstream.url}/v1/x`, { method: "POST", body: large });
  expect([response.status, upstream.stats().requestBytes]).toEqual([404, large.byteLength]);
  const body = new Blob([JSON.stringify({ ...chatBody, model: "sim-small?echo=1" })]).stream();
  const echo = await jsonOf(fetch(`${upstream.url}/v1/chat/completions`, { method: "POST", body }));
  const text = JSON.stringify({ ...chatBody, model: "sim-small?echo=1" });
  const hash = createHash("sha256").update(text).digest("hex");
  expect(at(echo, "choices", 0, "message", "content")).toBe(`sha256:${hash} bytes:${text.length}`);
});

test("a body beyond 256 MiB is refused with 413", async () => {
  const body = new Uint8Array(256 * 1_024 * 1_024 + 1);
  const response = await fetch(`${upstream.url}/v1/chat/completions`, { method: "POST", body });
  expect([response.status, at(await response.json(), "error", "message")]).toEqual([
    413,
    "The body is too large.",
  ]);
});

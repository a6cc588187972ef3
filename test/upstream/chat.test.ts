/**
 * Chat completions, shaped exactly as OpenAI's, plain and streamed.
 */

import { describe, expect, test } from "bun:test";
import { at, jsonOf, messages, post, postChat, upstreamForFile } from "./harness.ts";
import { eventsOf } from "./raw-client.ts";

const upstream = await upstreamForFile();
const nowSeconds = Math.floor(Date.now() / 1_000);

const noDetails = {
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
};

/** Sets aside what differs from run to run, after checking that it is what it claims to be. */
function withoutVolatile(value: unknown): unknown {
  expect(at(value, "id")).toMatch(/^chatcmpl-sim\d{21}$/u);
  expect(Number(at(value, "created"))).toBeGreaterThanOrEqual(nowSeconds);
  return { ...Object(value), id: "ID", created: 0 };
}

async function streamOf(body: object, headers: Record<string, string> = {}): Promise<unknown[]> {
  const response = await postChat(upstream, { stream: true, ...body }, headers);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  return eventsOf(await response.text()).map((event) =>
    event === "[DONE]" ? event : withoutVolatile(JSON.parse(event)),
  );
}

function chunk(choice: object, more: object = {}): object {
  return {
    id: "ID",
    object: "chat.completion.chunk",
    created: 0,
    model: "sim-small",
    service_tier: "default",
    system_fingerprint: "fp_simulated",
    choices: [{ index: 0, logprobs: null, finish_reason: null, ...choice }],
    ...more,
  };
}

const opening = chunk({ delta: { role: "assistant", content: "", refusal: null } });

test("a plain answer is one completion with its usage", async () => {
  const answer = await jsonOf(postChat(upstream, { model: "sim-small?tokens=3" }));
  expect(withoutVolatile(answer)).toEqual({
    id: "ID",
    object: "chat.completion",
    created: 0,
    model: "sim-small",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: "lorem ipsum dolor",
          refusal: null,
          annotations: [],
        },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 4, completion_tokens: 3, total_tokens: 7, ...noDetails },
    service_tier: "default",
    system_fingerprint: "fp_simulated",
  });
});

test("a stream opens with the role, sends a chunk per token, closes with the reason and [DONE]", async () => {
  expect(await streamOf({ model: "sim-small?tokens=2" })).toEqual([
    opening,
    chunk({ delta: { content: "lorem" } }),
    chunk({ delta: { content: " ipsum" } }),
    chunk({ delta: {}, finish_reason: "stop" }),
    "[DONE]",
  ]);
});

test("a stream reports usage only when asked, in a chunk without choices before [DONE]", async () => {
  const usage = { prompt_tokens: 4, completion_tokens: 1, total_tokens: 5, ...noDetails };
  const none = { usage: null };
  const asked = { model: "sim-small?tokens=1", stream_options: { include_usage: true } };
  expect(await streamOf(asked)).toEqual([
    chunk({ delta: { role: "assistant", content: "", refusal: null } }, none),
    chunk({ delta: { content: "lorem" } }, none),
    chunk({ delta: {}, finish_reason: "stop" }, none),
    chunk({}, { choices: [], usage }),
    "[DONE]",
  ]);
});

test("several choices share a stream, each with its own index, and are all counted", async () => {
  const body = { model: "sim-small?tokens=1", n: 2, stream_options: { include_usage: true } };
  const events = await streamOf(body);
  const seen = events.map((event) => [
    at(event, "choices", 0, "index"),
    at(event, "choices", 0, "delta", "content"),
    at(event, "choices", 0, "finish_reason"),
    at(event, "usage", "completion_tokens"),
  ]);
  expect(seen).toEqual([
    [0, "", null, undefined],
    [1, "", null, undefined],
    [0, "lorem", null, undefined],
    [1, "lorem", null, undefined],
    [0, undefined, "stop", undefined],
    [1, undefined, "stop", undefined],
    [undefined, undefined, undefined, 2],
    [undefined, undefined, undefined, undefined],
  ]);
  const plain = await jsonOf(postChat(upstream, { model: "sim-small?tokens=2", n: 3 }));
  expect(at(plain, "choices")).toHaveLength(3);
  expect(at(plain, "usage", "completion_tokens")).toBe(6);
});

describe("the output limit", () => {
  const cases: [name: string, body: object, tokens: number, finish: string][] = [
    ["cuts", { max_tokens: 5 }, 5, "length"],
    [
      "cuts under its newer name, which wins",
      { max_completion_tokens: 3, max_tokens: 9 },
      3,
      "length",
    ],
    ["leaves what just fits", { max_tokens: 16 }, 16, "stop"],
    ["is none by default", {}, 16, "stop"],
  ];
  test.each(cases)("%s", async (_name, body, tokens, finish) => {
    const plain = await jsonOf(postChat(upstream, { model: "sim-small", ...body }));
    expect([
      at(plain, "usage", "completion_tokens"),
      at(plain, "choices", 0, "finish_reason"),
    ]).toEqual([tokens, finish]);
    const events = await streamOf({ model: "sim-small", ...body });
    expect([events.length - 3, at(events.at(-2), "choices", 0, "finish_reason")]).toEqual([
      tokens,
      finish,
    ]);
  });
});

describe("the prompt's tokens are a quarter of its characters", () => {
  const text = { type: "text", text: "12345" };
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const cases: [name: string, content: unknown, tokens: number][] = [
    ["a text, rounded up", "12345", 2],
    ["an empty text counts one", "", 1],
    ["no content counts one", null, 1],
    ["parts are summed, images count nothing", [text, image, text], 3],
  ];
  test.each(cases)("%s", async (_name, content, tokens) => {
    const body = { model: "sim-small", messages: [{ role: "user", content }] };
    const answer = await jsonOf(post(upstream, "/v1/chat/completions", body));
    expect(at(answer, "usage", "prompt_tokens")).toBe(tokens);
  });
});

describe("the models", () => {
  const cases: [model: string, tokens: number][] = [
    ["sim-small", 16],
    ["sim-large", 256],
    ["gpt-4o-mini", 16],
    ["some/other:model", 16],
  ];
  test.each(cases)("%s answers with its number of tokens", async (model, tokens) => {
    const answer = await jsonOf(postChat(upstream, { model }));
    expect([at(answer, "model"), at(answer, "usage", "completion_tokens")]).toEqual([
      model,
      tokens,
    ]);
  });
});

describe("a request that OpenAI would refuse", () => {
  const ok = { model: "sim-small", messages };
  const cases: [name: string, body: object | string, status: number, param: string | null][] = [
    ["no JSON", "{", 400, null],
    ["not an object", "[]", 400, null],
    ["nested beyond reason", "[".repeat(100_000), 400, null],
    ["no model", { messages }, 400, "model"],
    ["a model of the wrong kind", { ...ok, model: 3 }, 400, "model"],
    ["no messages", { model: "sim-small" }, 400, "messages"],
    ["an empty list of messages", { ...ok, messages: [] }, 400, "messages"],
    ["a message without role", { ...ok, messages: [{ content: "x" }] }, 400, "messages[0].role"],
    ["a role nobody knows", { ...ok, messages: [{ role: "god" }] }, 400, "messages[0].role"],
    ["max_tokens 0", { ...ok, max_tokens: 0 }, 400, "max_tokens"],
    [
      "max_completion_tokens 1.5",
      { ...ok, max_completion_tokens: 1.5 },
      400,
      "max_completion_tokens",
    ],
    ["n 129", { ...ok, n: 129 }, 400, "n"],
    ["stream 'yes'", { ...ok, stream: "yes" }, 400, "stream"],
    ["stream_options without stream", { ...ok, stream_options: {} }, 400, "stream_options"],
    ["a simulated model that does not exist", { ...ok, model: "sim-huge" }, 404, null],
    ["an unknown script member", { ...ok, model: "sim-small?speed=9" }, 400, "model"],
  ];
  test.each(cases)("%s", async (_name, body, status, param) => {
    const response = await post(upstream, "/v1/chat/completions", body);
    const error = at(await response.json(), "error");
    expect([response.status, at(error, "param"), at(error, "type")]).toEqual([
      status,
      param,
      "invalid_request_error",
    ]);
  });
});

test("a body that is no UTF-8 is refused", async () => {
  const body = Uint8Array.from([...Buffer.from('{"model":"'), 0xff, ...Buffer.from('"}')]);
  const response = await fetch(`${upstream.url}/v1/chat/completions`, { method: "POST", body });
  expect(response.status).toBe(400);
});

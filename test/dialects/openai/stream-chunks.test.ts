/** What a watch makes of single chunks: content, usage, errors and the tokens it saw. */
import { describe, expect, test } from "bun:test";
import type { Usage } from "../../../src/dialects/usage-contract.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import { watchAll, type Watched } from "../streams.ts";

const encoder = new TextEncoder();

function watched(text: string, keepUsage = false): Watched {
  return watchAll(chatCodec.watch({ usageAsked: keepUsage, choices: 1 }), [encoder.encode(text)]);
}

/** One event of a stream, from a chunk. */
function event(chunk: unknown): string {
  return `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`;
}

function delta(content: unknown, finish: string | null = null): string {
  return event({ choices: [{ index: 0, delta: content, finish_reason: finish }] });
}

const tokens = (input: number, output: number, cached = 0, reasoning = 0): Usage => ({
  inputTokens: input,
  outputTokens: output,
  cachedInputTokens: cached,
  reasoningTokens: reasoning,
  details: null,
});

/** A usage object as providers write it. */
function report(input: number, output: number): unknown {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

describe("content", () => {
  test.each([
    ["text", delta({ content: "a" })],
    ["a list of parts", delta({ content: [{ type: "text", text: "a" }] })],
    ["reasoning", delta({ reasoning_content: "a" })],
    ["reasoning by its other name", delta({ reasoning: "a" })],
    ["a refusal", delta({ refusal: "No" })],
    ["a tool call", delta({ tool_calls: [{ index: 0, function: { arguments: "" } }] })],
    ["a function call", delta({ function_call: { name: "f", arguments: "" } })],
    ["sound", delta({ audio: { id: "audio_1", data: "AAAA" } })],
    ["a finish", delta({}, "stop")],
    ["a second choice", event({ choices: [{ delta: {} }, { delta: { content: "b" } }] })],
    [
      "an event with a name",
      `event: message\r\ndata: {"choices":[{"delta":{"content":"a"}}]}\r\n\r\n`,
    ],
  ])("is %s", (_, text) => {
    const { hasContent, outputTokensSeen, forwarded } = watched(text);
    expect({ hasContent, outputTokensSeen, forwarded }).toEqual({
      hasContent: true,
      outputTokensSeen: 1,
      forwarded: text,
    });
  });

  test.each([
    ["a role", delta({ role: "assistant" })],
    ["empty text", delta({ role: "assistant", content: "", refusal: null, tool_calls: [] })],
    ["an empty delta", delta({})],
    ["a delta that is null", event({ choices: [{ delta: null }] })],
    ["no choice", event({ choices: [], prompt_filter_results: [] })],
    ["choices that are none", event({ choices: { content: "a" } })],
    ["a comment", ": processing\n\n"],
    ["the terminator", event("[DONE]")],
    ["something that is not JSON", event('{"choices":[{"delta":{"content":"a"}')],
    [
      "an error",
      event({ error: { message: "no" }, choices: [{ delta: {}, finish_reason: "error" }] }),
    ],
    ["an event without data", "event: message\nid: 7\n\n"],
    ["half an event", 'data: {"choices":[{"delta":{"content":"a"}}]}\n'],
  ])("is not %s", (_, text) => {
    expect(watched(text).hasContent).toBe(false);
  });
});

describe("usage", () => {
  const usageChunk = event({ choices: [], usage: report(1, 2) });

  test("that comes twice counts as it came last, and both chunks are taken out", () => {
    const last = event({ choices: [], usage: report(3, 4) });
    const { usage, forwarded } = watched(
      delta({ content: "a" }) + usageChunk + last + event("[DONE]"),
    );
    expect({ usage, forwarded }).toEqual({
      usage: tokens(3, 4),
      forwarded: delta({ content: "a" }) + event("[DONE]"),
    });
  });

  test("glued on content is read and stays where it is", () => {
    const glued = event({ choices: [{ delta: { content: "a" } }], usage: report(5, 6) });
    const finish = event({ choices: [{ delta: {}, finish_reason: "stop" }], usage: report(5, 7) });
    const { usage, forwarded } = watched(glued + glued + finish);
    expect({ usage, forwarded }).toEqual({
      usage: tokens(5, 7),
      forwarded: glued + glued + finish,
    });
  });

  test.each([
    ["without choices", event({ usage: report(1, 2) })],
    ["with choices that are null", event({ choices: null, usage: report(1, 2) })],
    [
      "in odd spelling",
      'data: {"choices" : [ ] ,"usage"\t:\t{"prompt_tokens":1,"completion_tokens":2}}\n\n',
    ],
    [
      "in two lines",
      'data: {"choices":[],"usage":\ndata: {"prompt_tokens":1,"completion_tokens":2}}\n\n',
    ],
    [
      "behind another usage that is null",
      'data: {"x":{"usage":null},"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n',
    ],
    ["in an event with a name", `event: usage\n${usageChunk}`],
  ])("is read and taken out %s, also after content", (_, chunk) => {
    const { usage, forwarded } = watched(delta({ content: "a" }) + chunk + event("[DONE]"));
    expect({ usage, forwarded }).toEqual({
      usage: tokens(1, 2),
      forwarded: delta({ content: "a" }) + event("[DONE]"),
    });
    expect(watched(chunk).forwarded).toBe("");
  });

  test("that is no usage is none, and later nonsense does not undo it", () => {
    const odd = event({ choices: [], usage: report(-1, 2) });
    expect(watched(odd)).toMatchObject({ usage: null, forwarded: "" });
    expect(watched(usageChunk + odd).usage).toEqual(tokens(1, 2));
    expect(watched(event({ choices: [], usage: null })).forwarded).not.toBe("");
  });

  test("in the text of an answer is text", () => {
    const text = '"usage":{"prompt_tokens":1,"completion_tokens":2}';
    const stream =
      delta({ content: "a" }) + delta({ content: text }) + delta({ content: `{${text}}` });
    expect(watched(stream)).toMatchObject({ usage: null, forwarded: stream });
  });
});

describe("an error of the provider", () => {
  test.each<[string, string, number | null]>([
    ["with a status", '{"error":{"message":"m","status":503}}', 503],
    ["with a code that is a status", '{"error":{"message":"m","code":429}}', 429],
    ["with a status in text", '{"error":{"message":"m","code":"400"}}', 400],
    ["with a status beside it", '{"status_code":500,"error":{"message":"m","code":"oops"}}', 500],
    ["without status", '{"error":{"message":"m","type":"server_error","code":"x"}}', null],
    ["with a code that is no error status", '{"error":{"message":"m","code":200}}', null],
    ["in text", '{"error":"model overloaded"}', null],
    ["bare", '{"object":"error","message":"m","code":400}', 400],
    ["beside a choice", '{"error":{"code":502},"choices":[{"delta":{"content":"a"}}]}', 502],
  ])("%s is kept as it came, before and after content", (_, body, status) => {
    expect(watched(event(body))).toMatchObject({ failure: { body, status }, hasContent: false });
    const stream = delta({ content: "a" }) + event(body);
    expect(watched(stream)).toMatchObject({ failure: { body, status }, forwarded: stream });
  });

  test("may be told by the event's name alone", () => {
    const named = "event: error\ndata: overloaded\n\n";
    const failure = { body: "overloaded", status: null };
    expect(watched(named).failure).toEqual(failure);
    expect(watched(delta({ content: "a" }) + named).failure).toEqual(failure);
    expect(watched('event: error\ndata: {"message":"m"}\n\n').failure).toEqual({
      body: '{"message":"m"}',
      status: null,
    });
  });

  test("is none when its member is empty, and the first of several counts", () => {
    expect(watched(event({ error: null, choices: [] })).failure).toBeNull();
    expect(watched(event({ error: "", choices: [] })).failure).toBeNull();
    expect(watched(delta({ content: '"error"' }) + delta({ content: "error" })).failure).toBeNull();
    const stream = event({ error: { code: 500 } }) + event({ error: { code: 503 } });
    expect(watched(stream).failure).toEqual({ body: '{"error":{"code":500}}', status: 500 });
  });
});

describe("output tokens seen", () => {
  test("are one for each delta with text, or more where much text comes at once", () => {
    const short = Array.from({ length: 7 }, () => delta({ content: "a" })).join("");
    expect(watched(delta({ role: "assistant", content: "" }) + short).outputTokensSeen).toBe(7);
    expect(watched(short + delta({ content: "x".repeat(400) })).outputTokensSeen).toBe(102);
  });

  test("are counted for every choice, reasoning, refusal and argument, but not for labels", () => {
    const both = event({ choices: [{ delta: { content: "a" } }, { delta: { content: "b" } }] });
    expect(watched(both).outputTokensSeen).toBe(2);
    const call = { index: 0, id: "x".repeat(99), type: "function", function: { arguments: "{}" } };
    expect(watched(delta({ role: "assistant", tool_calls: [call] })).outputTokensSeen).toBe(1);
    const audio = { id: "audio_1", data: "A".repeat(4_000), transcript: "hi" };
    expect(watched(delta({ audio })).outputTokensSeen).toBe(1);
    const cited = { annotations: [{ url: "x".repeat(80) }], content: "x".repeat(40) };
    expect(watched(delta(cited)).outputTokensSeen).toBe(10);
    const twice = { reasoning: "x".repeat(40), reasoning_details: [{ text: "x".repeat(40) }] };
    expect(watched(delta(twice)).outputTokensSeen).toBe(10);
  });

  test("end with their event, even where its text does not", () => {
    const open = 'data: {"choices":[{"delta":{"content":"xxxxxxx\n\n';
    expect(watched(open + event({ x: "y".repeat(400) })).outputTokensSeen).toBe(2);
  });

  test("do not follow from padding, fingerprints and other members", () => {
    const padded = { choices: [{ delta: { content: "a" } }], obfuscation: "x".repeat(999) };
    expect(watched(event(padded)).outputTokensSeen).toBe(1);
  });
});

test("a reader may use its memory again for the next chunk", () => {
  const watch = chatCodec.watch({ usageAsked: true, choices: 1 });
  watch.push(encoder.encode(delta({ content: "a" })));
  const memory = encoder.encode(event({ usage: null, choices: [], padding: "x".repeat(400) }));
  const usageChunk = event({ choices: [], usage: report(1, 2) });
  for (const text of ["", delta({ content: "b" }), usageChunk, event({ error: { code: 500 } })]) {
    memory.fill(0x0a).set(encoder.encode(text));
    watch.push(memory);
  }
  expect({
    usage: watch.usage(),
    failure: watch.failure(),
    outputTokensSeen: watch.output().tokens,
  }).toEqual({
    usage: tokens(1, 2),
    failure: { body: '{"error":{"code":500}}', status: 500 },
    outputTokensSeen: 2,
  });
});

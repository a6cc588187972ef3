/** Usage of plain answers, in the shapes that providers report it. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Usage } from "../../../src/dialects/usage-contract.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";

const encoder = new TextEncoder();

function usageOf(answer: string): Usage | null | undefined {
  return chatCodec.usage(encoder.encode(answer));
}

/** Usage of a chat answer that reports these members. */
function chatUsage(usage: unknown): Usage | null | undefined {
  const choices = [{ index: 0, message: { role: "assistant", content: 'the "usage":{}' } }];
  return usageOf(JSON.stringify({ id: "chatcmpl-1", choices, usage, service_tier: "default" }));
}

function tokens(input: number, output: number, cached = 0, reasoning = 0): Usage {
  return {
    inputTokens: input,
    outputTokens: output,
    cachedInputTokens: cached,
    reasoningTokens: reasoning,
    details: null,
  };
}

const full = {
  prompt_tokens: 100,
  completion_tokens: 50,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 30, audio_tokens: 0 },
};

describe("usage of a chat answer", () => {
  test.each<[string, unknown, Usage]>([
    ["OpenAI's", full, tokens(100, 50, 64, 30)],
    [
      "a local server's",
      { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
      tokens(7, 3),
    ],
    ["without total", { prompt_tokens: 7, completion_tokens: 3 }, tokens(7, 3)],
    ["zeros", { prompt_tokens: 0, completion_tokens: 0 }, tokens(0, 0)],
    [
      "numbers with a fraction of zero",
      { prompt_tokens: 7.0, completion_tokens: -0 },
      tokens(7, 0),
    ],
    [
      "details that are null",
      { ...full, prompt_tokens_details: null, completion_tokens_details: null },
      tokens(100, 50),
    ],
    [
      "parts larger than their whole",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 11 },
        completion_tokens_details: { reasoning_tokens: 6 },
      },
      tokens(10, 5, 10, 5),
    ],
    [
      "DeepSeek's cache hits",
      { ...full, prompt_tokens_details: null, prompt_cache_hit_tokens: 40 },
      tokens(100, 50, 40, 30),
    ],
    [
      "xAI's reasoning beside the completion",
      { ...full, total_tokens: 180 },
      tokens(100, 80, 64, 30),
    ],
    ["a total that fits nothing", { ...full, total_tokens: 9_999 }, tokens(100, 50, 64, 30)],
  ])("%s is read", (_, usage, expected) => {
    expect(chatUsage(usage)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["missing", undefined],
    ["a list", [full]],
    ["a number", 150],
    ["empty", {}],
    ["negative input", { ...full, prompt_tokens: -1 }],
    ["negative output", { ...full, completion_tokens: -1 }],
    ["a fraction", { ...full, completion_tokens: 0.5 }],
    ["text", { ...full, prompt_tokens: "100" }],
    ["absurdly much", { ...full, completion_tokens: 2 ** 31 }],
    ["a detail that is negative", { ...full, prompt_tokens_details: { cached_tokens: -5 } }],
    ["a detail that is text", { ...full, completion_tokens_details: { reasoning_tokens: "9" } }],
    ["no output", { prompt_tokens: 5, total_tokens: 5 }],
    ["no input", { completion_tokens: 5 }],
  ])("that is %s is none", (_, usage) => {
    expect(chatUsage(usage)).toBeNull();
  });

  test("that JSON spells -0 is an ordinary zero", () => {
    const usage = usageOf('{"choices":[],"usage":{"prompt_tokens":-0,"completion_tokens":-0}}');
    expect([usage?.inputTokens, usage?.outputTokens].every((count) => Object.is(count, 0))).toBe(
      true,
    );
  });

  test("that is absurdly long is none", () => {
    expect(chatUsage({ ...full, note: "x".repeat(15_000) })).toEqual(tokens(100, 50, 64, 30));
    expect(chatUsage({ ...full, note: "x".repeat(17_000) })).toBeNull();
  });

  test("counts in its own place only", () => {
    const elsewhere = { x_groq: { usage: full }, choices: [{ usage: full }] };
    expect(usageOf(JSON.stringify(elsewhere))).toBeNull();
    expect(
      usageOf('{"choices":[],"us\\u0061ge":{"prompt_tokens":1,"completion_tokens":2}}'),
    ).toEqual(tokens(1, 2));
  });

  test("may be infinite in JSON, and is none then", () => {
    expect(
      usageOf('{"choices":[],"usage":{"prompt_tokens":1e999,"completion_tokens":2}}'),
    ).toBeNull();
  });
});

describe("usage of embeddings", () => {
  test.each([
    ["OpenAI", { prompt_tokens: 8, total_tokens: 8 }],
    ["Voyage AI", { total_tokens: 8 }],
  ])("has no output (%s)", (_, usage) => {
    const list = { object: "list", data: [{ embedding: [0.1, -2e-3] }], model: "e" };
    expect(usageOf(JSON.stringify({ ...list, usage }))).toEqual(tokens(8, 0));
  });
});

describe("an answer", () => {
  test.each([
    ["nothing", ""],
    ["HTML", "<html><body>Bad Gateway</body></html>"],
    ["cut off", '{"choices":[{"message":{"content":"hel'],
    ["cut off behind its usage", '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}'],
    ["broken in its usage", '{"choices":[],"usage":{"prompt_tokens":1,,}}'],
    ["a stream", 'data: {"choices":[]}\n\n'],
    ["a list", "[]"],
  ])("that is %s has no usage to read", (_, answer) => {
    expect(usageOf(answer)).toBeUndefined();
  });

  test("may begin with a byte order mark and nest deeper than a client's body", () => {
    const deep = `"x":${"[".repeat(1_000)}${"]".repeat(1_000)}`;
    expect(
      usageOf(`\uFEFF{${deep},"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`),
    ).toEqual(tokens(1, 2));
  });

  test("never throws, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        chatCodec.usage(bytes);
        expect(chatCodec.output(bytes).tokens).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("without usage is worth the text of its messages", () => {
    const seen = (answer: unknown): number =>
      chatCodec.output(encoder.encode(JSON.stringify(answer))).tokens;
    const message = {
      role: "assistant",
      content: "x".repeat(40),
      refusal: null,
      annotations: [{ url: "x".repeat(80) }],
    };
    const logprobs = { content: [{ token: "x".repeat(400) }] };
    expect(seen({ choices: [{ message, logprobs }] })).toBe(10);
    expect(seen({ choices: [{ message: { content: "a" } }, { message: { content: "b" } }] })).toBe(
      2,
    );
    expect(seen({ choices: [{ message: { role: "assistant", content: "" } }] })).toBe(0);
    expect(seen({ error: { message: "x".repeat(40) } })).toBe(0);
    expect(seen({ data: [{ embedding: "x".repeat(40) }] })).toBe(0);
    expect(
      chatCodec.output(encoder.encode('{"choices":[{"message":{"content":"12345678')).tokens,
    ).toBe(2);
  });
});

/** Guarantee: several attempts at one answer are one stream to the client, however they are cut. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ContinuableWatch } from "../../../src/dialects/contract.ts";
import type { Usage } from "../../../src/dialects/usage-contract.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import { acceptedChat } from "./accepted-chat.ts";

const FIRST = { id: "one", object: "chat.completion.chunk", created: 1, model: "m-1" };
const SECOND = { ...FIRST, id: "two", created: 2, model: "m-2", system_fingerprint: "fp" };
const BEFORE: Usage = {
  inputTokens: 7,
  outputTokens: 2,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  details: null,
};

function event(
  labels: object,
  delta: object,
  finish: string | null = null,
  more: object = {},
): string {
  const choices = [{ index: 0, delta, finish_reason: finish, ...more }];
  return `data: ${JSON.stringify({ ...labels, choices })}\n\n`;
}

function usageEvent(labels: object): string {
  const usage = { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 };
  return `data: ${JSON.stringify({ ...labels, choices: [], usage })}\n\n`;
}

const BROKEN =
  event(FIRST, { role: "assistant", content: "" }) +
  event(FIRST, { content: "Grüß" }) +
  event(FIRST, { content: " 😀" });
const REST =
  event(SECOND, { role: "assistant", content: "" }) +
  ": ping\n\n" +
  event(SECOND, { content: " Gott" }) +
  event(SECOND, { content: "", refusal: null }, "stop") +
  usageEvent(SECOND) +
  "data: [DONE]\n\n";

function watchOf(more: object = {}): ContinuableWatch {
  const body = { stream: true, stream_options: { include_usage: true }, ...more };
  const watch = chatCodec.watchContinuable(acceptedChat(body));
  if (watch === null) throw new Error("not continuable");
  return watch;
}

function pushed(watch: ContinuableWatch, text: string, sizes: readonly number[] = []): string {
  const bytes = new TextEncoder().encode(text);
  const out: Uint8Array[] = [];
  let at = 0;
  for (let each = 0; at < bytes.length; each += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[each % sizes.length] ?? 1);
    out.push(...watch.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat(out).toString();
}

type Chunk = { readonly usage?: object; readonly choices: readonly { readonly delta: Delta }[] };
type Delta = { readonly role?: string; readonly content?: string };

function chunksOf(text: string): (Chunk & Record<string, unknown>)[] {
  return text
    .split("\n\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));
}

function textOf(text: string): string {
  return chunksOf(text)
    .map(({ choices }) => choices[0]?.delta.content ?? "")
    .join("");
}

describe("a stream that another attempt goes on with", () => {
  test("passes the first attempt's events as they came, and knows their text", () => {
    const watch = watchOf();
    expect(pushed(watch, BROKEN)).toBe(BROKEN);
    expect(watch.textSoFar()).toBe("Grüß 😀");
  });

  test("has one identity, one role, one finish, one usage and one terminator", () => {
    const watch = watchOf();
    const first = pushed(watch, BROKEN);
    watch.goOn({ before: BEFORE, repeatsText: false, endsWithFinish: false });
    const second = pushed(watch, REST);
    const chunks = chunksOf(first + second);
    expect(textOf(first + second)).toBe("Grüß 😀 Gott");
    expect(chunks.map(({ id, created, model }) => [id, created, model])).toEqual(
      chunks.map(() => ["one", 1, "m-1"]),
    );
    expect(chunks.some((chunk) => "system_fingerprint" in chunk)).toBe(false);
    expect(chunks.filter(({ choices }) => choices[0]?.delta.role !== undefined)).toHaveLength(1);
    expect(chunks.flatMap(({ usage }) => usage ?? [])).toEqual([
      { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    ]);
    expect(second.match(/"finish_reason":"stop"/g)).toHaveLength(1);
    expect(second.endsWith("data: [DONE]\n\n")).toBe(true);
    // What the attempt itself is billed by is what its own provider says.
    expect(watch.usage()).toMatchObject({ inputTokens: 11, outputTokens: 3 });
  });

  test("tells no usage to a client that did not ask for it", () => {
    const watch = watchOf({ stream_options: undefined });
    pushed(watch, BROKEN);
    watch.goOn({ before: BEFORE, repeatsText: false, endsWithFinish: false });
    expect(chunksOf(pushed(watch, REST)).filter((chunk) => "usage" in chunk)).toEqual([]);
    expect(watch.usage()).toMatchObject({ inputTokens: 11, outputTokens: 3 });
  });

  test("leaves out the text that a provider repeats, whole, in parts, or not at all", () => {
    const repeated = [
      ["Grüß 😀 Gott"],
      ["Grüß", " 😀 Go", "tt"],
      ["Grüß 😀", " Gott"],
      [" Gott"],
      ["", "Grüß 😀 Gott"],
    ];
    for (const parts of repeated) {
      const watch = watchOf();
      pushed(watch, BROKEN);
      watch.goOn({ before: BEFORE, repeatsText: true, endsWithFinish: false });
      const events = parts.map((content) => event(SECOND, { content })).join("");
      expect(textOf(pushed(watch, events + event(SECOND, {}, "stop")))).toBe(" Gott");
    }
    const watch = watchOf();
    pushed(watch, BROKEN);
    watch.goOn({ before: BEFORE, repeatsText: true, endsWithFinish: false });
    const short = event(SECOND, { content: "Gr" }) + event(SECOND, { content: "" }, "stop");
    expect(textOf(pushed(watch, short))).toBe("Gr");
  });

  test("ends as the streams of the provider do that goes on with it", () => {
    const withoutTerminator = REST.replace("data: [DONE]\n\n", "");
    for (const endsWithFinish of [true, false]) {
      const watch = watchOf();
      pushed(watch, BROKEN);
      watch.bodyEnded?.();
      expect(watch.hasEnded()).toBe(false);
      watch.goOn({ before: BEFORE, repeatsText: false, endsWithFinish });
      pushed(watch, withoutTerminator);
      watch.bodyEnded?.();
      expect(watch.hasEnded()).toBe(endsWithFinish);
    }
  });

  test("can break off again, with all its text known", () => {
    const watch = watchOf();
    pushed(watch, BROKEN);
    watch.goOn({ before: BEFORE, repeatsText: false, endsWithFinish: false });
    pushed(watch, event(SECOND, { role: "assistant", content: " Gott" }));
    expect(watch.textSoFar()).toBe("Grüß 😀 Gott");
  });

  test("is the same however the network cuts it", () => {
    const whole = watchOf();
    const expected = pushed(whole, BROKEN);
    whole.goOn({ before: BEFORE, repeatsText: true, endsWithFinish: false });
    const rest = pushed(whole, REST);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
        const watch = watchOf();
        expect(pushed(watch, BROKEN, sizes)).toBe(expected);
        watch.goOn({ before: BEFORE, repeatsText: true, endsWithFinish: false });
        expect(pushed(watch, REST, sizes)).toBe(rest);
      }),
    );
  });

  test("keeps back a provider's error, and passes it when asked", () => {
    const watch = watchOf();
    const error = 'data: {"error":{"message":"busy","code":503}}\n\n';
    expect(pushed(watch, BROKEN + error)).toBe(BROKEN);
    expect(watch.failure()).toMatchObject({ status: 503 });
    expect(Buffer.concat(watch.withheld()).toString()).toBe(error);
    expect(watch.textSoFar()).toBe("Grüß 😀");
  });
});

describe("a stream that holds more than text cannot be gone on with", () => {
  test.each([
    ["a tool call", { tool_calls: [{ index: 0, function: { name: "f" } }] }, null, {}],
    ["a refusal", { refusal: "no" }, null, {}],
    ["reasoning", { reasoning_content: "hm" }, null, {}],
    ["sound", { audio: { id: "a" } }, null, {}],
    ["parts", { content: [{ type: "text", text: "x" }] }, null, {}],
    ["log probabilities", { content: "x" }, null, { logprobs: { content: [] } }],
    ["another choice", { content: "x" }, null, { index: 1 }],
    ["a finish", {}, "stop", {}],
  ])("%s", (_what, delta, finish, more) => {
    const watch = watchOf();
    pushed(watch, BROKEN + event(FIRST, delta, finish, more) + event(FIRST, { content: "y" }));
    expect(watch.textSoFar()).toBeNull();
  });

  test("nor one with more text than is kept", () => {
    const watch = watchOf();
    pushed(watch, event(FIRST, { content: "x".repeat(256 * 1024) }));
    expect(watch.textSoFar()).toHaveLength(256 * 1024);
    pushed(watch, event(FIRST, { content: "x" }));
    expect(watch.textSoFar()).toBeNull();
  });
});

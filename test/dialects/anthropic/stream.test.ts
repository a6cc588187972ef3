/** What a stream of a message says of itself, however its bytes are cut. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { watchStream } from "../../../src/dialects/anthropic/stream.ts";
import type { StreamWatch } from "../../../src/dialects/contract.ts";
import { Counts } from "../../../src/dialects/usage-counts.ts";
import {
  blockDelta,
  blockStart,
  ended,
  OVERLOADED,
  PING,
  sse,
  started,
  STOPPED,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
  UNKNOWN_STREAM,
  upTo,
} from "../../conformance/anthropic-answers.ts";
import { cutAt, cutPlaces, joined, LINE_ENDS, singleBytes, watchAll } from "../streams.ts";

const encoder = new TextEncoder();

function watched(text: string): StreamWatch {
  const watch = watchStream();
  watch.push(encoder.encode(text));
  return watch;
}

describe.each([
  ["text", TEXT_STREAM, 25, 15],
  ["thinking and tools", THINKING_TOOLS_STREAM, 2_472, 89],
  ["events that nobody knows", UNKNOWN_STREAM, 25, 4],
])("%s", (_name, text, inputTokens, outputTokens) => {
  test.each(Object.entries(LINE_ENDS))("is forwarded whole, with %s", (_ends, spell) => {
    const bytes = encoder.encode(spell(text));
    const said = watchAll(watchStream(), singleBytes(bytes));
    expect(said).toMatchObject({
      forwarded: spell(text),
      hasContent: true,
      hasEnded: true,
      failure: null,
      usage: { inputTokens, outputTokens },
    });
    fc.assert(
      fc.property(cutPlaces, (places) => {
        expect(watchAll(watchStream(), cutAt(bytes, places))).toEqual(said);
      }),
      { numRuns: 30 },
    );
  });
});

describe("content is", () => {
  const begun = sse([started(), PING]);
  test.each([
    ["not a ping, nor the start of a message", "", false],
    ["not a block of text that is empty", sse([blockStart(0, { type: "text", text: "" })]), false],
    ["not a delta that is empty", sse([blockDelta(0, "text_delta", { text: "" })]), false],
    ["text", sse([blockDelta(0, "text_delta", { text: "a" })]), true],
    ["thinking", sse([blockDelta(0, "thinking_delta", { thinking: "a" })]), true],
    ["a signature", sse([blockDelta(0, "signature_delta", { signature: "a" })]), true],
    ["a call of a tool", sse([blockStart(0, { type: "tool_use", id: "t", name: "f" })]), true],
    ["secret thinking", sse([blockStart(0, { type: "redacted_thinking", data: "E" })]), true],
    ["why the message ended", sse([ended("refusal", { output_tokens: 1 })]), true],
  ])("%s", (_name, more, hasContent) => {
    expect(watched(begun + more).hasContent()).toBe(hasContent);
  });
});

describe("a failure", () => {
  test("is told by an error event, as it came", () => {
    const watch = watched(sse([started(), OVERLOADED]));
    expect(watch.failure()).toEqual({ body: OVERLOADED, status: null });
    expect([watch.hasContent(), watch.hasEnded()]).toEqual([false, false]);
  });

  test("is told behind content, and by the event's name alone", () => {
    const begun = upTo(TEXT_STREAM, "Grüße");
    expect(watched(begun + sse([OVERLOADED])).failure()?.body).toBe(OVERLOADED);
    expect(watched(`${begun}event: error\ndata: it broke\n\n`).failure()?.body).toBe("it broke");
  });

  test("is no text that speaks of one", () => {
    const text = '{"type":"error","error":{"type":"overloaded_error"}}';
    const told = sse([started(), blockDelta(0, "text_delta", { text })]);
    expect(watched(told + told).failure()).toBeNull();
  });
});

describe("usage", () => {
  test("is not known before the end tells it, but the input is", () => {
    const watch = watched(upTo(THINKING_TOOLS_STREAM, "Both cities"));
    expect([watch.usage(), watch.isUsageFinal()]).toEqual([null, false]);
    expect(watch.output().begun).toMatchObject({ inputTokens: 2_472, cachedInputTokens: 2_000 });
  });

  test("counts what the model wrote, and neither signatures nor what was found or cited", () => {
    const watch = watched(THINKING_TOOLS_STREAM);
    expect(watch.output()).toMatchObject({ pieces: 6 });
    expect(watch.output().text()).toBe(
      'Both cities are asked for.I look at both.{"city": "Zürich"}{"city": "東京"}',
    );
  });
});

describe("a stream that is ended at its hold", () => {
  const usage = new Counts().usage({
    inputTokens: 325,
    outputTokens: 9,
    cachedInputTokens: 100,
    cacheWriteTokens: 150,
    cacheWrite1hTokens: 50,
  });
  if (usage === null) throw new Error("these are counts");

  test("closes what has begun, stops for its length, and ends", () => {
    const ending = watched(upTo(TEXT_STREAM, "Grüße")).lengthEnding(usage);
    expect(joined([ending])).toBe(
      `: x-tollgate-stopped: hold_reached

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"input_tokens":25,"cache_creation_input_tokens":200,"cache_read_input_tokens":100,"output_tokens":9}}

event: message_stop
data: {"type":"message_stop"}

`,
    );
  });

  test("closes no block that has ended, and is an end to our own watch", () => {
    const begun = TEXT_STREAM.slice(0, TEXT_STREAM.indexOf("event: message_delta"));
    const ending = joined([watched(begun).lengthEnding(usage)]);
    expect(ending).not.toContain("content_block_stop");
    const whole = watched(begun + ending);
    expect([whole.hasEnded(), whole.usage()]).toEqual([
      true,
      {
        ...usage,
        details: { ...Object(usage.details), cacheWriteTokens: 200, cacheWrite1hTokens: 0 },
      },
    ]);
  });
});

test("the terminator alone ends it", () => {
  const text = TEXT_STREAM.replace(`event: message_stop\ndata: ${STOPPED}\n\n`, "");
  expect([watched(text).hasEnded(), watched(TEXT_STREAM).hasEnded()]).toEqual([false, true]);
});

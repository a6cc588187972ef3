/** Watching a chat stream: what is forwarded, and what is known of it afterwards. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { GatewayError } from "../../../src/base/error.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import {
  cutAt,
  cutPlaces,
  fixture,
  FIXTURES,
  joined,
  LINE_ENDS,
  referenceData,
  singleBytes,
  watchAll,
  type Watched,
} from "../streams.ts";

const encoder = new TextEncoder();

function watched(text: string, keepUsage = false): Watched {
  return watchAll(chatCodec.watch({ usageAsked: keepUsage, choices: 1 }), [encoder.encode(text)]);
}

/** One event of a stream, from a chunk. */
function event(chunk: unknown): string {
  return `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`;
}

/** Whether an event's data is the chunk that a client who did not ask for usage must not get. */
function isUsageData(data: string): boolean {
  if (data === "[DONE]") return false;
  const chunk: { choices: unknown[]; usage?: unknown } = JSON.parse(data);
  return chunk.choices.length === 0 && typeof chunk.usage === "object" && chunk.usage !== null;
}

const tokens = (input: number, output: number, cached = 0, reasoning = 0): unknown => ({
  inputTokens: input,
  outputTokens: output,
  cachedInputTokens: cached,
  reasoningTokens: reasoning,
  details: null,
});

const EXPECTED: Readonly<Record<string, Omit<Watched, "forwarded">>> = {
  "openai-chat-usage.sse": {
    hasContent: true,
    hasEnded: true,
    failure: null,
    usage: tokens(31, 206, 16, 192),
    outputTokensSeen: 15,
  },
  "openai-tools.sse": {
    hasContent: true,
    hasEnded: true,
    failure: null,
    usage: null,
    outputTokensSeen: 21,
  },
  "deepseek-reasoner.sse": {
    hasContent: true,
    hasEnded: true,
    failure: null,
    usage: tokens(40, 12, 32, 5),
    outputTokensSeen: 10,
  },
  "groq-own-usage.sse": {
    hasContent: true,
    hasEnded: true,
    failure: null,
    usage: tokens(44, 4),
    outputTokensSeen: 3,
  },
  "openrouter-error.sse": {
    hasContent: true,
    hasEnded: true,
    failure: {
      body: referenceData(fixture("openrouter-error.sse")).at(-2) ?? "",
      status: 502,
    },
    usage: null,
    outputTokensSeen: 3,
  },
  "azure-filters.sse": {
    hasContent: true,
    hasEnded: true,
    failure: null,
    usage: tokens(19, 4),
    outputTokensSeen: 4,
  },
};

describe.each(FIXTURES.map((name) => [name]))("%s", (name) => {
  const text = fixture(name);

  describe.each(Object.keys(LINE_ENDS))("with line ends of %s", (ends) => {
    const stream = LINE_ENDS[ends]?.(text) ?? text;
    const bytes = encoder.encode(stream);
    const whole = watchAll(chatCodec.watch({ usageAsked: false, choices: 1 }), [bytes]);

    test("is forwarded whole but for the usage chunk, and understood", () => {
      const { forwarded, ...known } = whole;
      expect(known).toEqual(EXPECTED[name] ?? whole);
      // Events are runs of lines up to a blank one; only whole ones may be missing.
      const events = stream.split(/(?<=\n\n|\r\n\r\n|\r\r(?!\n)|\r\n\n|\n\r\n|\r\r\n|\n\r(?!\n))/);
      const kept = events.filter((one) => !referenceData(one).some(isUsageData));
      expect(forwarded).toBe(kept.join(""));
    });

    test("is forwarded to the last byte for a client who asked for usage", () => {
      expect(watchAll(chatCodec.watch({ usageAsked: true, choices: 1 }), [bytes])).toEqual({
        ...whole,
        forwarded: stream,
      });
    });

    test("is the same in single bytes and in any other chunks", () => {
      expect(
        watchAll(chatCodec.watch({ usageAsked: false, choices: 1 }), singleBytes(bytes)),
      ).toEqual(whole);
      fc.assert(
        fc.property(cutPlaces, (places) => {
          expect(
            watchAll(chatCodec.watch({ usageAsked: false, choices: 1 }), cutAt(bytes, places)),
          ).toEqual(whole);
        }),
        { numRuns: 50 },
      );
    });
  });

  test("has not ended at any cut before its terminator is whole", () => {
    const bytes = encoder.encode(text);
    const watch = chatCodec.watch({ usageAsked: false, choices: 1 });
    for (const byte of singleBytes(bytes.subarray(0, bytes.length - 1))) watch.push(byte);
    expect(watch.hasEnded()).toBe(false);
    watch.push(bytes.subarray(bytes.length - 1));
    expect(watch.hasEnded()).toBe(true);
  });
});

describe("a stream that may leave its terminator out", () => {
  const said = (index: number, finish_reason: string | null = null): string =>
    event({ choices: [{ index, delta: { content: "a" }, finish_reason }] });
  const usage = event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } });
  const failure = event({ error: { message: "Oops." } });

  test.each<[string, number, string, ended: boolean]>([
    ["its finish", 1, said(0) + said(0, "stop"), true],
    ["usage after its finish", 1, said(0) + said(0, "stop") + usage, true],
    ["its terminator", 1, `${said(0)}${said(0, "stop")}data: [DONE]\n\n`, true],
    ["the finish of every choice", 2, said(0, "stop") + said(1) + said(1, "length"), true],
    ["the finish of one of two", 2, said(0, "stop") + said(1), false],
    ["text", 1, said(0), false],
    ["usage, and no finish", 1, said(0) + usage, false],
    ["an error after its finish", 1, said(0) + said(0, "stop") + failure, false],
    ["half of its finish", 1, (said(0) + said(0, "stop")).slice(0, -2), false],
    ["nothing", 1, "", false],
  ])("has ended with the body behind %s, or has not", (_what, choices, text, hasEnded) => {
    for (const end of Object.values(LINE_ENDS)) {
      const watch = chatCodec.watch({ usageAsked: true, choices }, { endsWithFinish: true });
      const bytes = encoder.encode(end(text));
      const forwarded = joined(singleBytes(bytes).flatMap((byte) => watch.push(byte)));
      expect(watch.hasEnded()).toBe(text.includes("[DONE]"));
      expect(watch.bodyEnded?.()).toEqual([]);
      expect(watch.hasEnded()).toBe(hasEnded);
      expect(end(text).startsWith(forwarded)).toBe(true);
    }
  });

  test("ends by its terminator alone where its provider always sends one", () => {
    const watch = chatCodec.watch({ usageAsked: true, choices: 1 });
    watch.push(encoder.encode(said(0) + said(0, "stop")));
    expect([watch.bodyEnded, watch.hasEnded()]).toEqual([undefined, false]);
  });
});

/** Pieces of streams in any order: events that are nearly, but seldom quite, what we look for. */
const soup = fc
  .array(
    fc.constantFrom(
      ...'data: ~data:{~[DONE]~\n~\n\n~\r~\r\n~\uFEFF~{~}~[~]~"usage":~"delta":{~"error":~\\~"~:~,~null~🚧'.split(
        "~",
      ),
      ...'event: error~"content":"a"~{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}'.split(
        "~",
      ),
    ),
    { maxLength: 60 },
  )
  .map((parts) => encoder.encode(parts.join("")));

const contentEvent = encoder.encode(event({ choices: [{ delta: { content: "a" } }] }));

describe("hostile streams", () => {
  test("never throw anything but GatewayError, whatever the bytes are", () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), soup);
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), fc.boolean(), (chunks, afterContent) => {
        const watch = chatCodec.watch({ usageAsked: true, choices: 1 });
        const all = afterContent ? [contentEvent, ...chunks] : chunks;
        try {
          const forwarded = joined(all.flatMap((chunk) => watch.push(chunk)));
          expect(joined(all).startsWith(forwarded)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
        expect(watch.output().tokens).toBeGreaterThanOrEqual(watch.hasContent() ? 1 : 0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("mean the same however the network cuts them", () => {
    fc.assert(
      fc.property(soup, fc.boolean(), cutPlaces, (mess, afterContent, places) => {
        const bytes = afterContent ? Buffer.concat([contentEvent, mess]) : mess;
        fc.pre(bytes.length > 0);
        const whole = watchAll(chatCodec.watch({ usageAsked: false, choices: 1 }), [bytes]);
        expect(
          watchAll(chatCodec.watch({ usageAsked: false, choices: 1 }), singleBytes(bytes)),
        ).toEqual(whole);
        expect(
          watchAll(chatCodec.watch({ usageAsked: false, choices: 1 }), cutAt(bytes, places)),
        ).toEqual(whole);
      }),
      { numRuns: 2_000 },
    );
  });

  test("may hold an event of deep nesting or a chunk of nothing but line ends", () => {
    const deep = event(`{"choices":${"[".repeat(1_000_000)}`);
    expect(watched(deep)).toMatchObject({ hasContent: false, forwarded: deep });
    const nested = event(`{"choices":[{${'"delta":{'.repeat(400_000)}`);
    expect(watched(nested)).toMatchObject({ outputTokensSeen: 0, forwarded: nested });
    const blank = "\n".repeat(100_000);
    expect(watched(blank).forwarded).toBe(blank);
  });
});

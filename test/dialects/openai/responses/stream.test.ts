/** What is told of a stream of responses, whoever's server it comes from and however it is cut. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { codecOf } from "../../../../src/dialects/catalogue.ts";
import type { StreamWatch } from "../../../../src/dialects/contract.ts";
import { cutAt, cutPlaces } from "../../../conformance/pieces.ts";
import {
  begun,
  completed,
  events,
  message,
  SEARCH_STREAM,
  TEXT_STREAM,
  TOOLS_STREAM,
  UNKNOWN_STREAM,
  usage,
  written,
} from "../../../conformance/responses-answers.ts";

const codec = codecOf("responses");
const ASKED = { usageAsked: true, choices: 1 };

function watched(pieces: readonly (string | Uint8Array)[], background = false): StreamWatch {
  const watch = codec.watch(background ? { ...ASKED, background } : ASKED);
  for (const piece of pieces) {
    watch.push(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
  }
  return watch;
}

/** Everything that a watch tells. */
function told(watch: StreamWatch): unknown {
  const { tokens, textBytes, pieces, text } = watch.output();
  return {
    hasContent: watch.hasContent(),
    hasEnded: watch.hasEnded(),
    failure: watch.failure(),
    usage: watch.usage(),
    made: watch.made?.(),
    output: { tokens, textBytes, pieces, text: text() },
  };
}

test("in any pieces the same is told", () => {
  const streams = [TEXT_STREAM, TOOLS_STREAM, SEARCH_STREAM, UNKNOWN_STREAM];
  fc.assert(
    fc.property(fc.constantFrom(...streams), cutPlaces, (stream, places) => {
      expect(told(watched(cutAt(stream, places)))).toEqual(told(watched([stream])));
    }),
    { numRuns: 30 },
  );
});

test.each([
  ["lines that end with CR LF", (text: string) => text.replaceAll("\n", "\r\n")],
  ["events without a name", (text: string) => text.replaceAll(/^event: .*\n/gm, "")],
  ["no spaces behind colons", (text: string) => text.replaceAll(/^(event|data): /gm, "$1:")],
  ["data on several lines", (text: string) => text.replaceAll(/^data: \{/gm, "data: {\ndata: ")],
  ["comments between", (text: string) => text.replaceAll(/^event/gm, ": ping\n\nevent")],
])("of a server with %s the same is told", (_what, change) => {
  for (const stream of [TEXT_STREAM, TOOLS_STREAM, SEARCH_STREAM]) {
    expect(told(watched([change(stream)]))).toEqual(told(watched([stream])));
  }
});

test("what is told of text, thought and calls", () => {
  expect(told(watched([TOOLS_STREAM]))).toEqual({
    hasContent: true,
    hasEnded: true,
    failure: null,
    usage: {
      inputTokens: 472,
      outputTokens: 89,
      cachedInputTokens: 200,
      reasoningTokens: 64,
      details: null,
    },
    made: [
      { kind: "response", id: "resp_67ccfcdd16748190a91872c75d38539e" },
      { kind: "item", id: "rs_1" },
      { kind: "item", id: "fc_1" },
      { kind: "item", id: "fc_2" },
    ],
    output: {
      tokens: expect.any(Number),
      textBytes: expect.any(Number),
      pieces: 4,
      text: 'Two calls are needed.{"city":"Zürich"}{"zone":"東京"}',
    },
  });
});

test("sound is no text, and what is not to be kept is nobody's", () => {
  const sound = { type: "response.audio.delta", delta: "AAAA".repeat(100), output_index: 0 };
  const watch = watched([events([...begun({ store: false }), sound])]);
  expect(watch.output()).toMatchObject({ textBytes: 0, tokens: 1 });
  expect([watch.hasContent(), watch.made?.()]).toEqual([true, []]);
});

describe("content", () => {
  const first = events([...begun(), ...written([]).slice(0, 2)]);

  test("does not begin with a message that is empty, but with what is written in it", () => {
    expect(watched([first]).hasContent()).toBe(false);
    const delta = { type: "response.output_text.delta", delta: "a" };
    expect(watched([first, events([delta], 4)]).hasContent()).toBe(true);
  });

  test("begins with the id where the answer is made in the background", () => {
    expect(watched([events(begun())], true).hasContent()).toBe(true);
  });
});

test("numbers go on behind the last event, whether its own number was read or counted", () => {
  const error = {
    code: "upstream_error",
    message: "m",
    type: "t",
    param: null,
    requestId: "r",
  } as const;
  const numberOf = (stream: string): unknown => {
    const last = new TextDecoder().decode(watched([stream]).errorEvent?.(error));
    return JSON.parse(last.slice(last.indexOf("{"))).sequence_number;
  };
  const stream = events([...begun(), ...written(["a", "b"]).slice(0, 4)], 100);
  expect(numberOf(stream)).toBe(106);
  expect(numberOf(stream.replaceAll(/,"sequence_number":\d+/g, ""))).toBe(6);
});

function of(id: string, type: string, more: object = {}): object {
  return { id, type, ...more };
}

test("calls of tools are counted once each, containers once for all their calls, and free ones not", () => {
  const items = [
    of("a", "web_search_call", { action: { type: "search" } }),
    of("b", "web_search_call", { action: { type: "open_page" } }),
    of("c", "web_search_call"),
    of("d", "file_search_call"),
    of("e", "code_interpreter_call", { container_id: "cntr_1" }),
    of("f", "code_interpreter_call", { container_id: "cntr_1" }),
    of("g", "code_interpreter_call", { container_id: "cntr_2" }),
    of("h", "image_generation_call", { result: "iVBO" }),
    of("i", "mcp_call"),
    of("j", "__proto__"),
  ];
  const done = items.map((item, output_index) => ({
    type: "response.output_item.done",
    output_index,
    item,
  }));
  const toolCalls = { web_search: 2, file_search: 1, code_interpreter: 2, image_generation: 1 };
  const stream = events([...begun(), ...done, completed([], { usage: usage(1, 1) })]);
  expect(watched([stream]).usage()?.details?.toolCalls).toEqual(toolCalls);
  const plain = JSON.stringify({ object: "response", output: items, usage: usage(1, 1) });
  expect(codec.usage(new TextEncoder().encode(plain))?.details?.toolCalls).toEqual(toolCalls);
});

test("a usage that cannot be one is none", () => {
  for (const wrong of [{}, { input_tokens: 1 }, usage(-1, 1), usage(1e9, 1), usage(1.5, 1)]) {
    const stream = events([...begun(), completed([message("x")], { usage: wrong })]);
    expect([watched([stream]).usage(), watched([stream]).hasEnded()]).toEqual([null, true]);
  }
});

/** The event splitter over bytes, and the reader and writer of single events. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { GatewayError } from "../../src/base/error.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { EventSplitter } from "../../src/dialects/sse.ts";
import { readEvent, writeEvent } from "../../src/dialects/sse-event.ts";
import { cutAt, cutPlaces, joined, LINE_ENDS, referenceData, singleBytes } from "./streams.ts";

const encoder = new TextEncoder();

type Split = { readonly events: readonly string[]; readonly forwarded: string };

/** Events as the visitor saw them and bytes as they came out; drops events with `cut` in them. */
function split(chunks: readonly Uint8Array[], eventBytesMax?: number): Split {
  const events: string[] = [];
  const splitter = new EventSplitter((bytes, start, end) => {
    const event = joined([bytes.subarray(start, end)]);
    events.push(event);
    return !event.includes("cut");
  }, eventBytesMax);
  return { events, forwarded: joined(chunks.flatMap((chunk) => splitter.push(chunk))) };
}

function dataOf(events: readonly string[]): string[] {
  const read = events.map((event) => readEvent(encoder.encode(event)).data);
  return read.filter((data) => data !== null);
}

/** Lines that make all kinds of events once joined; blank ones end them. */
const lines = fc.constantFrom(
  ..."|data: a|data:b|data:  c|data|data: 日本🚧|: comment|event: error|id: 1|data: cut|retry".split(
    "|",
  ),
);
const streams = fc.record({
  text: fc.array(lines, { maxLength: 30 }).map((list) => list.map((line) => `${line}\n`).join("")),
  ends: fc.constantFrom(...Object.keys(LINE_ENDS)),
  mark: fc.constantFrom("", "\uFEFF"),
});

/** An event that ends in CR LF CR, with the LF in the next chunk; events of 12 bytes fall out. */
function splitInBlankLine(text: string): string[] {
  const splitter = new EventSplitter((_, start, end) => end - start < 12);
  return [`${text}\r\n\r`, "\ndata: b\r\n\r\n"].map((chunk) =>
    joined(splitter.push(encoder.encode(chunk))),
  );
}

describe("the event splitter", () => {
  test("sees the same events and forwards the same bytes however the network cuts them", () => {
    fc.assert(
      fc.property(streams, cutPlaces, ({ text, ends, mark }, places) => {
        const stream = mark + (LINE_ENDS[ends]?.(text) ?? text);
        const bytes = encoder.encode(stream);
        if (bytes.length === 0) return;
        const whole = split([bytes]);
        expect(dataOf(whole.events)).toEqual(referenceData(stream));
        expect(stream.startsWith(whole.events.join(""))).toBe(true);
        const kept = whole.events.filter((event) => !event.includes("cut"));
        expect(whole.forwarded).toBe(kept.join(""));
        expect(split(cutAt(bytes, places)).forwarded).toBe(whole.forwarded);
        const single = split(singleBytes(bytes));
        expect(single.forwarded).toBe(whole.forwarded);
        expect(dataOf(single.events)).toEqual(dataOf(whole.events));
      }),
      { numRuns: 500 },
    );
  });

  test("hands a chunk of whole events on as it is, without copying", () => {
    const splitter = new EventSplitter(() => true);
    const chunk = encoder.encode("data: a\n\ndata: b\n\n: c\n\n");
    const slices = splitter.push(chunk);
    expect(slices).toHaveLength(1);
    expect(slices[0]).toBe(chunk);
  });

  test("turns one chunk into one slice, a begun event waiting for its end", () => {
    const splitter = new EventSplitter(() => true);
    const out = ["data: a\n\nda", "ta: b", "\n\ndata: c\n", "\n"].map((chunk) =>
      splitter.push(encoder.encode(chunk)).map((slice) => joined([slice])),
    );
    expect(out).toEqual([["data: a\n\n"], [], ["data: b\n\n"], ["data: c\n\n"]]);
  });

  test("parts a slice only around an event that is taken out", () => {
    const splitter = new EventSplitter(
      (bytes, start, end) => !joined([bytes.subarray(start, end)]).includes("cut"),
    );
    const slices = splitter.push(
      encoder.encode("data: a\n\ndata: cut\n\ndata: cut\n\ndata: b\n\ndata: c\n\n"),
    );
    expect(slices.map((slice) => joined([slice]))).toEqual([
      "data: a\n\n",
      "data: b\n\ndata: c\n\n",
    ]);
  });

  test("ends an event at a CR at once; an LF that follows shares the event's fate", () => {
    expect(splitInBlankLine("data: a")).toEqual(["data: a\r\n\r", "\ndata: b\r\n\r\n"]);
    expect(splitInBlankLine("data: too long")).toEqual(["", "data: b\r\n\r\n"]);
  });

  test("keeps slices that it handed out unchanged while more chunks come", () => {
    const splitter = new EventSplitter(() => true);
    const slices = ["data: 1", "\n\ndata: 2", "\n\ndata: 3", "\n\n"].flatMap((chunk) =>
      splitter.push(encoder.encode(chunk)),
    );
    expect(joined(slices)).toBe("data: 1\n\ndata: 2\n\ndata: 3\n\n");
  });

  test.each([
    ["in one chunk", 64],
    ["in single bytes", 1],
  ])("refuses an event that is too long, %s", (_, size) => {
    const event = encoder.encode(`data: ${"x".repeat(24)}\n\n`);
    const chunks = cutAt(
      event,
      Array.from({ length: event.length }, (_unused, at) => at * size),
    );
    expect(split(chunks, event.length).events).toHaveLength(1);
    expect(() => split(chunks, event.length - 1)).toThrow(GatewayError);
  });

  test("refuses an event without an end once it passes the bound", () => {
    const splitter = new EventSplitter(() => true);
    const chunk = new Uint8Array(64 * 1024).fill(0x61);
    let pushed = 0;
    const pushAll = (): void => {
      for (; pushed <= LIMITS.eventBytesMax; pushed += chunk.length) splitter.push(chunk);
    };
    expect(pushAll).toThrow(
      new GatewayError("upstream_error", {
        message: "The provider sent an event that is too long.",
      }),
    );
    expect(pushed).toBe(LIMITS.eventBytesMax);
  });
});

describe("one event", () => {
  test.each([
    ["data: a\n\n", { name: "", data: "a" }],
    ["data:a\r\n\r\n", { name: "", data: "a" }],
    ["data:  a\n\n", { name: "", data: " a" }],
    ["data: a\ndata: b\r\rdata", { name: "", data: "a\nb\n" }],
    ["event: error\ndata: {}\n\n", { name: "error", data: "{}" }],
    ["\uFEFFdata: a\n\n", { name: "", data: "a" }],
    [": ping\n\n", { name: "", data: null }],
    ["id: 1\nretry: 2\nDATA: x\n\n", { name: "", data: null }],
    ["\n", { name: "", data: null }],
  ])("%j reads as the standard says", (text, event) => {
    expect(readEvent(encoder.encode(text))).toEqual(event);
  });

  test("reads back what was written", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const data = text.replaceAll(/\r\n|\r/g, "\n");
        expect(readEvent(writeEvent(text))).toEqual({ name: "", data });
        expect(split([writeEvent(text)]).events).toHaveLength(1);
      }),
    );
  });
});

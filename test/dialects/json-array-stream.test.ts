/** JSON arrays in network chunks: the same elements and bytes, however the network cut them. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { GatewayError } from "../../src/base/error.ts";
import { ArraySplitter } from "../../src/dialects/json-array-stream.ts";
import { elementsOf } from "../../src/dialects/json-elements.ts";
import { cutAt } from "./streams.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const space = fc.constantFrom("", " ", "\n", "\r\n  ");
const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));

/** Arrays of objects with white space wherever JSON takes it, and what each element is. */
const arrays = fc
  .array(fc.tuple(object, space, space), { maxLength: 6 })
  .chain((elements) => fc.tuple(fc.constant(elements), space, space, fc.constantFrom(undefined, 1)))
  .map(([elements, before, after, indent]) => ({
    elements: elements.map(([element]) => element),
    text: `${before}[${elements
      .map(([element, one, two]) => one + JSON.stringify(element, null, indent) + two)
      .join(",")}]${after}`,
  }));

function split(text: string, places: readonly number[], mayClose = true) {
  const seen: unknown[] = [];
  const splitter = new ArraySplitter(
    {
      element: (bytes, start, end) =>
        seen.push(JSON.parse(decoder.decode(bytes.subarray(start, end)))),
      mayClose: () => mayClose,
    },
    1_000_000,
  );
  const chunks = cutAt(encoder.encode(text), places);
  const slices = chunks.flatMap((chunk) => splitter.push(chunk).map((slice) => slice.slice()));
  return { seen, text: decoder.decode(Buffer.concat(slices)), isClosed: splitter.isClosed };
}

const places = fc.array(fc.nat(100_000), { maxLength: 30 });

describe("a streamed array", () => {
  test("comes out as it went in, each element seen once", () => {
    fc.assert(
      fc.property(arrays, places, ({ text, elements }, cuts) => {
        const out = split(text, cuts);
        // Objects of JSON.parse have a prototype, those of the generator may have none.
        expect(JSON.stringify(out.seen)).toBe(JSON.stringify(elements));
        expect([out.text, out.isClosed]).toEqual([text, true]);
      }),
      { numRuns: 300 },
    );
  });

  test("whose end is kept back is the beginning of an array that can be gone on with", () => {
    fc.assert(
      fc.property(arrays, places, ({ text, elements }, cuts) => {
        const out = split(text, cuts, false);
        const more = elements.length === 0 ? "[1]" : `${out.text},1]`;
        expect(JSON.parse(more)).toEqual([...JSON.parse(text), 1]);
        expect(out.isClosed).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  test("that breaks off comes out up to its last whole element", () => {
    fc.assert(
      fc.property(arrays, places, fc.nat(100_000), ({ text }, cuts, at) => {
        const broken = text.slice(0, at % (text.lastIndexOf("]") + 1));
        if (broken === "") return;
        const out = split(broken, cuts);
        expect(text.startsWith(out.text)).toBe(true);
        if (out.seen.length === 0) expect(out.text).toBe("");
        else expect(JSON.parse(`${out.text}]`)).toEqual(out.seen);
      }),
      { numRuns: 200 },
    );
  });

  test("takes brackets and quotes within strings for what they are", () => {
    const text = '[{"a":"\\"]},["},{"b":"\\\\"},{"c":"}\\\\\\"]"}]';
    expect(
      split(
        text,
        Array.from(text, (_, at) => at),
      ),
    ).toMatchObject({
      seen: [{ a: '"]},[' }, { b: "\\" }, { c: '}\\"]' }],
      text,
    });
  });

  test("has a bound for its elements, whole or not", () => {
    const visitor = { element: () => undefined, mayClose: () => true };
    for (const text of [`[{"a":"${"x".repeat(50)}"}]`, `[{"a":"${"x".repeat(50)}`]) {
      const splitter = new ArraySplitter(visitor, 40);
      expect(() => splitter.push(encoder.encode(text))).toThrow(GatewayError);
    }
  });

  test("keeps its slices apart from what comes later", () => {
    const splitter = new ArraySplitter(
      { element: () => undefined, mayClose: () => true },
      1_000_000,
    );
    splitter.push(encoder.encode('[{"a"'));
    const [first] = splitter.push(encoder.encode(':1},{"b"'));
    splitter.push(encoder.encode(`:"${"y".repeat(5_000)}"}`));
    expect(decoder.decode(first)).toBe('[{"a":1}');
  });
});

test("the elements of an array are found where they stand", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 3 })), space, (values, gap) => {
      const text = `${gap}[${values.map((value) => gap + JSON.stringify(value) + gap).join(",")}]`;
      const bytes = encoder.encode(text);
      const spans = elementsOf(bytes, { start: gap.length, end: bytes.length });
      const found = spans.map(({ start, end }) => decoder.decode(bytes.subarray(start, end)));
      expect(found).toEqual(values.map((value) => JSON.stringify(value)));
    }),
    { numRuns: 300 },
  );
});

test("what is no array has no elements", () => {
  expect(elementsOf(encoder.encode('{"a":1}'), { start: 0, end: 7 })).toEqual([]);
});

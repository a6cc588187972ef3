/** Edits in bytes: what no edit names stays as it was. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { AssertionError } from "../../src/base/assert.ts";
import { scanObject } from "../../src/dialects/json-scan.ts";
import { type Edit, insertMembers, splice } from "../../src/dialects/splice.ts";
import { jsonTexts } from "./json-texts.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function scanned(text: string): Extract<ReturnType<typeof scanObject>, { kind: "object" }> {
  const scan = scanObject(encoder.encode(text), ["model"]);
  if (scan.kind !== "object") throw new Error(`not an object: ${scan.kind}`);
  return scan;
}

describe("splicing", () => {
  test("gives back the very same bytes when there is nothing to do", () => {
    const bytes = encoder.encode('{"model": "m"}');
    expect(splice(bytes, [])).toBe(bytes);
  });

  test("replaces and inserts anywhere and leaves every other byte alone", () => {
    const cut = fc.tuple(fc.nat(20), fc.nat(20), fc.string({ unit: "grapheme" }));
    const cuts = fc.array(cut, { maxLength: 6 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, fc.boolean(), (bytes, list, turned) => {
        const edits: Edit[] = [];
        const expected: number[] = [];
        let at = 0;
        for (const [skip, length, text] of list) {
          const start = Math.min(at + skip, bytes.length);
          const end = Math.min(start + length, bytes.length);
          expected.push(...bytes.subarray(at, start), ...encoder.encode(text));
          edits.push({ start, end, text });
          at = end;
        }
        expected.push(...bytes.subarray(at));
        const before = bytes.slice();
        // Edits at one place keep their order; those at different places may come in any.
        const places = new Set(edits.map((edit) => edit.start));
        const given = turned && places.size === edits.length ? edits.toReversed() : edits;
        expect(Buffer.from(splice(bytes, given)).equals(Buffer.from(expected))).toBe(true);
        expect(bytes).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  test("adds members to any object and changes nothing else of it", () => {
    fc.assert(
      fc.property(jsonTexts(["model"]), ({ text }) => {
        const bytes = encoder.encode(text);
        const edit = insertMembers(scanned(text), [
          ['"added_a"', "1"],
          ['"added_b"', '{"c":[]}'],
        ]);
        const out = decoder.decode(splice(bytes, [edit]));
        expect(JSON.parse(out)).toEqual({ ...JSON.parse(text), added_a: 1, added_b: { c: [] } });
        const position = decoder.decode(bytes.subarray(0, edit.start)).length;
        expect(out).toBe(text.slice(0, position) + edit.text + text.slice(position));
      }),
      { numRuns: 300 },
    );
  });

  test("refuses edits that overlap, run backwards or lie behind the end", () => {
    const bytes = encoder.encode("0123456789");
    const overlapping = [
      { start: 2, end: 5, text: "" },
      { start: 4, end: 6, text: "" },
    ];
    expect(() => splice(bytes, overlapping)).toThrow(AssertionError);
    expect(() => splice(bytes, [{ start: 5, end: 4, text: "" }])).toThrow(AssertionError);
    expect(() => splice(bytes, [{ start: 9, end: 11, text: "" }])).toThrow(AssertionError);
  });
});

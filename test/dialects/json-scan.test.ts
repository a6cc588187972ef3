/** The scan of a JSON object, held against texts whose spans the generator knows. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS } from "../../src/base/limits.ts";
import { ANSWER_BOUNDS, CLIENT_BOUNDS, scanObject } from "../../src/dialects/json-scan.ts";
import { jsonTexts, type RenderedObject } from "./json-texts.ts";

const encoder = new TextEncoder();
const wanted = ["model", "stream", "n", "max_tokens"];

function scan(text: string): ReturnType<typeof scanObject> {
  return scanObject(encoder.encode(text), wanted);
}

/** Members that the renderer wrote under a wanted name, with spans in bytes. */
function expectedMembers(object: RenderedObject): Map<string, unknown> {
  const at = (index: number): number => Buffer.byteLength(object.text.slice(0, index));
  const members = new Map<string, unknown>();
  for (const { name, keyStart, keyEnd, valueStart, valueEnd } of object.members) {
    if (!wanted.includes(name)) continue;
    const key = { start: at(keyStart), end: at(keyEnd) };
    members.set(name, { key, value: { start: at(valueStart), end: at(valueEnd) } });
  }
  return members;
}

function nested(depth: number): string {
  return `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
}

describe("the scan of a JSON object", () => {
  test("finds the exact spans of wanted members in any object, white space and escapes", () => {
    fc.assert(
      fc.property(jsonTexts(wanted), (object) => {
        const last = object.members.at(-1);
        const insertAt = last?.valueEnd ?? object.text.indexOf("{") + 1;
        expect(scan(object.text)).toEqual({
          kind: "object",
          members: expectedMembers(object),
          repeated: null,
          insertAt: Buffer.byteLength(object.text.slice(0, insertAt)),
          empty: last === undefined,
        } as ReturnType<typeof scan>);
      }),
      { numRuns: 500 },
    );
  });

  test("never calls a valid text broken, whatever its root is", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const isObject = text.startsWith("{");
        expect(scan(text).kind).toBe(isObject ? "object" : "other");
      }),
      { numRuns: 500 },
    );
  });

  test("survives any bytes", () => {
    const soup = fc.constantFrom(...'{ } [ ] " : , \\ u 0 a 1 n e - \n'.split(" "), " ");
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(soup, { maxLength: 300 }).map((letters) => encoder.encode(letters.join(""))),
    );
    fc.assert(
      fc.property(bytes, (any) => {
        expect(["object", "other", "broken", "too_deep", "too_large"]).toContain(
          scanObject(any, wanted).kind,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["nothing", ""],
    ["an object that does not end", '{"model":"m"'],
    ["a string that does not end", '{"model":"m'],
    ["a string that ends in an escape", '{"model":"m\\"'],
    ["a container that does not end", '{"model":[1,{"a":2}'],
    ["a member without value", '{"model":}'],
    ["a member without colon", '{"model" "m"}'],
    ["a comma before the end", '{"model":"m",}'],
    ["two values", '{"model":"m" "n"}'],
    ["something behind the end", '{"model":"m"} x'],
    ["a second object", "{}{}"],
    ["a page of HTML that opens a brace", "{<html>}"],
  ])("calls %s broken", (_, text) => {
    expect(scan(text)).toEqual({ kind: "broken" });
  });

  test("names the first wanted member that comes twice, however it is escaped", () => {
    const text = '{"n":1,"mod\\u0065l":"a","n":2,"\\u006dodel":"b","other":1,"other":2}';
    const found = scan(text);
    expect(found.kind === "object" ? found.repeated : found.kind).toBe("n");
    const escaped = scan('{"model":"a","\\u006D\\u006Fdel":"b"}');
    expect(escaped.kind === "object" ? escaped.repeated : escaped.kind).toBe("model");
  });

  test("does not take a similar name for a wanted one", () => {
    const found = scan('{"models":1,"mode":2,"Model":3,"\\\\u006dodel":4,"\\nodel":5,"nn":6,"":7}');
    expect(found.kind === "object" ? [...found.members.keys()] : found.kind).toEqual([]);
  });

  test("lets a body nest as deep as the limit and no deeper", () => {
    expect(scan(nested(LIMITS.jsonDepthMax)).kind).toBe("object");
    expect(scan(nested(LIMITS.jsonDepthMax + 1)).kind).toBe("too_deep");
    expect(scanObject(encoder.encode(nested(1_000)), [], ANSWER_BOUNDS).kind).toBe("object");
  });

  test("counts members, containers and values", () => {
    const bounds = { ...CLIENT_BOUNDS, nodesMax: 5, valuesMax: 4 };
    const kindOf = (text: string): string => scanObject(encoder.encode(text), [], bounds).kind;
    expect(kindOf('{"a":1,"b":2,"c":3,"d":4,"e":5}')).toBe("object");
    expect(kindOf('{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}')).toBe("too_large");
    expect(kindOf('{"a":[[],[],[]]}')).toBe("object");
    expect(kindOf('{"a":[[],[],[],[]]}')).toBe("too_large");
    expect(kindOf('{"a":[1,2,3,4]}')).toBe("object");
    expect(kindOf('{"a":[1,2,3,4,5]}')).toBe("too_large");
    expect(kindOf('{"a":[1,2],"b":[1,2,3]}')).toBe("object");
    expect(kindOf('{"a":[1,2,3],"b":[1,2,3]}')).toBe("too_large");
    expect(kindOf('{"a":[[]],"b":{}}')).toBe("object");
    expect(kindOf('{"a":[[]],"b":{"c":1}}')).toBe("too_large");
  });

  test.each([
    ["five million levels", `{"a":${"[".repeat(5e6)}`, "too_deep"],
    ["20 MB of [", "[".repeat(20e6), "too_deep"],
    ["a million members", `{"a":{${'"k":1,'.repeat(1e6)}"k":1}}`, "too_large"],
    ["ten million numbers", `{"a":[${"0,".repeat(1e7)}0]}`, "too_large"],
    ["20 MB of escaped quotes", `{"model":"${'\\"'.repeat(1e7)}"}`, "object"],
    ["20 MB of backslashes", `{"model":"${"\\\\".repeat(1e7)}"}`, "object"],
    ["a string of 20 MB", `{"model":"${"A".repeat(2e7)}"}`, "object"],
    ["20 MB of a string without end", `{"model":"${"A".repeat(2e7)}`, "broken"],
  ])("gets through %s", (_, text, kind) => {
    expect(scan(text).kind).toBe(kind as "object");
  });
});

/**
 * The simplest value that fits a schema, within bounds that a hostile schema cannot pass.
 */

import { describe, expect, test } from "bun:test";
import { sampleOf } from "../../bench/upstream/schema-sample.ts";

describe("the sample of a schema", () => {
  const cases: [name: string, schema: unknown, sample: unknown][] = [
    ["string", { type: "string" }, "lorem"],
    ["string of a length", { type: "string", minLength: 8 }, "lorem..."],
    ["string of an absurd length", { type: "string", minLength: 1e9 }, "lorem".padEnd(256, ".")],
    ["short string", { type: "string", maxLength: 2 }, "lo"],
    ["date", { type: "string", format: "date" }, "2025-01-01"],
    ["integer", { type: "integer" }, 0],
    ["number from", { type: "number", minimum: 2.5 }, 2.5],
    ["number above", { type: "number", exclusiveMinimum: 3 }, 3.5],
    ["number between", { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, 0.5],
    ["integer above", { type: "integer", exclusiveMinimum: 3 }, 4],
    ["integer below", { type: "integer", exclusiveMaximum: -3 }, -4],
    ["integer around 0", { type: "integer", minimum: -9, maximum: 9 }, 0],
    ["number up to", { type: "number", maximum: -1 }, -1],
    ["boolean", { type: "boolean" }, true],
    ["null", { type: "null" }, null],
    ["array", { type: "array", items: { type: "string" } }, []],
    ["array of two", { type: "array", minItems: 2, items: { type: "boolean" } }, [true, true]],
    ["enum", { enum: ["b", "a"] }, "b"],
    ["const", { const: { x: 1 } }, { x: 1 }],
    ["nullable", { type: ["integer", "null"] }, 0],
    ["anyOf", { anyOf: [{ type: "boolean" }, { type: "null" }] }, true],
    ["oneOf", { oneOf: [{ const: 3 }] }, 3],
    ["object without type", { properties: { a: {} }, required: ["a"] }, { a: null }],
    ["nothing said", {}, null],
    ["no schema", undefined, null],
    [
      "required members only",
      {
        type: "object",
        properties: { name: { type: "string" }, age: { type: "integer" }, extra: {} },
        required: ["name", "age", "undeclared"],
      },
      { name: "lorem", age: 0, undeclared: null },
    ],
    [
      "reference",
      { $ref: "#/$defs/a~1b", $defs: { "a/b": { type: "object", properties: {}, required: [] } } },
      {},
    ],
    ["reference to the network", { $ref: "https://example.com/schema" }, null],
    ["reference to nowhere", { $ref: "#/$defs/none" }, null],
  ];
  test.each(cases)("%s", (_name, schema, sample) => {
    expect(sampleOf(schema)).toEqual(sample);
  });
});

test("a schema that contains itself ends", () => {
  const node = { type: "object", properties: { next: { $ref: "#" } }, required: ["next"] };
  expect(JSON.stringify(sampleOf(node)).length).toBeLessThan(2_000);
});

test("a schema that doubles at every level is cut off", () => {
  const defs: Record<string, unknown> = {};
  for (let level = 0; level < 40; level += 1) {
    const next = { $ref: `#/$defs/d${level + 1}` };
    defs[`d${level}`] = { type: "object", properties: { a: next, b: next }, required: ["a", "b"] };
  }
  expect(JSON.stringify(sampleOf({ $ref: "#/$defs/d0", $defs: defs })).length).toBeLessThan(
    100_000,
  );
  const endless = sampleOf({ type: "array", minItems: 1e9, items: { const: 1 } });
  expect(Array.isArray(endless) && endless.length).toBeLessThanOrEqual(1_000);
});

/** Members are taken out and added in the bytes; what no edit names keeps every byte. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { withMembers } from "../../../src/gateway/wire/json-members.ts";

const edited = (text: string, remove: readonly string[], add: Record<string, string>): string =>
  new TextDecoder().decode(withMembers(new TextEncoder().encode(text), { remove, add }));

test.each([
  ['{"model":"m","x":1}', '{"x":1,"v":"1"}'],
  ['{"x":1,"model":"m"}', '{"x":1,"v":"1"}'],
  [
    '{"x":1 ,\n "model" : "m" , "y" : [1.50, {"model":"stays"}] }',
    '{"x":1 ,\n  "y" : [1.50, {"model":"stays"}],"v":"1" }',
  ],
  ['{"model":"m","stream":true}', '{"v":"1"}'],
  ['{"stream":true,"model":"m"}', '{"v":"1"}'],
  ['{ "model":"m" }', '{"v":"1"  }'],
  ['{"model":"m","model":"n","x":1}', '{"x":1,"v":"1"}'],
  ['{"v":"own","model":"m"}', '{"v":"own"}'],
])("%s becomes %s", (before, after) => {
  expect(edited(before, ["model", "stream"], { v: '"1"' })).toBe(after);
});

test("any body means the same without the members, and with those that were missing", () => {
  const names = fc.constantFrom("model", "stream", "version", "messages", "x_other", "ü");
  const object = fc.dictionary(names, fc.jsonValue(), { noNullPrototype: true });
  const spaces = fc.constantFrom(undefined, 1, "\t");
  fc.assert(
    fc.property(object, spaces, (value, indent) => {
      const { model: _, stream: __, ...rest } = value;
      const text = JSON.stringify(value, null, indent);
      const after = edited(text, ["model", "stream"], { version: "7" });
      expect(JSON.parse(after)).toEqual({ version: 7, ...JSON.parse(JSON.stringify(rest)) });
    }),
    { numRuns: 100 },
  );
});

import { describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import * as fc from "fast-check";
import { check } from "../../src/admin/shapes/check.ts";
import { nullable, oneOf, strict, Whole } from "../../src/admin/shapes/members.ts";
import { SCHEMAS } from "../../src/http/admin/schemas.ts";

const shape = strict(
  {
    count: Whole(1, 9, "Count."),
    colour: Type.Optional(
      nullable(oneOf(["red", "blue"], { description: "Colour.", planned: ["mauve"] })),
    ),
    inner: Type.Optional(
      nullable(
        strict({ flag: Type.Optional(Type.Boolean()), size: Type.Number() }, { description: "" }),
      ),
    ),
    list: Type.Optional(Type.Array(Type.String({ maxLength: 3 }), { maxItems: 2 })),
  },
  { description: "A thing.", "x-fixed": ["shape"], "x-read-only": ["weight"] },
);

/** `param: sentence`, or `fits`. */
function said(value: unknown): string {
  const verdict = check(shape, value);
  return verdict.allowed ? "fits" : `${verdict.refusal.param}: ${verdict.refusal.message}`;
}

describe("a value", () => {
  test.each<readonly [value: unknown, says: string]>([
    [{ count: 1 }, "fits"],
    [{ count: 9, colour: null, inner: null, list: [] }, "fits"],
    [{ count: 1, colour: "red", inner: { size: 0.5 }, list: ["a", "b"] }, "fits"],
    [{}, "/count: count is required: it must be a whole number from 1 to 9."],
    [{ count: "1" }, "/count: count must be a whole number from 1 to 9."],
    [{ count: 10 }, "/count: count must be a whole number from 1 to 9."],
    [{ count: 1.5 }, "/count: count must be a whole number from 1 to 9."],
    [{ count: null }, "/count: count must be a whole number from 1 to 9."],
    [{ count: 1, colour: "green" }, '/colour: colour must be one of "red", "blue", or null.'],
    [{ count: 1, colour: 3 }, '/colour: colour must be one of "red", "blue", or null.'],
    [{ count: 1, inner: "x" }, "/inner: inner must be an object with flag, size, or null."],
    [{ count: 1, inner: {} }, "/inner/size: inner.size is required: it must be a number."],
    [{ count: 1, inner: { size: "x" } }, "/inner/size: inner.size must be a number."],
    [{ count: 1, inner: { size: 1, flag: 0 } }, "/inner/flag: inner.flag must be true or false."],
    [
      { count: 1, inner: { sice: 1 } },
      '/inner/sice: "sice" is not a member that can be set here; the nearest known one is size.',
    ],
    [{ count: 1, list: {} }, "/list: list must be a list of at most 2 items."],
    [{ count: 1, list: ["a", "b", "c"] }, "/list: list must be a list of at most 2 items."],
    [{ count: 1, list: ["a", "long"] }, "/list/1: list.1 must be a text of at most 3 characters."],
    [{ count: 1, shape: 1 }, "/shape: shape is set when it is created and cannot be changed."],
    [{ count: 1, weight: 1 }, "/weight: weight is read-only: Tollgate sets it."],
    [{ count: 1, id: 1 }, "/id: id is read-only: Tollgate sets it."],
    [
      { cuont: 1 },
      '/cuont: "cuont" is not a member that can be set here; the nearest known one is count.',
    ],
    [[], "null: The body must be an object with count, colour, inner, list."],
    ["x", "null: The body must be an object with count, colour, inner, list."],
    [undefined, "null: The body must be an object with count, colour, inner, list."],
  ])("%j: %s", (value, says) => {
    expect(said(value)).toBe(says);
  });

  test("that a later version will take is told so", () => {
    const plain = oneOf(["red"], { description: "", planned: ["mauve"] });
    expect(check(strict({ plain }, { description: "" }), { plain: "mauve" })).toEqual({
      allowed: false,
      refusal: {
        code: "unprocessable",
        message: 'plain cannot be "mauve" in this version: it must be "red".',
        param: "/plain",
      },
    });
  });

  test("that is hostile is refused in bounded time, whatever the shape", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        for (const schema of Object.values(SCHEMAS)) {
          const verdict = check(schema, value);
          if (!verdict.allowed) expect(verdict.refusal.message).toMatch(/\.$/);
        }
      }),
    );
    const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`m${n}`, n]));
    expect(check(shape, wide)).toMatchObject({ allowed: false });
    const long = { ["x".repeat(100_000)]: 1 };
    expect(check(shape, long)).toMatchObject({ allowed: false });
  });
});

/** Edit distance and the hint made from it. */
import { expect, test } from "bun:test";
import { editDistance, nearest, unknownName } from "../../src/base/nearest.ts";

test("edits are counted, a swap of neighbours as one, case as none", () => {
  const rows: readonly (readonly [string, string, number])[] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["port", "port", 0],
    ["PORT", "port", 0],
    ["prot", "port", 1],
    ["pot", "port", 1],
    ["porrt", "port", 1],
    ["pork", "port", 1],
    ["kitten", "sitting", 3],
    ["host", "port", 2],
    ["ab", "ba", 1],
  ];
  expect(rows.map(([from, to]) => [from, to, editDistance(from, to)])).toEqual(
    rows.map((row) => [...row]),
  );
  expect(rows.map(([from, to]) => editDistance(to, from))).toEqual(rows.map((row) => row[2]));
});

test("the nearest word wins, the first of equals, none of none", () => {
  expect([
    nearest("prot", ["host", "port", "pork"]),
    nearest("x", ["b", "a"]),
    nearest("x", []),
  ]).toEqual(["port", "b", undefined]);
});

test("a complaint names the unknown word and the nearest known one", () => {
  expect([
    unknownName("flag", "--prot", ["--host", "--port"]),
    unknownName("flag", "-x", []),
  ]).toEqual(["unknown flag --prot; the nearest known one is --port", "unknown flag -x"]);
});

/** The scanner under the house rules: what counts as code, as comment, as the inside of a string. */
import { expect, test } from "bun:test";
import { viewsOf } from "./strip.ts";

/** Source, and what of it is code. */
const TABLE: readonly (readonly [string, string])[] = [
  ["a; // b", "a;     "],
  ["a /* b\nc */ d", "a     \n     d"],
  ["#!/usr/bin/env bun\na", "                  \na"],
  ['f("a // b", c)', 'f("      ", c)'],
  ["f('it\\'s', c)", "f('     ', c)"],
  ["`a ${b} c`", "`  ${b}  `"],
  ["`a ${f({ b: `c ${d} e` })} g` + h", "`  ${f({ b: `  ${d}  ` })}  ` + h"],
  ["`a \\${b} \\` c` + d", "`            ` + d"],
  ["a / b / c", "a / b / c"],
  ["(a) / b; // c / d", "(a) / b;         "],
  ['x.replace(/a"b/g, c)', "x.replace(/   /g, c)"],
  ["return /[/'] a/.test(b)", "return /      /.test(b)"],
  ["a = b\n/ c", "a = b\n/ c"],
  ["const quote = /`/; any", "const quote = / /; any"],
  ["f(a, /* b */ /c d/)", "f(a,         /   /)"],
  ['"a" / b', '" " / b'],
  ["'open\nnext", "'    \nnext"],
];

test("code is what is left without comments and the insides of strings", () => {
  expect(TABLE.map(([source]) => [source, viewsOf(source).code])).toEqual(
    TABLE.map((row) => [...row]),
  );
});

test("the three views have the text's length and lines, and comments stand alone in theirs", () => {
  const source = 'const a = "b"; // c\n/** d */ e';
  expect(viewsOf(source)).toEqual({
    code: 'const a = " ";     \n         e',
    uncommented: 'const a = "b";     \n         e',
    comments: "               // c\n/** d */  ",
  });
});

test("a comment, string or template that never ends takes the rest and no more", () => {
  for (const source of ["a /* b", "a `b", "a `b ${c", "a // b", 'a "b']) {
    const views = viewsOf(source);
    expect([views.code.length, views.code.startsWith("a ")]).toEqual([source.length, true]);
  }
});

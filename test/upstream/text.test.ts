/**
 * Deterministic text: the same token is always the same, and a size in bytes is exact.
 */

import { expect, test } from "bun:test";
import { piecesOf, plainStyle, textOf, tokenText } from "../../bench/upstream/text.ts";

test("token k is always the same word", () => {
  expect(textOf(0, 6, plainStyle)).toBe("lorem ipsum dolor sit amet consectetur");
  expect(tokenText(1, plainStyle)).toBe(" ipsum");
  expect(tokenText(1_000_001, plainStyle)).toBe(tokenText(1_000_001, plainStyle));
});

test("unicode text has characters of one to four bytes", () => {
  const text = textOf(0, 12, { unicode: true, tokenBytes: undefined });
  const sizes = new Set(Array.from(text, (character) => Buffer.byteLength(character)));
  expect(sizes).toEqual(new Set([1, 2, 3, 4]));
  expect(Buffer.from(text).toString()).toBe(text);
});

test("a token has exactly the bytes asked for and breaks no character", () => {
  for (const unicode of [false, true]) {
    for (let tokenBytes = 1; tokenBytes <= 70; tokenBytes += 1) {
      for (let position = 0; position < 15; position += 1) {
        const text = tokenText(position, { unicode, tokenBytes });
        const bytes = Buffer.from(text);
        expect([bytes.byteLength, bytes.toString()]).toEqual([tokenBytes, text]);
      }
    }
  }
});

test("pieces of a text join to the text and part no surrogate pair", () => {
  const text = "ab🙂cd漢字𝒳 and more, in the end";
  const pieces = piecesOf(text, 3);
  expect(pieces.join("")).toBe(text);
  expect(pieces.map((piece) => Buffer.from(piece).toString())).toEqual(pieces);
  expect(piecesOf("")).toEqual([]);
});

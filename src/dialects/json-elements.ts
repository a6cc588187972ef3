/** Where the elements of a JSON array stand in its bytes, so that values within them can be replaced. */
import { COMMA, isClosing, isOpening, isSpace, QUOTE, stringEnd } from "./json-bytes.ts";
import type { Span } from "./json-scan.ts";

const OPENING_BRACKET = 0x5b;

/** The elements of the array that is at `outer`; none where it is no array. The text must be valid JSON. */
export function elementsOf(bytes: Uint8Array, outer: Span): readonly Span[] {
  if (bytes[outer.start] !== OPENING_BRACKET) return [];
  const elements: Span[] = [];
  const last = outer.end - 1;
  let depth = 0;
  let start = -1;
  let end = -1;
  for (let at = outer.start + 1; at < last; at++) {
    const byte = bytes[at];
    if (isSpace(byte)) continue;
    if (byte === COMMA && depth === 0) {
      elements.push({ start, end });
      start = -1;
      continue;
    }
    if (start < 0) start = at;
    if (byte === QUOTE) at = stringEnd(bytes, at + 1) - 1;
    else if (isOpening(byte)) depth++;
    else if (isClosing(byte)) depth--;
    end = at + 1;
  }
  if (start >= 0) elements.push({ start, end });
  return elements;
}

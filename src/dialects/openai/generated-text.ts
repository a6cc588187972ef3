/**
 * How much generated text a `delta` or `message` holds, and how many tokens that can be: what an
 * answer without usage (cut off, client gone, provider silent about it) is billed by.
 *
 * The estimate: every delta with text is at least one token, because providers send a delta when
 * they have a token; a provider that batches sends more text per delta, and four bytes of it count
 * as one token, which is about the ratio of English. Reasoning that is not sent cannot be seen.
 */
import { COLON, isClosing, isOpening, isSpace, nameAt, QUOTE, stringEnd } from "../json-bytes.ts";

const textBytesPerToken = 4;

/**
 * Members of a delta or message that hold no generated text of their own: labels, sound in base64,
 * and what OpenRouter repeats of `reasoning` in `reasoning_details` (2026-11).
 */
const notText = ["id", "role", "type", "data", "format", "annotations", "reasoning_details"];

/** Output tokens in `textBytes` bytes of text that came in `pieces` pieces. */
export function tokensOf(textBytes: number, pieces: number): number {
  return Math.max(pieces, Math.ceil(textBytes / textBytesPerToken));
}

/** `textBytes` as they stand in the JSON text, escapes included; `end` is where reading stopped. */
export type GeneratedText = { readonly textBytes: number; readonly end: number };

/**
 * The text in the object that follows on a key, which ends at `from`; none when no object follows.
 * Reads no further than `end`, counts what a cut left over, and passes every byte once.
 */
export function generatedText(bytes: Uint8Array, from: number, end: number): GeneratedText {
  let at = skipSpace(bytes, from, end);
  if (bytes[at] === COLON) at = skipSpace(bytes, at + 1, end);
  if (bytes[at] !== 0x7b) return { textBytes: 0, end: from };
  let textBytes = 0;
  let depth = 0;
  let isText = true;
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const close = stringEnd(bytes, at + 1);
      const stop = close < 0 || close > end ? end : close;
      const after = skipSpace(bytes, stop, end);
      if (after < end && bytes[after] === COLON) {
        isText = nameAt(bytes, at + 1, stop - 1, notText) === undefined;
        at = isText ? after + 1 : skipContainer(bytes, skipSpace(bytes, after + 1, end), end);
      } else {
        if (isText) textBytes += Math.max(0, stop - at - 2);
        at = stop;
      }
      continue;
    }
    at++;
    if (isOpening(byte)) depth++;
    else if (isClosing(byte)) depth--;
    if (depth === 0) break;
  }
  return { textBytes, end: at };
}

function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(bytes[at])) at++;
  return at;
}

/** Position after the container that begins at `from`; `from` itself when none begins there. */
function skipContainer(bytes: Uint8Array, from: number, end: number): number {
  let depth = 0;
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (isOpening(byte)) depth++;
    else if (isClosing(byte)) depth--;
    else if (byte === QUOTE && depth > 0) {
      const close = stringEnd(bytes, at + 1);
      if (close < 0) return end;
      at = close - 1;
    }
    if (depth <= 0) return depth < 0 || !isClosing(byte) ? at : at + 1;
    at++;
  }
  return end;
}

/** The generated text that a part of an answer holds: what a model wrote, without labels and sound. */
import { COLON, isClosing, isOpening, isSpace, nameAt, QUOTE, stringEnd } from "./json-bytes.ts";

/** Told of every text as it stands in the JSON, escapes included, without its quotes. */
export type OnText = (bytes: Uint8Array, start: number, end: number) => void;

/**
 * Finds the text in the object that follows on a key, which ends at `from`; none when no object
 * follows. Reads no further than `end`, finds what a cut left over, and passes every byte once.
 * `notText` names the dialect's members that hold none. Answers where reading stopped.
 */
export function generatedText(
  bytes: Uint8Array,
  from: number,
  end: number,
  notText: readonly string[],
  onText: OnText,
): number {
  let at = skipSpace(bytes, from, end);
  if (bytes[at] === COLON) at = skipSpace(bytes, at + 1, end);
  if (bytes[at] !== 0x7b) return from;
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
        // Of a text that was cut off the last byte is let go with the quote that is not there.
        if (isText && stop - 1 > at + 1) onText(bytes, at + 1, stop - 1);
        at = stop;
      }
      continue;
    }
    at++;
    if (isOpening(byte)) depth++;
    else if (isClosing(byte)) depth--;
    if (depth === 0) break;
  }
  return at;
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

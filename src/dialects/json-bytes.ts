/**
 * JSON strings and names, read where they lie in the bytes. Every function is linear in what it
 * passes over, whatever the bytes hold, and none assumes that they are valid JSON.
 */

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * Bytes looked at one by one before the native search takes over: it costs as much to call as it
 * takes to walk this far, so neither a million short strings nor one of 20 MB is slow.
 */
const nearBytes = 32;

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** `[` or `{`, which differ in one bit. */
export function isOpening(byte: number | undefined): boolean {
  return byte === 0x5b || byte === 0x7b;
}

/** `]` or `}`. */
export function isClosing(byte: number | undefined): boolean {
  return byte === 0x5d || byte === 0x7d;
}

/** Position after the quote that closes the string whose text begins at `from`; -1 without one. */
export function stringEnd(bytes: Uint8Array, from: number): number {
  const length = bytes.length;
  let at = from;
  for (;;) {
    const near = Math.min(at + nearBytes, length);
    while (at < near) {
      const byte = bytes[at];
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
    if (at >= length) return -1;
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) return -1;
    if (!isEscaped(bytes, at, quote)) return quote + 1;
    at = quote + 1;
  }
}

/** Whether an odd number of backslashes stands before `at`; none of those before `from` counts. */
function isEscaped(bytes: Uint8Array, from: number, at: number): boolean {
  let before = at - 1;
  while (before >= from && bytes[before] === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}

/** Which of `names` the text of a JSON string spells, with or without escapes; undefined: none. */
export function nameAt(
  bytes: Uint8Array,
  start: number,
  end: number,
  names: readonly string[],
): string | undefined {
  const length = end - start;
  for (const name of names) {
    // An escape only ever lengthens a name, so most names fall out by length alone.
    if (name.length <= length && spells(bytes, start, end, name)) return name;
  }
  return undefined;
}

/** `name` holds nothing but letters and underscores, which only `\uXXXX` can escape. */
function spells(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  let at = start;
  for (let index = 0; index < name.length; index++) {
    let code = bytes[at];
    at++;
    if (code === BACKSLASH) {
      if (bytes[at] !== 0x75 || at + 5 > end) return false;
      code = hexadecimal(bytes, at + 1);
      at += 5;
    }
    if (code !== name.charCodeAt(index)) return false;
  }
  return at === end;
}

/** The number that four hexadecimal digits mean; -1 when they are not that. */
function hexadecimal(bytes: Uint8Array, from: number): number {
  let value = 0;
  for (let at = from; at < from + 4; at++) {
    const byte = bytes[at] ?? 0;
    const letter = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
    else return -1;
  }
  return value;
}

/**
 * How much an answer has generated, as far as it can be seen: what an answer without usage (cut off,
 * client gone, provider silent about it) is billed by, and what ends a stream that passes its hold.
 * Reasoning that is not sent cannot be seen.
 *
 * Invariant: no more than {@link LIMITS.countedOutputBytesMax} bytes of text are kept.
 */
import { LIMITS } from "../base/limits.ts";
import type { GeneratedOutput } from "./usage-contract.ts";

/** About the ratio of English, for a provider that sends more than a token at once. */
const TEXT_BYTES_PER_TOKEN = 4;

const FIRST_KEPT_BYTES = 1_024;

/** A token's text is copied byte by byte: a view of it costs more. */
const COPIED_BYTES_MAX = 32;

export class OutputMeter {
  #textBytes = 0;
  #pieces = 0;
  #kept = new Uint8Array(0);
  #keptBytes = 0;

  /** The text from `start` to `end` as it stands in a JSON string. */
  readonly addText = (bytes: Uint8Array, start: number, end: number): void => {
    const isKeptSoFar = this.#keptBytes === this.#textBytes;
    this.#textBytes += end - start;
    if (!isKeptSoFar) return;
    const left = LIMITS.countedOutputBytesMax - this.#keptBytes;
    this.#keep(
      bytes,
      start,
      end - start <= left ? end : wholeCharacters(bytes, start, start + left),
    );
  };

  #keep(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(this.#keptBytes + end - start);
    if (end - start > COPIED_BYTES_MAX) this.#kept.set(bytes.subarray(start, end), this.#keptBytes);
    else this.#copy(bytes, start, end);
    this.#keptBytes += end - start;
  }

  #copy(bytes: Uint8Array, start: number, end: number): void {
    const kept = this.#kept;
    let to = this.#keptBytes;
    for (let at = start; at < end; at++) kept[to++] = bytes[at] ?? 0;
  }

  /** Counts what was added since the last piece as one; nothing added is no piece. */
  endPiece(textBytesBefore: number): void {
    if (this.#textBytes > textBytesBefore) this.#pieces += 1;
  }

  get textBytes(): number {
    return this.#textBytes;
  }

  /** Every piece is at least a token, because a provider sends one when it has one. */
  get tokens(): number {
    return Math.max(this.#pieces, Math.ceil(this.#textBytes / TEXT_BYTES_PER_TOKEN));
  }

  /** `tokensMin`: where content came that holds no text. */
  output(tokensMin: number): GeneratedOutput {
    return {
      tokens: Math.max(tokensMin, this.tokens),
      pieces: this.#pieces,
      textBytes: this.#textBytes,
      keptBytes: this.#keptBytes,
      text: () => decoded(this.#kept.subarray(0, this.#keptBytes)),
    };
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#kept.length) return;
    const doubled = Math.max(FIRST_KEPT_BYTES, 2 * this.#kept.length, bytes);
    const grown = new Uint8Array(Math.min(doubled, LIMITS.countedOutputBytesMax));
    grown.set(this.#kept);
    this.#kept = grown;
  }
}

/** As `\ud83d\ude00`. */
const ESCAPE_BYTES_MAX = 12;
const BACKSLASH = 0x5c;

/** The last position up to `end` at which the text can be cut within neither an escape nor a character. */
function wholeCharacters(bytes: Uint8Array, start: number, end: number): number {
  const from = Math.max(start, end - ESCAPE_BYTES_MAX);
  const escape = bytes.subarray(from, end).indexOf(BACKSLASH);
  let at = escape < 0 ? end : from + escape;
  while (at > start && (bytes[at - 1] === BACKSLASH || isWithinCharacter(bytes[at]))) at--;
  return at;
}

function isWithinCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Texts of JSON strings one after the other are the text of a JSON string. */
function decoded(bytes: Uint8Array): string {
  const escaped = new TextDecoder().decode(bytes);
  try {
    const text: unknown = JSON.parse(`"${escaped}"`);
    return typeof text === "string" ? text : escaped;
  } catch {
    // A stream that was cut within an escape; the escapes left in make a token more or less.
    return escaped;
  }
}

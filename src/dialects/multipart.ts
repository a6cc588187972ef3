/**
 * Looks through a client's multipart form (RFC 7578, RFC 2046) while it comes: where its parts stand and
 * what its fields say. Files are only counted, whatever they weigh: what is held is one block of bytes and
 * the bounded text of the fields.
 *
 * Invariant: what this finds is what every reader finds. The boundary stands nowhere but in delimiters
 * (RFC 2046, 5.1.1), lines end in CRLF, and a form that is otherwise is refused.
 */
import { assertNever } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import { partHeaders, type PartHeaders } from "./multipart-headers.ts";

/** What a form is made of; the bytes of its files were only counted. */
export type ClientForm = {
  readonly parts: readonly FormPart[];
  /** Hash of everything in it but its boundary, which clients make anew for each try; empty: not asked for. */
  readonly digest: string;
};

/** One part; `start` and `end` are where its content stands in the body. */
export type FormPart = {
  readonly name: string;
  /** null: it is a field. */
  readonly filename: string | null;
  readonly start: number;
  readonly end: number;
  /** Text of a field; null of a file, and of a field that is no text or longer than is kept. */
  readonly value: string | null;
  /** The first bytes of a file, for what its own header tells; empty of a field. */
  readonly head: Uint8Array;
};

/** Told of what the form says, in order: headers and contents, and how long each content was. */
export type FormHash = {
  readonly update: (bytes: Uint8Array) => unknown;
  readonly digest: (encoding: "hex") => string;
};

/** As much is looked at in one go; headers and what may be a delimiter fit into it many times. */
const BLOCK_BYTES = 64 * 1024;

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

const NO_END = "The form broke off before its last delimiter.";
const STRAY = "The form's boundary stands within a part, or on a line that does not end in CRLF.";

type Step =
  /** Before the first delimiter, or behind the last one. */
  | "preamble"
  | "epilogue"
  /** Right behind the boundary; behind the two dashes of the last one. */
  | "delimiter"
  | "last"
  | "headers"
  | "content";

/** The part whose content is coming. */
type Running = PartHeaders & {
  readonly start: number;
  /** Kept so far: of a field its text, of a file its head. */
  readonly kept: Uint8Array[];
  keptBytes: number;
  contentBytes: number;
};

export class MultipartScan {
  readonly #needle: Buffer;
  readonly #hash: FormHash | null;
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES);
  readonly #parts: FormPart[] = [];
  /** Where the block begins in the body, how far it is filled, and how far it was looked through. */
  #base = 0;
  #filled = 0;
  #at = 0;
  #step: Step = "preamble";
  #part: Running | null = null;
  #fieldBytes = 0;
  #problem: string | null = null;

  constructor(boundary: string, hash: FormHash | null) {
    this.#needle = Buffer.from(`--${boundary}`, "latin1");
    this.#hash = hash;
  }

  /** What is wrong with the form; then nothing more is looked at. */
  get problem(): string | null {
    return this.#problem;
  }

  push(chunk: Uint8Array): void {
    let taken = 0;
    while (taken < chunk.length && this.#problem === null) {
      const piece = chunk.subarray(taken, taken + BLOCK_BYTES - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      while (this.#problem === null && this.#takeStep());
      this.#moveUp();
    }
  }

  /** All of it has come; a text: what is wrong with it. */
  end(): ClientForm | string {
    if (this.#problem !== null) return this.#problem;
    if (this.#step !== "epilogue" && this.#step !== "last") return NO_END;
    return { parts: this.#parts, digest: this.#hash?.digest("hex") ?? "" };
  }

  /** False: more bytes must come first. */
  #takeStep(): boolean {
    switch (this.#step) {
      case "preamble":
      case "epilogue":
      case "content":
        return this.#toBoundary();
      case "delimiter":
        return this.#behindBoundary();
      case "last":
        return this.#lineEnd("epilogue");
      case "headers":
        return this.#readHeaders();
      default:
        return assertNever(this.#step);
    }
  }

  /** What is before the next boundary is content; the last bytes may be the begin of one. */
  #toBoundary(): boolean {
    const found = this.#filledBytes().indexOf(this.#needle, this.#at);
    if (found < 0) {
      const safe = this.#filled - this.#needle.length - 1;
      if (safe > this.#at) this.#content(safe);
      return false;
    }
    const isFirst = this.#step === "preamble" && this.#base + found === 0;
    const isOwnLine =
      found - 2 >= this.#at && this.#block[found - 2] === CR && this.#block[found - 1] === LF;
    if (this.#step === "epilogue" || !(isFirst || isOwnLine)) return this.#refuse(STRAY);
    if (!isFirst) this.#content(found - 2);
    this.#endPart(this.#base + found - 2);
    this.#at = found + this.#needle.length;
    this.#step = "delimiter";
    return true;
  }

  #behindBoundary(): boolean {
    const [first, second] = this.#block.subarray(this.#at, Math.min(this.#at + 2, this.#filled));
    if (second === undefined) return false;
    if (first === DASH && second === DASH) {
      this.#at += 2;
      this.#step = "last";
      return true;
    }
    return this.#lineEnd("headers");
  }

  /** White space may stand before the end of a delimiter's line. */
  #lineEnd(next: Step): boolean {
    let at = this.#at;
    while (at < this.#filled && (this.#block[at] === 0x20 || this.#block[at] === 0x09)) at += 1;
    if (at - this.#at > LIMITS.formHeaderBytesMax) return this.#refuse(STRAY);
    if (at + 1 >= this.#filled) {
      return at < this.#filled && this.#block[at] !== CR ? this.#refuse(STRAY) : false;
    }
    if (this.#block[at] !== CR || this.#block[at + 1] !== LF) return this.#refuse(STRAY);
    this.#at = at + 2;
    this.#step = next;
    return true;
  }

  #readHeaders(): boolean {
    const end = this.#filledBytes().indexOf("\r\n\r\n", this.#at);
    const isLong = (end < 0 ? this.#filled : end) - this.#at > LIMITS.formHeaderBytesMax;
    if (isLong) return this.#refuse("A part of the form has too long headers.");
    if (end < 0) return false;
    if (this.#parts.length >= LIMITS.formPartsMax) {
      return this.#refuse(`The form has more than ${LIMITS.formPartsMax} parts.`);
    }
    const block = this.#block.subarray(this.#at, end);
    const headers = partHeaders(block);
    if (typeof headers === "string") return this.#refuse(headers);
    this.#hashed(length(block.length));
    this.#hashed(block);
    this.#at = end + 4;
    const start = this.#base + this.#at;
    this.#part = { ...headers, start, kept: [], keptBytes: 0, contentBytes: 0 };
    this.#step = "content";
    return true;
  }

  /** Takes the bytes up to `end` as content of what is running. */
  #content(end: number): void {
    const bytes = this.#block.subarray(this.#at, end);
    this.#at = end;
    const part = this.#part;
    if (part === null) return;
    part.contentBytes += bytes.length;
    this.#hashed(bytes);
    const kept = bytes.subarray(0, this.#keptMax(part) - part.keptBytes);
    if (kept.length === 0) return;
    // A copy: the block is filled again.
    part.kept.push(new Uint8Array(kept));
    part.keptBytes += kept.length;
    if (part.filename === null) this.#fieldBytes += kept.length;
  }

  #keptMax({ filename, keptBytes }: Running): number {
    if (filename !== null) return LIMITS.formFileHeadBytes;
    const left = LIMITS.formFieldsBytesMax - this.#fieldBytes;
    return Math.min(LIMITS.formFieldBytesMax, keptBytes + left);
  }

  #endPart(end: number): void {
    const part = this.#part;
    if (part === null) return;
    this.#part = null;
    this.#hashed(length(part.contentBytes));
    const { name, filename, start, kept, keptBytes, contentBytes } = part;
    const bytes = Buffer.concat(kept);
    const isField = filename === null;
    const value = isField && keptBytes === contentBytes ? textOf(bytes) : null;
    const head = isField ? new Uint8Array(0) : bytes;
    this.#parts.push({ name, filename, start, end, value, head });
  }

  #hashed(bytes: Uint8Array): void {
    this.#hash?.update(bytes);
  }

  #refuse(problem: string): false {
    this.#problem = problem;
    return false;
  }

  #filledBytes(): Buffer {
    return this.#block.subarray(0, this.#filled);
  }

  /** Makes room: what was looked through is let go of. */
  #moveUp(): void {
    this.#block.copyWithin(0, this.#at, this.#filled);
    this.#base += this.#at;
    this.#filled -= this.#at;
    this.#at = 0;
  }
}

/** Behind a content it says where that began, so that two forms never hash the same bytes. */
function length(bytes: number): Uint8Array {
  return new TextEncoder().encode(bytes.toString(16).padStart(16, "0"));
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

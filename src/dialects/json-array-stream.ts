/**
 * A JSON array that comes in network chunks: the bytes of whole elements come out, each with what separates
 * it from the one before, and a visitor sees each element once. What comes out depends on the bytes alone,
 * never on how the network cut them.
 *
 * Invariant: what came out so far is the beginning of an array, to which elements can be added; the closing
 * bracket comes out only when whoever watches lets it.
 */
import { GatewayError } from "../base/error.ts";
import { COMMA, isClosing, isOpening, isSpace, QUOTE } from "./json-bytes.ts";

const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const heldBytesMin = 4_096;

export type ArrayVisitor = {
  /** Sees the element at `start` to `end` of `bytes`. */
  readonly element: (bytes: Uint8Array, start: number, end: number) => void;
  /** Whether the array may be closed where its closing bracket came; else the bracket is kept back. */
  readonly mayClose: () => boolean;
};

export class ArraySplitter {
  readonly #visitor: ArrayVisitor;
  readonly #elementBytesMax: number;
  /** What came behind the last whole element; positions count from its start. */
  #held = new Uint8Array(0);
  #heldLength = 0;
  #elementStart = -1;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isOpen = false;
  #state: "open" | "closed" | "kept_back" = "open";

  constructor(visitor: ArrayVisitor, elementBytesMax: number) {
    this.#visitor = visitor;
    this.#elementBytesMax = elementBytesMax;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Throws GatewayError `upstream_error` when an element passes the bound. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    if (chunk.length === 0 || this.#state === "kept_back") return [];
    if (this.#state === "closed") return [chunk];
    const isOurs = this.#heldLength > 0;
    const from = this.#heldLength;
    const bytes = isOurs ? this.#append(chunk) : chunk;
    const passed = this.#scan(bytes, from);
    this.#hold(bytes, passed, isOurs);
    return passed === 0 ? [] : [bytes.subarray(0, passed)];
  }

  /** Up to where the bytes may be passed on. */
  #scan(bytes: Uint8Array, from: number): number {
    let passed = 0;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInString = false;
      } else if (this.#elementStart < 0) {
        if (isSpace(byte) || byte === COMMA) continue;
        if (byte === OPENING_BRACKET && !this.#isOpen) {
          this.#isOpen = true;
          continue;
        }
        if (isClosing(byte)) return this.#close(bytes, passed);
        this.#elementStart = at;
        this.#isInString = byte === QUOTE;
        this.#depth = isOpening(byte) ? 1 : 0;
      } else if (byte === QUOTE) {
        this.#isInString = true;
      } else if (isOpening(byte)) {
        this.#depth++;
      } else if (isClosing(byte)) {
        // A number or word ends where the array does; Google's elements are objects.
        if (this.#depth === 0) return this.#close(bytes, passed);
        this.#depth--;
        if (this.#depth > 0) continue;
        this.#bound(at + 1 - this.#elementStart);
        this.#visitor.element(bytes, this.#elementStart, at + 1);
        this.#elementStart = -1;
        passed = at + 1;
      } else if (byte === COMMA && this.#depth === 0) {
        this.#elementStart = -1;
      }
    }
    return passed;
  }

  #close(bytes: Uint8Array, passed: number): number {
    const mayClose = this.#visitor.mayClose();
    this.#state = mayClose ? "closed" : "kept_back";
    return mayClose ? bytes.length : passed;
  }

  /** Keeps what is begun. A slice was handed out of our memory if any element ended in it. */
  #hold(bytes: Uint8Array, from: number, isOurs: boolean): void {
    const rest = this.#state === "open" ? bytes.length - from : 0;
    this.#bound(rest);
    this.#heldLength = rest;
    if (this.#elementStart >= 0) this.#elementStart -= from;
    if (rest === 0) {
      this.#held = new Uint8Array(0);
    } else if (!isOurs || from > 0) {
      this.#held = new Uint8Array(Math.max(heldBytesMin, rest));
      this.#held.set(bytes.subarray(from));
    }
  }

  #append(chunk: Uint8Array): Uint8Array {
    const length = this.#heldLength + chunk.length;
    if (length > this.#held.length) {
      const grown = new Uint8Array(Math.max(length, this.#held.length * 2));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    this.#held.set(chunk, this.#heldLength);
    return this.#held.subarray(0, length);
  }

  #bound(elementBytes: number): void {
    if (elementBytes <= this.#elementBytesMax) return;
    throw new GatewayError("upstream_error", {
      message: "The provider sent an element that is too long.",
    });
  }
}

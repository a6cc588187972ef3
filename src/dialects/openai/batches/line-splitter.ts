/**
 * The lines of a file of JSON texts, one a line, found while the file comes in pieces. Held is the one line
 * whose end has not come, within a bound; lines of nothing but white space are none.
 */
import { isSpace } from "../../json-bytes.ts";

export type Line<Memory extends ArrayBufferLike> = {
  /** Counts from 1, blank lines included. */
  readonly number: number;
  /** Where it begins in the file. */
  readonly start: number;
  /** Without its newline, to be read before the next line is asked for; null: it is longer than the bound. */
  readonly bytes: Uint8Array<Memory | ArrayBuffer> | null;
};

const NEWLINE = 0x0a;
const HELD_BYTES_MIN = 4_096;

export class LineSplitter<Memory extends ArrayBufferLike> {
  readonly #bytesMax: number;
  #number = 1;
  #start = 0;
  /** What came of the line: held up to the bound, counted to its end. */
  #held = new Uint8Array(0);
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes of memory that it takes now. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Lines that end within the piece. All of them must be taken. */
  *push(piece: Uint8Array<Memory>): Generator<Line<Memory>, undefined> {
    let at = 0;
    for (;;) {
      const newline = piece.indexOf(NEWLINE, at);
      if (newline < 0) break;
      const rest = piece.subarray(at, newline);
      at = newline + 1;
      yield* this.#lineWith(rest);
      this.#start += this.#bytes + 1;
      this.#bytes = 0;
      this.#number += 1;
    }
    this.#hold(piece.subarray(at));
  }

  /** The last line, if no newline ends it. */
  *end(): Generator<Line<Memory>, undefined> {
    yield* this.#lineWith(new Uint8Array(0));
  }

  *#lineWith(rest: Uint8Array<Memory | ArrayBuffer>): Generator<Line<Memory>, undefined> {
    const isWhole = this.#bytes === 0;
    if (isWhole) this.#bytes = rest.length;
    else this.#hold(rest);
    const { number, start } = { number: this.#number, start: this.#start };
    if (this.#bytes > this.#bytesMax) {
      yield { number, start, bytes: null };
      return;
    }
    const bytes = isWhole ? rest : this.#held.subarray(0, this.#bytes);
    if (!bytes.every(isSpace)) yield { number, start, bytes };
  }

  #hold(bytes: Uint8Array): void {
    const before = this.#bytes;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#bytesMax) {
      // Nobody will read it.
      this.#held = new Uint8Array(0);
      return;
    }
    if (this.#bytes > this.#held.length) {
      const doubled = Math.max(HELD_BYTES_MIN, 2 * this.#held.length, this.#bytes);
      const grown = new Uint8Array(Math.min(doubled, this.#bytesMax));
      grown.set(this.#held.subarray(0, before));
      this.#held = grown;
    }
    this.#held.set(bytes, before);
  }
}

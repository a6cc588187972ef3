/**
 * A body as it comes, piece by piece. A client chooses how small the pieces are (each chunk of a
 * chunked body is one), and a piece weighs some hundred bytes beside its content: many small ones are
 * joined on the way, so that what is held is what has come and little more.
 */

/** A piece of at least this many bytes is kept as it is. */
const LARGE_BYTES = 64 * 1024;
/** So many smaller ones are joined; each byte is copied a thousand times less often than it is read. */
const SMALL_COUNT = 64;

export class BytePieces {
  #pieces: Uint8Array[] = [];
  #small = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Of how many pieces it is kept. */
  get count(): number {
    return this.#pieces.length;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#length += piece.byteLength;
    if (piece.byteLength >= LARGE_BYTES) return;
    this.#small += 1;
    if (this.#small >= SMALL_COUNT) this.#joinSmall();
  }

  clear(): void {
    this.#pieces = [];
    this.#small = 0;
    this.#length = 0;
  }

  /** All of it; without a copy where it came in one piece. */
  joined(): Uint8Array<ArrayBuffer> {
    return joined(this.#pieces);
  }

  /** Joins the last ones up to a large one, with what was joined before and is not large yet. */
  #joinSmall(): void {
    const last = this.#pieces.findLastIndex((piece) => piece.byteLength >= LARGE_BYTES);
    this.#pieces.push(joined(this.#pieces.splice(last + 1)));
    this.#small = 0;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [only] = pieces;
  if (pieces.length === 1 && only?.buffer instanceof ArrayBuffer) {
    return new Uint8Array(only.buffer, only.byteOffset, only.byteLength);
  }
  const bytes = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}

/**
 * A body that is sent from a spool, with single values of it replaced: read as the upstream takes it, and
 * as often as there are attempts.
 */
import { assert } from "../../base/assert.ts";
import { GatewayError } from "../../base/error.ts";
import type { Edit } from "../../dialects/splice.ts";
import type { Spool } from "../exchange.ts";

/** Read at once: the only memory of ours that a body takes while it is sent. */
const PIECE_BYTES = 128 * 1024;

/** A body that is made while it is sent. */
export type StreamedBody = {
  readonly byteLength: number;
  /**
   * From its begin; `onRead` is told of every piece that is taken. A piece is the reader's until it asks
   * for the next one: Bun 1.4.4 copies what it takes to send. New memory for each would be garbage of some
   * 20 MB while 200 MB are sent.
   */
  readonly open: (onRead: () => void) => ReadableStream<Uint8Array>;
  /** Why it could not be read to its end; null: it could, so far. */
  readonly failure: () => GatewayError | null;
};

type Controller = {
  readonly enqueue: (piece: Uint8Array) => void;
  readonly close: () => void;
  readonly error: (error: unknown) => void;
};

/** Bytes of the spool, or in their place others. */
type Stretch = { readonly start: number; readonly end: number } | Uint8Array;

export function spooledBody(spool: Spool, edits: readonly Edit[]): StreamedBody {
  const stretches = stretchesOf(spool.byteLength, edits);
  let failure: GatewayError | null = null;
  return {
    byteLength: stretches.reduce((sum, stretch) => sum + lengthOf(stretch), 0),
    failure: () => failure,
    open: (onRead) => {
      const pieces = piecesOf(spool, stretches);
      const pull = async (controller: Controller): Promise<void> => {
        try {
          const { done, value } = await pieces.next();
          onRead();
          if (done === true) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          failure = new GatewayError("internal_error", {}, error);
          controller.error(failure);
        }
      };
      // Nothing is read ahead of what the upstream takes.
      return new ReadableStream({ pull }, { highWaterMark: 0 });
    },
  };
}

/** One behind the other, as many as there are values to be replaced and one more, twice. */
function stretchesOf(byteLength: number, edits: readonly Edit[]): Stretch[] {
  const stretches: Stretch[] = [];
  const encoder = new TextEncoder();
  let at = 0;
  let last = { text: "", bytes: new Uint8Array(0) };
  for (const { start, end, text } of edits.toSorted((one, other) => one.start - other.start)) {
    assert(start >= at && end >= start && end <= byteLength, "an edit lies where none can be");
    // All lines of a batch are given one name.
    if (text !== last.text) last = { text, bytes: encoder.encode(text) };
    stretches.push({ start: at, end: start }, last.bytes);
    at = end;
  }
  stretches.push({ start: at, end: byteLength });
  return stretches;
}

function lengthOf(stretch: Stretch): number {
  return stretch instanceof Uint8Array ? stretch.byteLength : stretch.end - stretch.start;
}

/** Full blocks, whatever the stretches weigh. */
async function* piecesOf(
  spool: Spool,
  stretches: readonly Stretch[],
): AsyncGenerator<Uint8Array, undefined> {
  const source = new SpoolWindow(spool);
  const block = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  for (const stretch of stretches) {
    const length = lengthOf(stretch);
    for (let taken = 0; taken < length;) {
      const wanted = Math.min(length - taken, block.length - filled);
      const bytes =
        stretch instanceof Uint8Array
          ? stretch.subarray(taken, taken + wanted)
          : await source.at(stretch.start + taken, wanted);
      block.set(bytes, filled);
      filled += bytes.length;
      taken += bytes.length;
      if (filled < block.length) continue;
      yield block;
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** Bytes of a spool, of which a block is read at once: stretches of few bytes must not be reads of their own. */
class SpoolWindow {
  readonly #spool: Spool;
  readonly #block = new Uint8Array(PIECE_BYTES);
  #start = 0;
  #bytes = 0;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** At least one and at most `wanted` bytes from `place` on, until the next ones are asked for. */
  async at(place: number, wanted: number): Promise<Uint8Array> {
    const isRead = place >= this.#start && place < this.#start + this.#bytes;
    if (!isRead) {
      this.#bytes = await this.#spool.read(this.#block, place);
      this.#start = place;
      assert(this.#bytes > 0, "a spool ended before its end");
    }
    const from = place - this.#start;
    return this.#block.subarray(from, Math.min(from + wanted, this.#bytes));
  }
}

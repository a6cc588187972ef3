/**
 * What one exchange answers, for everybody who gets it: its head once that is known, then a stream's
 * bytes in pieces as they come. One writer, many readers, each at a place of its own.
 *
 * Invariants: every reader gets the same bytes in the same order. The newest bytes are kept, up to a
 * bound: a reader that falls behind them is ended, so it holds nobody back; the writer waits only
 * where all of its readers are that far behind. What nobody can read any more is let go of.
 */
import { assert } from "../../base/assert.ts";
import type { ErrorCode } from "../../base/error.ts";
import { LIMITS } from "../../base/limits.ts";
import { Reader, type Pieces } from "./reader.ts";

/** An answer but for the bytes of a stream. */
export type Head = {
  readonly status: number;
  /** But for what is about one's request, which everybody has of their own. */
  readonly headers: Readonly<Record<string, string>>;
  /** null: a stream, whose bytes are the recording's pieces. */
  readonly body: Uint8Array<ArrayBuffer> | string | null;
  readonly errorCode: ErrorCode | null;
  /** A failure that is about whoever asked first, and says nothing of what another one would get. */
  readonly isOwnFailure: boolean;
  /** The target that served it. */
  readonly served: { readonly provider: string; readonly model: string } | null;
};

/** What all recordings together take. */
export interface Room {
  /** True when they take more than they may. */
  readonly isShort: () => boolean;
  /** Counts bytes in, or, below zero, out. */
  readonly count: (bytes: number) => void;
  /** A recording was let go of. */
  readonly leave: () => void;
}

/** `eventNumber`: of the last event up to its end; 0 before the first and where they have no numbers. */
type Piece = { readonly bytes: Uint8Array; readonly eventNumber: number };

/** What a piece takes in memory beside its bytes. */
const PIECE_BYTES = 128;

export class Recording implements Pieces {
  /** The exchange whose answer it is. */
  readonly requestId: string;
  readonly #room: Room;
  readonly #head = Promise.withResolvers<Head>();
  readonly #readers = new Set<Reader>();
  #pieces: Piece[] = [];
  /** Place of the first piece that is kept; places count from the begin of the answer. */
  #first = 0;
  #takenBytes = 0;
  /** The writer, and whoever else wants it kept although nobody reads. */
  #keepers = 1;
  #errorCode: ErrorCode | null = null;
  #isEnded = false;
  #isClosed = false;
  #isForgotten = false;
  #isBytes = false;
  #isBroken = false;
  #roomAgain: PromiseWithResolvers<number> | null = null;
  /** Told how many read, whenever that changes. */
  onReaders: (count: number) => void = () => undefined;

  constructor(requestId: string, room: Room) {
    this.requestId = requestId;
    this.#room = room;
  }

  get head(): Promise<Head> {
    return this.#head.promise;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** With what a stream ended instead of its provider's end; null: it did not. */
  get errorCode(): ErrorCode | null {
    return this.#errorCode;
  }

  /** Its bytes are no events: who does not get all of them can only be cut off. */
  get isBytes(): boolean {
    return this.#isBytes;
  }

  holdBytes(): void {
    this.#isBytes = true;
  }

  /** What was written is not the whole answer, and nothing in it says so. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  breakOff(): void {
    this.#isBroken = true;
  }

  begin(head: Head): void {
    this.#head.resolve(head);
  }

  /** A promise where the writer has to wait until somebody has read on. */
  write(bytes: Uint8Array, eventNumber = 0): number | Promise<number> {
    assert(!this.#isEnded, "a recording that has ended was written to");
    this.#pieces.push({ bytes, eventNumber });
    this.#count(bytes.byteLength + PIECE_BYTES);
    for (const reader of this.#readers) reader.wake();
    if (this.#fits()) return bytes.byteLength;
    this.#roomAgain ??= Promise.withResolvers();
    return this.#roomAgain.promise;
  }

  /** Nothing more comes. */
  end(errorCode: ErrorCode | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#errorCode = errorCode;
    for (const reader of this.#readers) reader.wake();
    this.letGo();
  }

  /** Nobody new gets it: what will still come is not the whole answer. */
  close(): void {
    this.#isClosed = true;
  }

  keep(): void {
    this.#keepers += 1;
  }

  letGo(): void {
    this.#keepers -= 1;
    this.#forgetIfUnused();
  }

  /** null: what comes at that place is not kept any more, or was never there. */
  attach(place: number): Reader | null {
    if (this.#isClosed || place < this.#first || place > this.#endPlace) return null;
    const reader = new Reader(this, place);
    this.#readers.add(reader);
    this.onReaders(this.#readers.size);
    return reader;
  }

  detach(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.onReaders(this.#readers.size);
    this.advanced();
    this.#forgetIfUnused();
  }

  /** What is at a place; null: nothing yet, or nothing more. */
  at(place: number): Uint8Array | null {
    return this.#pieces[place - this.#first]?.bytes ?? null;
  }

  /** Somebody has read on or left: a writer that waits may have room again. */
  advanced(): void {
    if (this.#roomAgain === null || !this.#fits()) return;
    this.#roomAgain.resolve(0);
    this.#roomAgain = null;
  }

  /** The place behind an event; null when it is not kept any more, or was never there. */
  placeAfter(eventNumber: number): number | null {
    if (eventNumber === 0) return this.#first === 0 ? 0 : null;
    const index = this.#pieces.findLastIndex((piece) => piece.eventNumber === eventNumber);
    return index < 0 ? null : this.#first + index + 1;
  }

  /** All bytes of a stream from its begin on; null where they are more than that. */
  whole(bytesMax: number): Uint8Array<ArrayBuffer> | null {
    const length = this.#pieces.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    if (this.#first > 0 || length > bytesMax) return null;
    const all = new Uint8Array(length);
    let at = 0;
    for (const { bytes } of this.#pieces) {
      all.set(bytes, at);
      at += bytes.byteLength;
    }
    return all;
  }

  get #endPlace(): number {
    return this.#first + this.#pieces.length;
  }

  /** Drops the oldest pieces until the rest may be kept; false where that would end all readers. */
  #fits(): boolean {
    while (this.#isOver()) {
      const behind = [...this.#readers].filter(({ place }) => place === this.#first);
      if (behind.length > 0 && behind.length === this.#readers.size) return false;
      this.#drop();
      for (const reader of behind) reader.interrupt("gateway_overloaded");
    }
    return true;
  }

  #isOver(): boolean {
    if (this.#pieces.length === 0) return false;
    return this.#takenBytes > LIMITS.recordingBytesMax || this.#room.isShort();
  }

  #drop(): void {
    const dropped = this.#pieces.shift();
    assert(dropped, "there is a piece to drop");
    this.#first += 1;
    this.#count(-dropped.bytes.byteLength - PIECE_BYTES);
  }

  #count(bytes: number): void {
    this.#takenBytes += bytes;
    this.#room.count(bytes);
  }

  #forgetIfUnused(): void {
    if (this.#keepers > 0 || this.#readers.size > 0 || this.#isForgotten) return;
    this.#isForgotten = true;
    this.#isClosed = true;
    this.#count(-this.#takenBytes);
    this.#first = this.#endPlace;
    this.#pieces = [];
    this.#room.leave();
  }
}

/**
 * One reader of a recording: how far it has read, and why it must stop before the end. It waits for
 * whatever comes first, more to read or an interruption, and is woken for either.
 */
import type { ErrorCode } from "../../base/error.ts";

/** What a reader reads: the pieces of a recording. */
export interface Pieces {
  /** Its bytes are no events, so that nothing can be said among them. */
  readonly isBytes: boolean;
  /** What was written is not the whole answer. */
  readonly isBroken: boolean;
  /** The exchange whose answer it is. */
  readonly requestId: string;
  readonly isEnded: boolean;
  /** What is at a place; null: nothing yet, or nothing more. */
  readonly at: (place: number) => Uint8Array | null;
  /** Somebody has read on. */
  readonly advanced: () => void;
  readonly detach: (reader: Reader) => void;
}

/** Why a reader stops: with an error that its client is told, or because there is no client any more. */
type Interruption = ErrorCode | "client_gone";

export class Reader {
  readonly recording: Pieces;
  #place: number;
  #interruption: Interruption | null = null;
  #wake: (() => void) | null = null;

  constructor(recording: Pieces, place: number) {
    this.recording = recording;
    this.#place = place;
  }

  get place(): number {
    return this.#place;
  }

  /** null while it may read on. */
  get interruption(): Interruption | null {
    return this.#interruption;
  }

  /** The next piece; null: nothing yet, or nothing more. */
  next(): Uint8Array | null {
    const bytes = this.recording.at(this.#place);
    if (bytes === null) return null;
    this.#place += 1;
    this.recording.advanced();
    return bytes;
  }

  /** Until something has changed; who waits looks again. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  interrupt(why: Interruption): void {
    this.#interruption ??= why;
    this.recording.detach(this);
    this.wake();
  }

  leave(): void {
    this.interrupt("client_gone");
  }
}

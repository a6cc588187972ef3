/**
 * How the bytes of an answer's body leave. The direct writer hands them over as they come. The
 * shaped writer obeys `cut_at`, `split_at` and `split_every` to the byte: each piece is one network
 * write, and a cut drops the connection only after the piece before it is out, without ending the
 * message. Bytes are counted in the body as it travels, without the chunk framing around it.
 *
 * node:http is used because Bun.serve holds the headers back until the first byte, loses what was
 * flushed last when a stream fails, and cannot drop a connection before an answer (Bun 1.4.4).
 */

import type { ServerResponse } from "node:http";
import type { Received } from "./received.ts";
import type { Script } from "./script-members.ts";
import type { TickWheel, Waiting } from "./tick-wheel.ts";

/** Where the bytes of a body go, in order, each byte once. */
export interface BodyWriter {
  /** No piece needs a boundary of its own. */
  readonly isDirect: boolean;
  /** True when more may follow at once; otherwise `resume` is called when it may. */
  readonly write: (bytes: Uint8Array, resume: () => void) => boolean;
  /** Ends the message properly after everything written. */
  readonly end: () => void;
  /** The connection is gone: forgets what still waits. */
  readonly stop: () => void;
}

/** The writer that this script needs; only a shaped one costs more than node:http itself. */
export function bodyWriter(
  response: ServerResponse,
  received: Received,
  script: Script,
  wheel: TickWheel,
): BodyWriter {
  const isShaped =
    script.cut_at !== undefined ||
    script.split_at !== undefined ||
    script.split_every !== undefined;
  return isShaped
    ? new ShapedWriter(response, received, script, wheel)
    : new DirectWriter(response, received);
}

/** Drops the connection as it stands, with no end of the message. */
export function dropConnection(response: ServerResponse, received: Received): void {
  received.isCut = true;
  response.socket?.destroy();
}

/** Writes through; back-pressure is the connection's own. */
class DirectWriter implements BodyWriter {
  readonly isDirect = true;
  readonly #response: ServerResponse;
  readonly #received: Received;

  constructor(response: ServerResponse, received: Received) {
    this.#response = response;
    this.#received = received;
  }

  write(bytes: Uint8Array, resume: () => void): boolean {
    this.#received.bodyBytesSent += bytes.byteLength;
    const isReady = this.#response.write(bytes);
    if (!isReady) {
      this.#response.once("drain", resume);
    }
    return isReady;
  }

  end(): void {
    this.#response.end();
  }

  stop(): void {
    this.#response.removeAllListeners("drain");
  }
}

/** Writes piece by piece, the next one when the one before has left. */
class ShapedWriter implements BodyWriter {
  readonly isDirect = false;
  readonly #response: ServerResponse;
  readonly #received: Received;
  readonly #wheel: TickWheel;
  readonly #cutAt: number;
  readonly #splitAt: number;
  readonly #splitEvery: number;
  readonly #pauseMs: number;
  #queue: Uint8Array[] = [];
  #pause: Waiting | undefined;
  #isWriting = false;
  #isEnding = false;
  #resume: (() => void) | undefined;

  constructor(response: ServerResponse, received: Received, script: Script, wheel: TickWheel) {
    this.#response = response;
    this.#received = received;
    this.#wheel = wheel;
    this.#cutAt = script.cut_at ?? Number.POSITIVE_INFINITY;
    this.#splitAt = script.split_at ?? Number.POSITIVE_INFINITY;
    this.#splitEvery = script.split_every ?? Number.POSITIVE_INFINITY;
    this.#pauseMs = script.split_pause_ms ?? (script.split_every === undefined ? 5 : 0);
  }

  write(bytes: Uint8Array, resume: () => void): boolean {
    this.#queue.push(bytes);
    this.#resume = resume;
    this.#writeNext();
    return false;
  }

  end(): void {
    this.#isEnding = true;
    this.#writeNext();
  }

  stop(): void {
    this.#queue = [];
    this.#resume = undefined;
    if (this.#pause !== undefined) {
      this.#wheel.cancel(this.#pause);
    }
  }

  /** One piece up to the next boundary; the next one follows when this one is out. */
  #writeNext(): void {
    if (this.#isWriting) {
      return;
    }
    const offset = this.#received.bodyBytesSent;
    if (offset === this.#cutAt) {
      this.#cut(offset);
      return;
    }
    const bytes = this.#queue.shift();
    if (bytes === undefined) {
      this.#askForMore();
      return;
    }
    const boundary = this.#boundaryAfter(offset);
    const piece = bytes.subarray(0, boundary - offset);
    if (piece.byteLength < bytes.byteLength) {
      this.#queue.unshift(bytes.subarray(piece.byteLength));
    }
    this.#isWriting = true;
    this.#received.bodyBytesSent += piece.byteLength;
    const isAtBoundary = this.#received.bodyBytesSent === boundary;
    // The callback comes when the piece has left our buffers, so a cut never takes bytes back.
    this.#response.write(piece, () => this.#pieceLeft(isAtBoundary));
  }

  /** After a split comes a pause, or at least a turn of the event loop. */
  #pieceLeft(isAtBoundary: boolean): void {
    const goOn = (): void => {
      this.#isWriting = false;
      this.#writeNext();
    };
    if (!isAtBoundary || this.#received.bodyBytesSent === this.#cutAt) {
      goOn();
    } else if (this.#pauseMs === 0) {
      setImmediate(goOn);
    } else {
      this.#pause = this.#wheel.after(this.#pauseMs, goOn);
    }
  }

  /** Drops the connection at its byte; nothing is written afterwards. */
  #cut(offset: number): void {
    this.#isWriting = true;
    if (offset > 0) {
      dropConnection(this.#response, this.#received);
      return;
    }
    // No piece has carried the headers out yet: they leave with this turn of the event loop.
    this.#response.flushHeaders();
    this.#pause = this.#wheel.after(1, () => dropConnection(this.#response, this.#received));
  }

  /** The next byte of the body after which something is to happen; Infinity for none. */
  #boundaryAfter(offset: number): number {
    const split = this.#splitAt > offset ? this.#splitAt : Number.POSITIVE_INFINITY;
    const every = Number.isFinite(this.#splitEvery)
      ? (Math.floor(offset / this.#splitEvery) + 1) * this.#splitEvery
      : Number.POSITIVE_INFINITY;
    return Math.min(this.#cutAt, split, every);
  }

  /** The queue is empty: ends the message, or tells whoever writes to go on. */
  #askForMore(): void {
    if (this.#isEnding) {
      this.#response.end();
      return;
    }
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}

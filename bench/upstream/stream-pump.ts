/**
 * Delivers a stream step by step. Waits are measured from the start of the stream, so a late frame
 * does not delay the ones after it. Frames between two waits leave in one write; a slow client
 * stops the pump, so that no more than one batch is ever buffered here.
 */

import { bodyWriter, type BodyWriter } from "./body-writer.ts";
import { replyHeaders, wantsGzip } from "./deliver.ts";
import { GzipEncoder } from "./gzip.ts";
import type { Waiting } from "./tick-wheel.ts";
import type { Turn } from "./turn.ts";
import type { ReportedUsage } from "./usage.ts";

/** Nothing more is ever sent, and the connection stays. */
export const stall = Symbol("stall");

/** A frame to send, the same with what it reports as used, milliseconds to wait, or silence. */
export type Step = string | { frame: string; usage: ReportedUsage } | number | typeof stall;

/** Frames without a wait between them are sent together up to this size. */
const batchCharactersMax = 65_536;

/** Sends the headers of an event stream and then `steps` until they end or the client goes. */
export function pumpStream(turn: Turn, steps: Iterator<Step>): void {
  const { response, received, world, script } = turn;
  const isGzip = wantsGzip(turn);
  world.tally.answering(received, script.status ?? 200);
  response.writeHead(script.status ?? 200, {
    "cache-control": "no-cache",
    ...replyHeaders(turn, "text/event-stream; charset=utf-8", isGzip),
  });
  const pump = new StreamPump(turn, steps, isGzip ? new GzipEncoder() : undefined);
  turn.stop = () => pump.stop();
  pump.run();
}

class StreamPump {
  readonly #turn: Turn;
  readonly #steps: Iterator<Step>;
  readonly #gzip: GzipEncoder | undefined;
  readonly #writer: BodyWriter;
  #batch = "";
  #bytesWritten = 0;
  /** When the next step is due; moves by the waits alone, so that lateness does not add up. */
  #dueMs: number;
  #isWaitDue = false;
  #isAtEnd = false;
  #isStopped = false;
  #waiting: Waiting | undefined;

  constructor(turn: Turn, steps: Iterator<Step>, gzip: GzipEncoder | undefined) {
    this.#turn = turn;
    this.#steps = steps;
    this.#gzip = gzip;
    this.#writer = bodyWriter(turn.response, turn.received, turn.script, turn.world.wheel);
    this.#dueMs = turn.world.wheel.nowMs();
  }

  /** Goes as far as it can; called again after each wait and each pause of the client. */
  readonly run = (): void => {
    while (!this.#isStopped && !this.#waits()) {
      if (this.#isAtEnd) {
        this.#writer.end();
        return;
      }
      if (!this.#take(this.#steps.next())) {
        return;
      }
    }
  };

  stop(): void {
    this.#isStopped = true;
    this.#writer.stop();
    if (this.#waiting !== undefined) {
      this.#turn.world.wheel.cancel(this.#waiting);
    }
  }

  /** Starts the wait that the last step asked for; false when there is none or it is over. */
  #waits(): boolean {
    if (!this.#isWaitDue) {
      return false;
    }
    this.#isWaitDue = false;
    const { wheel } = this.#turn.world;
    if (this.#dueMs <= wheel.nowMs()) {
      return false;
    }
    this.#waiting = wheel.at(this.#dueMs, this.run);
    return true;
  }

  /** Takes one step; false when `run` is to return and will be called again, or never. */
  #take(next: IteratorResult<Step, unknown>): boolean {
    if (next.done === true) {
      this.#isAtEnd = true;
      return this.#flush();
    }
    const step = next.value;
    if (typeof step === "string") {
      this.#batch += step;
      return this.#batch.length < batchCharactersMax || this.#flushAndYield();
    }
    if (typeof step === "number") {
      this.#dueMs += step;
      this.#isWaitDue = true;
      return this.#flush();
    }
    if (step === stall) {
      this.#flush();
      this.#isStopped = true;
      return false;
    }
    this.#batch += step.frame;
    const untilByte =
      this.#gzip === undefined
        ? this.#bytesWritten + Buffer.byteLength(this.#batch)
        : Number.POSITIVE_INFINITY;
    this.#turn.usage = { reported: step.usage, untilByte };
    return true;
  }

  /** Hands the batch over; false when the client must first read. */
  #flush(): boolean {
    const text = Buffer.from(this.#batch);
    this.#batch = "";
    const bytes = this.#gzip === undefined ? text : this.#compress(this.#gzip, text);
    if (bytes.byteLength === 0) {
      // The first step was a wait: the headers leave without it.
      this.#turn.response.flushHeaders();
      return true;
    }
    this.#bytesWritten += bytes.byteLength;
    return this.#writer.write(bytes, this.run);
  }

  /** A reader as fast as we are would otherwise keep the event loop from everybody else. */
  #flushAndYield(): boolean {
    if (this.#flush()) {
      setImmediate(this.run);
    }
    return false;
  }

  #compress(gzip: GzipEncoder, text: Uint8Array): Uint8Array {
    const block = text.byteLength === 0 ? text : gzip.encode(text);
    return this.#isAtEnd ? Buffer.concat([block, gzip.finish()]) : block;
  }
}

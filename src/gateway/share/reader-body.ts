/**
 * The body of a client that reads a recording: piece by piece, no faster than the client takes them,
 * so that a slow one costs its own socket and nothing else. One that is interrupted is told why by an
 * error event; one that takes nothing any more is, so that it does not keep the recording for ever.
 */
import { ERRORS, type ErrorCode } from "../../base/error.ts";
import { LIMITS } from "../../base/limits.ts";
import { errorPart } from "../../dialects/framing.ts";
import { isSpace } from "../../dialects/json-bytes.ts";
import type { ClientCall } from "../exchange.ts";
import type { Sink } from "../sink.ts";
import type { Deadline, Watchdog } from "../watchdog.ts";
import type { Reader } from "./reader.ts";

export type ReaderClient = {
  /** What it called, for the words of an error. */
  readonly call: Pick<ClientCall, "dialect" | "codec">;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Called once, when nothing more goes to this client. */
  readonly onEnd: () => void;
  readonly watchdog: Pick<Watchdog, "deadline">;
};

/** As much is handed to the client's socket before it is flushed. */
const FLUSH_BYTES = 64 * 1024;

export function readerBody(reader: Reader, client: ReaderClient): ReadableStream<Uint8Array> {
  const sinkReady = Promise.withResolvers<Sink | null>();
  const leave = (): void => {
    reader.leave();
    sinkReady.resolve(null);
  };
  const stalled = client.watchdog.deadline(() => reader.interrupt("gateway_overloaded"));
  const copied = copy(reader, client, sinkReady.promise, stalled).finally(() => {
    stalled.disarm();
    client.signal.removeEventListener("abort", leave);
    reader.leave();
    client.onEnd();
  });
  if (client.signal.aborted) leave();
  else client.signal.addEventListener("abort", leave, { once: true });
  return new ReadableStream({
    type: "direct",
    pull(controller) {
      sinkReady.resolve(controller);
      return copied;
    },
    cancel: leave,
  });
}

/** Does not depend on anybody reading the body: an interruption ends it all the same. */
async function copy(
  reader: Reader,
  client: ReaderClient,
  sinkReady: Promise<Sink | null>,
  stalled: Deadline,
): Promise<void> {
  const { recording } = reader;
  const sink = await sinkReady;
  if (sink === null) return;
  let hasBegun = false;
  const onPiece = (piece: Uint8Array): void => {
    hasBegun ||= !piece.every(isSpace);
  };
  while (reader.interruption === null) {
    const unwritten = writeSome(reader, sink, onPiece);
    if (unwritten === "nothing") {
      if (recording.isEnded) break;
      await reader.wait();
    } else if (unwritten !== null) {
      stalled.arm(LIMITS.stalledReaderMs);
      await untilWritten(reader, unwritten);
      stalled.pause();
    }
  }
  const why = reader.interruption;
  if (why === "client_gone") return;
  if (recording.isBroken || (why !== null && recording.isBytes)) {
    sink.close(new Error(why ?? "cut"));
    return;
  }
  if (why !== null) {
    const last = sink.write(lastPart(client, recording.requestId, why, hasBegun));
    sink.flush();
    // Whoever takes no byte any more must not keep this open: closing ends the connection.
    if (typeof last !== "number") void last;
  }
  sink.close();
}

/** Writes what is there, up to a bound; a promise to wait for when the client is slow. */
function writeSome(
  reader: Reader,
  sink: Sink,
  onPiece: (piece: Uint8Array) => void,
): Promise<unknown> | "nothing" | null {
  let unwritten: Promise<unknown> | null = null;
  let bytes = 0;
  for (let piece = reader.next(); piece !== null; piece = reader.next()) {
    onPiece(piece);
    const written = sink.write(piece);
    if (typeof written !== "number") unwritten = written;
    bytes += piece.byteLength;
    if (unwritten !== null || bytes >= FLUSH_BYTES) break;
  }
  if (bytes === 0) return "nothing";
  sink.flush();
  return unwritten;
}

async function untilWritten(reader: Reader, written: Promise<unknown>): Promise<void> {
  const state = { isWritten: false };
  const done = written.finally(() => {
    state.isWritten = true;
    reader.wake();
  });
  // A socket that broke is told by the client's signal as well.
  done.catch(() => undefined);
  while (!state.isWritten && reader.interruption === null) await reader.wait();
}

function lastPart(
  { call }: ReaderClient,
  requestId: string,
  code: ErrorCode,
  hasBegun: boolean,
): Uint8Array {
  const { type, text } = ERRORS[code];
  const message = `${text} The answer is incomplete (request ${requestId}).`;
  return errorPart(call, { code, message, type, param: null, requestId }, hasBegun);
}

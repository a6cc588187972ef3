/**
 * Events of a resumable stream get an `id` field, so that a client can say which one came last:
 * `id: <request id>:<n>` before an event's own fields, n counting from 1. It is the one thing that is
 * spliced in; comments and whatever else no client would dispatch stay without.
 */
import { readEvent } from "../../dialects/sse-event.ts";
import { EventSplitter } from "../../dialects/sse.ts";
import type { Sink } from "../sink.ts";
import type { Recording } from "./recording.ts";

const encoder = new TextEncoder();
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const OWN_ID = /(?:^|[\r\n])id(?:[:\r\n]|$)/;

/** `eventBytesMax`: the longest event of the surface; undefined: the common bound. */
export function numberedSink(recording: Recording, eventBytesMax?: number): Sink {
  let number = 0;
  let unwritten: Promise<number> | null = null;
  const splitter = new EventSplitter((bytes, start, end) => {
    const event = bytes.subarray(start, end);
    const isDispatched = readEvent(event).data !== null;
    if (isDispatched) number += 1;
    const piece = isDispatched
      ? withId(event, `id: ${recording.requestId}:${number}\n`)
      : event.slice();
    const written = recording.write(piece, number);
    if (typeof written !== "number") unwritten = written;
    return true;
  }, eventBytesMax);
  return {
    write: (bytes) => {
      unwritten = null;
      splitter.push(bytes);
      return unwritten ?? bytes.byteLength;
    },
    flush: () => undefined,
    close: () => undefined,
  };
}

/** Of two ids the later one counts: where the provider has sent one, ours goes behind it. */
function withId(event: Uint8Array, line: string): Uint8Array {
  const at = hasOwnId(event) ? fieldsEnd(event) : fieldsStart(event);
  const id = encoder.encode(line);
  const numbered = new Uint8Array(event.byteLength + id.byteLength);
  numbered.set(event.subarray(0, at));
  numbered.set(id, at);
  numbered.set(event.subarray(at), at + id.byteLength);
  return numbered;
}

function hasOwnId(event: Uint8Array): boolean {
  return OWN_ID.test(new TextDecoder().decode(event));
}

/** Behind the mark that may begin a stream, which is no part of its first field's name. */
function fieldsStart(event: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, at) => event[at] === byte) ? BYTE_ORDER_MARK.length : 0;
}

/** Before the blank line, which is one line end of one or two bytes. */
function fieldsEnd(event: Uint8Array): number {
  const isCrLf = event.at(-1) === 0x0a && event.at(-2) === 0x0d;
  return event.byteLength - (isCrLf ? 2 : 1);
}

/**
 * Server-sent events as bytes (WHATWG HTML, section 9.2): network chunks go in, the
 * bytes of whole events come out, in as few slices as possible and without copying where a chunk
 * holds whole events. A visitor sees each event once and may take it out. What comes out depends on
 * the bytes alone, never on how the network cut them.
 */
import { GatewayError } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";

const LF = 0x0a;
const CR = 0x0d;
const heldBytesMin = 4_096;

/** Sees the event at `start` to `end` of `bytes`, its blank line included; false takes it out. */
export type EventVisitor = (bytes: Uint8Array, start: number, end: number) => boolean;

/**
 * A blank line ends an event; lines end with LF, CR LF or CR, also mixed. An LF may follow in the
 * next chunk on a CR that already ended an event: it then shares that event's fate.
 */
export class EventSplitter {
  private readonly visit: EventVisitor;
  private readonly eventBytesMax: number;
  /** The begun event, in memory of our own that grows by doubling; positions count from its start. */
  private held = new Uint8Array(0);
  private heldLength = 0;
  private lineStart = 0;
  private lfMayFollow = false;
  private keptLast = true;

  constructor(visit: EventVisitor, eventBytesMax: number = LIMITS.eventBytesMax) {
    this.visit = visit;
    this.eventBytesMax = eventBytesMax;
  }

  /** Throws GatewayError `upstream_error` when an event passes the bound. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    if (chunk.length === 0) return [];
    const searchFrom = this.heldLength;
    const bytes = searchFrom === 0 ? chunk : this.append(chunk);
    const slices: Uint8Array[] = [];
    let lineStart = this.lineStart;
    let at = searchFrom;
    let eventStart = 0;
    let sliceStart = 0;
    if (this.lfMayFollow && bytes[at] === LF) {
      at++;
      lineStart = at;
      // With nothing held, the CR ended an event, and this LF is the rest of its blank line.
      if (searchFrom === 0) {
        eventStart = at;
        sliceStart = this.keptLast ? 0 : at;
      }
    }
    this.lfMayFollow = false;
    let lf = indexOrEnd(bytes, LF, at);
    let cr = indexOrEnd(bytes, CR, at);
    while (lf < bytes.length || cr < bytes.length) {
      const lineEnd = Math.min(lf, cr);
      at = lineEnd + 1;
      if (cr < lf) {
        if (at === bytes.length) this.lfMayFollow = true;
        else if (bytes[at] === LF) at++;
      }
      if (lineEnd === lineStart) {
        this.bound(at - eventStart);
        this.keptLast = this.visit(bytes, eventStart, at);
        if (!this.keptLast) {
          if (eventStart > sliceStart) slices.push(bytes.subarray(sliceStart, eventStart));
          sliceStart = at;
        }
        eventStart = at;
      }
      lineStart = at;
      if (lf < at) lf = indexOrEnd(bytes, LF, at);
      if (cr < at) cr = indexOrEnd(bytes, CR, at);
    }
    if (eventStart > sliceStart) slices.push(slice(bytes, sliceStart, eventStart));
    this.lineStart = lineStart - eventStart;
    this.hold(bytes, eventStart, searchFrom > 0);
    return slices;
  }

  /** What came of an event that has not ended. */
  rest(): Uint8Array {
    return this.held.subarray(0, this.heldLength);
  }

  /** Keeps the begun event. Slices were handed out of our memory if any event ended in it. */
  private hold(bytes: Uint8Array, from: number, isOurs: boolean): void {
    const rest = bytes.length - from;
    this.bound(rest);
    this.heldLength = rest;
    if (rest === 0) {
      this.held = new Uint8Array(0);
    } else if (!isOurs || from > 0) {
      this.held = new Uint8Array(Math.max(heldBytesMin, rest));
      this.held.set(bytes.subarray(from));
    }
  }

  private append(chunk: Uint8Array): Uint8Array {
    const length = this.heldLength + chunk.length;
    if (length > this.held.length) {
      const grown = new Uint8Array(Math.max(length, this.held.length * 2));
      grown.set(this.held.subarray(0, this.heldLength));
      this.held = grown;
    }
    this.held.set(chunk, this.heldLength);
    return this.held.subarray(0, length);
  }

  private bound(eventBytes: number): void {
    if (eventBytes <= this.eventBytesMax) return;
    throw new GatewayError("upstream_error", {
      message: "The provider sent an event that is too long.",
    });
  }
}

function indexOrEnd(bytes: Uint8Array, byte: number, from: number): number {
  const index = bytes.indexOf(byte, from);
  return index < 0 ? bytes.length : index;
}

/** The chunk itself when it is wanted whole. */
function slice(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

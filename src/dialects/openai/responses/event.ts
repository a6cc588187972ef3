/**
 * One event of a stream of responses, read without parsing more of it than is asked for: the last event
 * repeats the whole answer, pictures included.
 */
import { ANSWER_BOUNDS, type ScannedObject, scanObject } from "../../json-scan.ts";
import { isObject, type JsonObject, parseJson } from "../../json.ts";
import { readEvent } from "../../sse-event.ts";

const WANTED = [
  "type",
  "sequence_number",
  "output_index",
  "response",
  "item",
  "part",
  "error",
  "code",
  "message",
  "param",
] as const;

const LF = 0x0a;
const CR = 0x0d;
const DATA = Buffer.from("data:");

export class ResponseEvent {
  readonly #data: Uint8Array;
  readonly #scan: ScannedObject;
  /** Empty where nothing tells it. */
  readonly type: string;

  private constructor(event: Uint8Array, data: Uint8Array, scan: ScannedObject) {
    this.#data = data;
    this.#scan = scan;
    const type = this.value("type");
    this.type = typeof type === "string" ? type : readEvent(event).name;
  }

  /** null: a comment, or not one of these. */
  static read(event: Uint8Array): ResponseEvent | null {
    const data = dataOf(event);
    if (data === null) return null;
    const scan = scanObject(data, WANTED, ANSWER_BOUNDS);
    return scan.kind === "object" ? new ResponseEvent(event, data, scan) : null;
  }

  /** All of it; null when it is longer. */
  whole(bytesMax: number): JsonObject | null {
    return objectWithin(this.#data, bytesMax);
  }

  /** The bytes of a member; null without it. */
  bytes(name: (typeof WANTED)[number]): Uint8Array | null {
    const span = this.#scan.members.get(name)?.value;
    return span === undefined ? null : this.#data.subarray(span.start, span.end);
  }

  value(name: (typeof WANTED)[number]): unknown {
    const bytes = this.bytes(name);
    return bytes === null ? undefined : parseJson(bytes);
  }

  number(name: (typeof WANTED)[number]): number | null {
    const value = this.value(name);
    return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
  }
}

/** Named members of an object, parsed; the others are passed over. */
export function membersOf(object: Uint8Array, names: readonly string[]): JsonObject {
  const scan = scanObject(object, names, ANSWER_BOUNDS);
  if (scan.kind !== "object") return {};
  const found = [...scan.members].map(([name, { value }]): [string, unknown] => [
    name,
    parseJson(object.subarray(value.start, value.end)),
  ]);
  return Object.fromEntries(found);
}

/** An object within bounds; null when it is longer, or none. */
export function objectWithin(bytes: Uint8Array | null, bytesMax: number): JsonObject | null {
  if (bytes === null || bytes.byteLength > bytesMax) return null;
  const value = parseJson(bytes);
  return isObject(value) ? value : null;
}

/** The bytes of its one line of data; of more than one, which nobody is known to send, a copy. */
function dataOf(event: Uint8Array): Uint8Array | null {
  const view = Buffer.from(event.buffer, event.byteOffset, event.byteLength);
  const first = lineOfData(view, 0);
  if (first === null) return null;
  if (lineOfData(view, first.end) === null) return event.subarray(first.start, first.end);
  return new TextEncoder().encode(readEvent(event).data ?? "");
}

function lineOfData(view: Buffer, from: number): { start: number; end: number } | null {
  for (let at = view.indexOf(DATA, from); at >= 0; at = view.indexOf(DATA, at + 1)) {
    const before = view[at - 1];
    if (at > 0 && before !== LF && before !== CR) continue;
    const start = at + DATA.length;
    return { start, end: Math.min(placeOf(view, CR, start), placeOf(view, LF, start)) };
  }
  return null;
}

function placeOf(view: Buffer, byte: number, from: number): number {
  const place = view.indexOf(byte, from);
  return place < 0 ? view.length : place;
}

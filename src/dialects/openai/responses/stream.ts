/**
 * Watches one stream of responses: every event is forwarded as it came. Deltas, which are nearly all, are
 * looked at for their text alone; the others for what they tell of the answer's life, its items, its
 * usage and its end, which is `response.completed`, `.incomplete` or `.failed`: there is no `[DONE]`.
 */
import { LIMITS } from "../../../base/limits.ts";
import { ByteSearch } from "../../byte-search.ts";
import type { MadeObject } from "../../../base/object-kind.ts";
import type { AnswerFailure, ClientRequest, StreamWatch } from "../../contract.ts";
import type { GeneratedOutput, Usage } from "../../usage-contract.ts";
import { COLON, isSpace, QUOTE, stringEnd } from "../../json-bytes.ts";
import { isObject, type JsonObject } from "../../json.ts";
import { failureOf } from "../chunk.ts";
import { OutputMeter } from "../../output-meter.ts";
import { EventSplitter } from "../../sse.ts";
import { ResponseShape } from "./ending.ts";
import { errorMembers, responseErrorEvent } from "./error.ts";
import { membersOf, objectWithin, ResponseEvent } from "./event.ts";
import { failureOfError } from "./failure.ts";
import { containerMade, itemMade } from "./made.ts";
import { readResponseUsage, ToolTally } from "./usage.ts";

const deltaKey = '"delta"';

/** Beginnings of lines: `event: response.output_text.delta`. */
const NAME = Buffer.from("event: response.");
const DELTA_END = Buffer.from(".delta");
const AUDIO_DELTA = Buffer.from("event: response.audio.delta");
const LF = 0x0a;
const CR = 0x0d;

/** Items that are announced before anything is written in them. */
const EMPTY_ITEMS = new Set<unknown>(["message", "reasoning"]);
const ITEM_MEMBERS = ["id", "type", "action", "container_id", "environment"];
const ERROR_BYTES_MAX = 16 * 1024;

type Watched = Pick<ClientRequest, "background">;

export function watchResponse(request: Watched): StreamWatch {
  const watch = new ResponseWatch(request);
  return {
    push: (chunk) => watch.push(chunk),
    hasContent: () => watch.content,
    hasEnded: () => watch.ended,
    failure: () => watch.failure,
    usage: () => watch.usage,
    isUsageFinal: () => watch.ended,
    output: () => watch.output(),
    lengthEnding: (usage) => watch.shape.ending(usage, watch.sequence + 1),
    errorEvent: (error) => responseErrorEvent(errorMembers(error), watch.sequence + 1),
    made: () => watch.made(),
  };
}

class ResponseWatch {
  content = false;
  ended = false;
  failure: AnswerFailure | null = null;
  usage: Usage | null = null;
  /** The number of the last event. */
  sequence = -1;
  readonly shape = new ResponseShape();
  readonly #isBackground: boolean;
  readonly #splitter = new EventSplitter(
    (bytes, start, end) => this.#see(bytes, start, end),
    LIMITS.responseEventBytesMax,
  );
  readonly #deltas = new ByteSearch(deltaKey);
  readonly #meter = new OutputMeter();
  readonly #tally = new ToolTally();
  readonly #items: MadeObject[] = [];
  readonly #containers: MadeObject[] = [];
  #response: MadeObject | null = null;
  #isKept = true;

  constructor({ background }: Watched) {
    this.#isBackground = background === true;
  }

  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.#deltas.forget();
    return this.#splitter.push(chunk);
  }

  output(): GeneratedOutput {
    return this.#meter.output(this.content ? 1 : 0);
  }

  made(): readonly MadeObject[] {
    if (!this.#isKept || this.#response === null) return this.#containers;
    return [this.#response, ...this.#items, ...this.#containers];
  }

  #see(bytes: Uint8Array, start: number, end: number): boolean {
    if (isNamedDelta(bytes, start)) {
      // Numbers go up by one: those of deltas need not be read.
      this.sequence++;
      this.content = true;
      this.#countDelta(bytes, start, end);
      return true;
    }
    const event = ResponseEvent.read(bytes.subarray(start, end));
    if (event === null) return true;
    this.sequence = event.number("sequence_number") ?? this.sequence + 1;
    this.#read(event);
    // Of a server that does not name its events.
    if (event.type.endsWith(".delta")) this.#countDelta(bytes, start, end);
    return true;
  }

  #countDelta(bytes: Uint8Array, start: number, end: number): void {
    if (startsWith(bytes, start, AUDIO_DELTA)) return;
    const key = this.#deltas.next(bytes, start, end);
    if (key < 0) return;
    let at = skipSpace(bytes, key + deltaKey.length);
    if (bytes[at] !== COLON) return;
    at = skipSpace(bytes, at + 1);
    if (bytes[at] !== QUOTE) return;
    const close = stringEnd(bytes, at + 1);
    if (close < 0 || close > end) return;
    const before = this.#meter.textBytes;
    this.#meter.addText(bytes, at + 1, close - 1);
    this.#meter.endPiece(before);
    this.shape.addText(bytes, at + 1, close - 1);
  }

  #read(event: ResponseEvent): void {
    const { type } = event;
    this.shape.see(event);
    const response = event.bytes("response");
    if (response !== null) this.#readResponse(type, response);
    const item = event.bytes("item");
    if (item !== null) this.#readItem(type, membersOf(item, ITEM_MEMBERS));
    if (type === "error") this.failure ??= failureOfError(errorOf(event));
    else if (!type.startsWith("response.")) this.failure ??= bareFailure(event);
    this.content ||= type.endsWith(".delta");
  }

  #readResponse(type: string, response: Uint8Array): void {
    const { id, store, usage, error } = membersOf(response, ["id", "store", "usage", "error"]);
    if (typeof id === "string") this.#response ??= { kind: "response", id };
    if (store === false) this.#isKept = false;
    // A client of the provider's own queue wants to know the id, not the begin of the answer.
    if (this.#isBackground) this.content = true;
    if (!TERMINATORS.has(type)) return;
    this.ended = true;
    const reported = readResponseUsage(usage, this.#tally.calls());
    this.usage = reported ?? this.usage;
    if (type === "response.failed") this.failure ??= failureOfError(isObject(error) ? error : {});
    else this.content = true;
  }

  #readItem(type: string, item: JsonObject): void {
    if (type === "response.output_item.added") {
      this.content ||= !EMPTY_ITEMS.has(item["type"]);
    } else if (type === "response.output_item.done") {
      this.content = true;
      this.#tally.add(item);
      if (this.#items.length < LIMITS.objectsNamedMax) {
        this.#items.push(...itemMade(item));
        this.#containers.push(...containerMade(item));
      }
    }
  }
}

const TERMINATORS: ReadonlySet<string> = new Set([
  "response.completed",
  "response.incomplete",
  "response.failed",
]);

/** Nested as OpenAI sends it, or beside `type` as its reference has it. */
function errorOf(event: ResponseEvent): JsonObject {
  const nested = objectWithin(event.bytes("error"), ERROR_BYTES_MAX);
  if (nested !== null) return nested;
  return {
    code: event.value("code"),
    message: event.value("message"),
    param: event.value("param"),
  };
}

/** Of servers that fail as they do within a stream of chat. */
function bareFailure(event: ResponseEvent): AnswerFailure | null {
  const told = event.whole(ERROR_BYTES_MAX);
  return told === null ? null : failureOf(told, JSON.stringify(told));
}

function isNamedDelta(bytes: Uint8Array, start: number): boolean {
  if (!startsWith(bytes, start, NAME)) return false;
  let lineEnd = bytes.indexOf(LF, start);
  if (bytes[lineEnd - 1] === CR) lineEnd--;
  return startsWith(bytes, lineEnd - DELTA_END.length, DELTA_END);
}

function startsWith(bytes: Uint8Array, start: number, text: Buffer): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text[at]) return false;
  return true;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

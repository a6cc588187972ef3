/**
 * Watches one stream of a message: forwards every event as it came, and remembers content, usage, errors
 * and the terminator. Deltas are counted where they lie in the bytes; once content has come they are not
 * parsed any more, unlike the few events that begin and end blocks and the message.
 */
import { ByteSearch } from "../byte-search.ts";
import type { MadeObject } from "../../base/object-kind.ts";
import type { AnswerFailure, StreamWatch } from "../contract.ts";
import type { GeneratedOutput, Usage } from "../usage-contract.ts";
import { generatedText } from "../generated-text.ts";
import { isObject, type JsonObject, parseJsonText } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { readEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { containerIn } from "./container.ts";
import { hasContent } from "./event.ts";
import { lengthEnding } from "./length-ending.ts";
import { NOT_TEXT } from "./members.ts";
import { mergeUsage, readUsage } from "./usage.ts";

const deltaKey = '"delta"';
/** Far more blocks than are ever written at once; a provider that is not sound must not fill the memory. */
const UNFINISHED_MAX = 256;
/** How the events begin that are nearly all of a stream. */
const DELTA_EVENT = new TextEncoder().encode("event: content_block_delta");

export function watchStream(): StreamWatch {
  const watch = new MessageWatch();
  return {
    push: (chunk) => watch.push(chunk),
    hasContent: () => watch.content,
    hasEnded: () => watch.ended,
    failure: () => watch.failure,
    usage: () => watch.usage,
    isUsageFinal: () => watch.usage !== null,
    output: () => watch.output(),
    lengthEnding: (usage) => lengthEnding(watch.unfinished, usage),
    made: () => watch.made,
  };
}

class MessageWatch {
  content = false;
  ended = false;
  failure: AnswerFailure | null = null;
  usage: Usage | null = null;
  made: readonly MadeObject[] = [];
  /** Blocks that have begun and not ended, by their index: one at a time, of a provider that is sound. */
  readonly unfinished = new Set<number>();
  /** As `message_start` and each `message_delta` tell it, merged. */
  private told: JsonObject = {};
  /** What it comes to so far. */
  private begun: Usage | null = null;
  private readonly splitter = new EventSplitter((bytes, start, end) => this.see(bytes, start, end));
  private readonly deltas = new ByteSearch(deltaKey);
  private readonly meter = new OutputMeter();

  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.deltas.forget();
    return this.splitter.push(chunk);
  }

  output(): GeneratedOutput {
    return { ...this.meter.output(this.content ? 1 : 0), begun: this.begun };
  }

  private see(bytes: Uint8Array, start: number, end: number): boolean {
    this.countText(bytes, start, end);
    if (!this.content || !isDelta(bytes, start)) this.read(bytes.subarray(start, end));
    return true;
  }

  private countText(bytes: Uint8Array, start: number, end: number): void {
    const at = this.deltas.next(bytes, start, end);
    if (at < 0) return;
    const before = this.meter.textBytes;
    generatedText(bytes, at + deltaKey.length, end, NOT_TEXT, this.meter.addText);
    this.meter.endPiece(before);
  }

  /** What an event is says its data; its name does where the data cannot. */
  private read(event: Uint8Array): void {
    const { name, data } = readEvent(event);
    if (data === null) return;
    const told = parseJsonText(data);
    const type = isObject(told) && typeof told["type"] === "string" ? told["type"] : name;
    if (type === "error" || (isObject(told) && isObject(told["error"]))) {
      this.failure ??= { body: data, status: null };
    } else if (isObject(told)) this.note(type, told);
  }

  private note(type: string, event: JsonObject): void {
    this.content ||= hasContent(type, event);
    const { index } = event;
    switch (type) {
      case "message_start":
        if (isObject(event["message"])) {
          this.merge(event["message"]["usage"]);
          this.noteMade(event["message"]);
        }
        break;
      case "content_block_start":
        if (typeof index === "number" && this.unfinished.size < UNFINISHED_MAX) {
          this.unfinished.add(index);
        }
        break;
      case "content_block_stop":
        if (typeof index === "number") this.unfinished.delete(index);
        break;
      case "message_delta":
        // Its count is of the whole answer, unlike the one that the message starts with.
        if (this.merge(event["usage"])) this.usage = this.begun;
        if (isObject(event["delta"])) this.noteMade(event["delta"]);
        break;
      case "message_stop":
        this.ended = true;
        break;
      default:
      // Pings, and events that nobody knows yet.
    }
  }

  private noteMade(told: JsonObject): void {
    const made = containerIn(told);
    if (made.length > 0) this.made = made;
  }

  private merge(usage: unknown): boolean {
    if (!isObject(usage)) return false;
    this.told = mergeUsage(this.told, usage);
    this.begun = readUsage(this.told);
    return true;
  }
}

function isDelta(bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < DELTA_EVENT.length; index++) {
    if (bytes[start + index] !== DELTA_EVENT[index]) return false;
  }
  return true;
}

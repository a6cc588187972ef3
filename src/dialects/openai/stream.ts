/**
 * Watches one stream of chunks, of a chat or a completion: forwards every event as it came but for an
 * unwanted usage chunk, and remembers content, usage, errors and the terminator. Until content came each
 * event is parsed; from then on only those that can hold usage or an error, found by native search.
 */
import { ByteSearch } from "../byte-search.ts";
import type { AnswerFailure, ClientRequest, StreamManner, StreamWatch } from "../contract.ts";
import type { GeneratedOutput, Usage } from "../usage-contract.ts";
import { generatedText, type OnText } from "../generated-text.ts";
import { isSpace } from "../json-bytes.ts";
import { isObject, type JsonObject, parseJsonText } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { readEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { failureOf, hasContent, hasFinished, isUsageChunk } from "./chunk.ts";
import { lengthEnding, StreamShape } from "./length-ending.ts";
import { NOT_TEXT } from "./members.ts";
import { chunkUsage } from "./usage.ts";

const DATA = [0x64, 0x61, 0x74, 0x61, 0x3a];
const usageKey = '"usage"';
const finishKey = '"finish_reason"';

/** Where the chunks of a surface hold what was generated. */
export type ChunkShape = {
  /** The member, in quotes, whose value it is. */
  readonly textKey: string;
  /** Finds the text behind the key, which ends at `from`; where reading stopped. */
  readonly readText: (bytes: Uint8Array, from: number, end: number, onText: OnText) => number;
  readonly hasContent: (chunk: JsonObject) => boolean;
  /** What a choice holds that finishes without further text. */
  readonly emptyChoice: JsonObject;
};

const CHAT_CHUNKS: ChunkShape = {
  textKey: '"delta"',
  readText: (bytes, from, end, onText) => generatedText(bytes, from, end, NOT_TEXT, onText),
  hasContent,
  emptyChoice: { delta: {} },
};

/** As OpenAI's own streams end. */
const USUAL_MANNER: StreamManner = { endsWithFinish: false };

export function watchStream(
  request: Pick<ClientRequest, "usageAsked" | "choices">,
  manner: StreamManner = USUAL_MANNER,
  chunks: ChunkShape = CHAT_CHUNKS,
): StreamWatch {
  const watch = new ChatWatch(request, manner, chunks);
  return {
    ...(manner.endsWithFinish && { bodyEnded: () => watch.bodyEnded() }),
    push: (chunk) => watch.push(chunk),
    hasContent: () => watch.content,
    hasEnded: () => watch.ended,
    failure: () => watch.failure,
    usage: () => watch.usage,
    isUsageFinal: () => watch.ended || watch.isUsageFinal,
    output: () => watch.output(),
    lengthEnding: (usage) =>
      lengthEnding(watch.shape, request.usageAsked ? usage : null, chunks.emptyChoice),
  };
}

class ChatWatch {
  content = false;
  ended = false;
  failure: AnswerFailure | null = null;
  usage: Usage | null = null;
  isUsageFinal = false;
  private readonly keepUsage: boolean;
  private readonly splitter = new EventSplitter((bytes, start, end) => this.see(bytes, start, end));
  private readonly chunks: ChunkShape;
  private readonly texts: ByteSearch;
  private readonly usages = new ByteSearch(usageKey);
  private readonly errors = new ByteSearch('"error"');
  readonly shape: StreamShape;
  /** Where there is one choice, it finishes with the stream, whose end is its terminator. */
  private readonly finishes: ByteSearch | null;
  private readonly meter = new OutputMeter();

  constructor(
    { usageAsked, choices }: Pick<ClientRequest, "usageAsked" | "choices">,
    { endsWithFinish }: StreamManner,
    chunks: ChunkShape,
  ) {
    this.chunks = chunks;
    this.texts = new ByteSearch(chunks.textKey);
    this.keepUsage = usageAsked;
    this.shape = new StreamShape(choices);
    this.finishes = choices > 1 || endsWithFinish ? new ByteSearch(finishKey) : null;
  }

  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.texts.forget();
    this.usages.forget();
    this.errors.forget();
    this.finishes?.forget();
    return this.splitter.push(chunk);
  }

  bodyEnded(): readonly Uint8Array[] {
    this.ended ||= this.failure === null && this.shape.unfinished.length === 0;
    return [];
  }

  output(): GeneratedOutput {
    return this.meter.output(this.content ? 1 : 0);
  }

  /** Takes note of one event; false takes it out of the stream. */
  private see(bytes: Uint8Array, start: number, end: number): boolean {
    this.countText(bytes, start, end);
    return this.content && isPlainChunk(bytes, start) && !this.isTelling(bytes, start, end)
      ? true
      : this.read(bytes.subarray(start, end));
  }

  private countText(bytes: Uint8Array, start: number, end: number): void {
    const { textKey, readText } = this.chunks;
    let at = this.texts.next(bytes, start, end);
    while (at >= 0) {
      const before = this.meter.textBytes;
      const from = at + textKey.length;
      const textEnd = readText(bytes, from, end, this.meter.addText);
      this.meter.endPiece(before);
      at = this.texts.next(bytes, textEnd, end);
    }
  }

  /**
   * Whether the event can hold usage, an error or, among several choices, the end of one. Quotes
   * within a JSON string are escaped, so no generated text looks like these keys. OpenAI puts
   * `"usage":null` on every chunk of a stream that ends with usage (types of openai-node 7.55,
   * 2026-11): those are not worth parsing.
   */
  private isTelling(bytes: Uint8Array, start: number, end: number): boolean {
    return (
      this.errors.next(bytes, start, end) >= 0 ||
      hasFilled(this.usages, usageKey, bytes, start, end) ||
      (this.finishes !== null && hasFilled(this.finishes, finishKey, bytes, start, end))
    );
  }

  private read(event: Uint8Array): boolean {
    const { name, data } = readEvent(event);
    if (data === null) return true;
    if (data.trim() === "[DONE]") {
      this.ended = true;
      return true;
    }
    const chunk = parseJsonText(data);
    if (!isObject(chunk)) {
      if (name === "error") this.failure ??= { body: data, status: null };
      return true;
    }
    const failure =
      failureOf(chunk, data) ?? (name === "error" ? { body: data, status: null } : null);
    this.readUsage(chunk);
    if (failure !== null) {
      this.failure ??= failure;
      return true;
    }
    this.content ||= this.chunks.hasContent(chunk);
    this.shape.see(chunk);
    return this.keepUsage || !isUsageChunk(chunk);
  }

  /** vLLM and others can report on every chunk; only what comes with the end, or after it, is all. */
  private readUsage(chunk: JsonObject): void {
    const usage = chunkUsage(chunk);
    if (usage === null) return;
    this.usage = usage;
    this.isUsageFinal = isUsageChunk(chunk) || hasFinished(chunk);
  }
}

/** `data: {` or `data:{`: neither a terminator, a comment nor an event with a name. */
function isPlainChunk(bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < DATA.length; index++) {
    if (bytes[start + index] !== DATA[index]) return false;
  }
  const at = start + DATA.length;
  return bytes[bytes[at] === 0x20 ? at + 1 : at] === 0x7b;
}

/** Whether the key stands in the event with a value other than null. */
function hasFilled(
  search: ByteSearch,
  key: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  let at = search.next(bytes, start, end);
  while (at >= 0) {
    const from = at + key.length;
    if (!isNull(bytes, from)) return true;
    at = search.next(bytes, from, end);
  }
  return false;
}

/** Whether `: null` follows. */
function isNull(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (isSpace(bytes[at])) at++;
  if (bytes[at] !== 0x3a) return false;
  at++;
  while (isSpace(bytes[at])) at++;
  return bytes[at] === 0x6e;
}

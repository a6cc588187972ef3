/**
 * Watches one chat stream: forwards every event as it came but for an unwanted usage chunk, and
 * remembers content, usage, errors and the terminator. Until content came each event is parsed; from
 * then on only those that can hold usage or an error, found by native search.
 */
import { ByteSearch } from "../byte-search.ts";
import type { StreamWatch, Usage } from "../contract.ts";
import { isSpace } from "../json-bytes.ts";
import { isObject, parseJsonText } from "../json.ts";
import { readEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { type Failure, failureOf, hasContent, isUsageChunk } from "./chunk.ts";
import { generatedText, tokensOf } from "./generated-text.ts";
import { readUsage } from "./usage.ts";

const DATA = [0x64, 0x61, 0x74, 0x61, 0x3a];
const deltaKey = '"delta"';
const usageKey = '"usage"';

export function watchStream(keepUsage: boolean): StreamWatch {
  const watch = new ChatWatch(keepUsage);
  return {
    push: (chunk) => watch.push(chunk),
    hasContent: () => watch.content,
    hasEnded: () => watch.ended,
    failure: () => watch.failure,
    usage: () => watch.usage,
    outputTokensSeen: () => watch.outputTokensSeen(),
  };
}

class ChatWatch {
  content = false;
  ended = false;
  failure: Failure | null = null;
  usage: Usage | null = null;
  private readonly keepUsage: boolean;
  private readonly splitter = new EventSplitter((bytes, start, end) => this.see(bytes, start, end));
  private readonly deltas = new ByteSearch(deltaKey);
  private readonly usages = new ByteSearch(usageKey);
  private readonly errors = new ByteSearch('"error"');
  private textBytes = 0;
  private textDeltas = 0;

  constructor(keepUsage: boolean) {
    this.keepUsage = keepUsage;
  }

  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.deltas.forget();
    this.usages.forget();
    this.errors.forget();
    return this.splitter.push(chunk);
  }

  outputTokensSeen(): number {
    return Math.max(this.content ? 1 : 0, tokensOf(this.textBytes, this.textDeltas));
  }

  /** Takes note of one event; false takes it out of the stream. */
  private see(bytes: Uint8Array, start: number, end: number): boolean {
    this.countText(bytes, start, end);
    return this.content && isPlainChunk(bytes, start) && !this.isTelling(bytes, start, end)
      ? true
      : this.read(bytes.subarray(start, end));
  }

  private countText(bytes: Uint8Array, start: number, end: number): void {
    let at = this.deltas.next(bytes, start, end);
    while (at >= 0) {
      const text = generatedText(bytes, at + deltaKey.length, end);
      if (text.textBytes > 0) {
        this.textBytes += text.textBytes;
        this.textDeltas++;
      }
      at = this.deltas.next(bytes, text.end, end);
    }
  }

  /**
   * Whether the event can hold usage or an error. Quotes within a JSON string are escaped, so no
   * generated text looks like these keys. OpenAI puts `"usage":null` on every chunk of a stream
   * that ends with usage (types of openai-node 7.55, 2026-11): those are not worth parsing.
   */
  private isTelling(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.errors.next(bytes, start, end) >= 0) return true;
    let at = this.usages.next(bytes, start, end);
    while (at >= 0) {
      const from = at + usageKey.length;
      if (!isNull(bytes, from)) return true;
      at = this.usages.next(bytes, from, end);
    }
    return false;
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
    this.usage = readUsage(chunk["usage"], true) ?? this.usage;
    if (failure !== null) {
      this.failure ??= failure;
      return true;
    }
    this.content ||= hasContent(chunk);
    return this.keepUsage || !isUsageChunk(chunk);
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

/** Whether `: null` follows. */
function isNull(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (isSpace(bytes[at])) at++;
  if (bytes[at] !== 0x3a) return false;
  at++;
  while (isSpace(bytes[at])) at++;
  return bytes[at] === 0x6e;
}

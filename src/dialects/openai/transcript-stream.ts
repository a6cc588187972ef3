/**
 * Watches a streamed transcript: `transcript.text.delta`, with speakers `transcript.text.segment`, and
 * `transcript.text.done`, which ends it and has the usage (types of openai-node 7.55, 2026-11). Every
 * event is forwarded as it came.
 */
import type { AnswerFailure, StreamWatch, Usage } from "../contract.ts";
import { isObject, parseJsonText } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { readEvent, writeEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { failureOf } from "./chunk.ts";
import { readSoundUsage } from "./transcript.ts";

const DELTA = "transcript.text.delta";
const SEGMENT = "transcript.text.segment";
const DONE = "transcript.text.done";

export function watchTranscript(): StreamWatch {
  const watch = new TranscriptWatch();
  return {
    push: (chunk) => watch.splitter.push(chunk),
    hasContent: () => watch.content,
    hasEnded: () => watch.ended,
    failure: () => watch.failure,
    usage: () => watch.usage,
    isUsageFinal: () => watch.ended,
    output: () => watch.meter.output(watch.content ? 1 : 0),
    lengthEnding: () => ending(watch.meter.output(0).text()),
  };
}

class TranscriptWatch {
  content = false;
  ended = false;
  failure: AnswerFailure | null = null;
  usage: Usage | null = null;
  readonly meter = new OutputMeter();
  readonly splitter = new EventSplitter((bytes, start, end) => {
    this.see(bytes.subarray(start, end));
    return true;
  });

  private see(event: Uint8Array): void {
    const { name, data } = readEvent(event);
    if (data === null) return;
    if (data.trim() === "[DONE]") {
      this.ended = true;
      return;
    }
    const told = parseJsonText(data);
    const failure = isObject(told) ? failureOf(told, data) : null;
    if (failure !== null || name === "error") {
      this.failure ??= failure ?? { body: data, status: null };
      return;
    }
    if (!isObject(told)) return;
    const type = told["type"];
    this.content ||= type === DELTA || type === SEGMENT || type === DONE;
    // With speakers the text comes in segments, and the deltas are theirs too.
    if (type === DELTA) this.addText(told["delta"]);
    if (type !== DONE) return;
    this.ended = true;
    this.usage = readSoundUsage(told["usage"]);
    if (this.meter.textBytes === 0) this.addText(told["text"]);
  }

  private addText(text: unknown): void {
    if (typeof text !== "string") return;
    const before = this.meter.textBytes;
    const bytes = new TextEncoder().encode(JSON.stringify(text).slice(1, -1));
    this.meter.addText(bytes, 0, bytes.length);
    this.meter.endPiece(before);
  }
}

/** The comment says that it was us; readers of server-sent events skip it. */
function ending(text: string): Uint8Array {
  const comment = ": x-tollgate-stopped: hold_reached\n\n";
  const done = writeEvent(JSON.stringify({ type: DONE, text }), DONE);
  return new Uint8Array(Buffer.concat([Buffer.from(comment), done]));
}

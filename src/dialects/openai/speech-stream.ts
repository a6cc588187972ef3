/**
 * Watches speech that comes as events: `speech.audio.delta` with sound in base64, and `speech.audio.done`,
 * which ends it and has the usage (API reference, 2026-11). Every event is forwarded as it came.
 */
import { NOTHING_SEEN } from "../bytes-watch.ts";
import type { AnswerFailure, StreamWatch, Usage } from "../contract.ts";
import { isObject, parseJsonText } from "../json.ts";
import { readEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { Counts } from "../usage-counts.ts";
import { failureOf } from "./chunk.ts";

const DELTA = "speech.audio.delta";
const DONE = "speech.audio.done";

export function watchSpeech(): StreamWatch {
  const watch = new SpeechWatch();
  return {
    push: (chunk) => watch.splitter.push(chunk),
    hasContent: () => watch.content,
    hasEnded: () => watch.ended,
    failure: () => watch.failure,
    usage: () => watch.usage,
    isUsageFinal: () => watch.ended,
    output: () => NOTHING_SEEN,
    // What it costs cannot be seen before it ends, so that it is never ended at its hold.
    lengthEnding: () => new Uint8Array(0),
  };
}

class SpeechWatch {
  content = false;
  ended = false;
  failure: AnswerFailure | null = null;
  usage: Usage | null = null;
  readonly splitter = new EventSplitter((bytes, start, end) => {
    this.#see(bytes.subarray(start, end));
    return true;
  });

  #see(event: Uint8Array): void {
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
    this.content ||= type === DELTA || type === DONE;
    if (type !== DONE) return;
    this.ended = true;
    this.usage = speechUsage(told["usage"]);
  }
}

/** Tokens of speech: text in, sound out. null: none are reported. */
export function speechUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const input = counts.reported(usage["input_tokens"]);
  const output = counts.reported(usage["output_tokens"]);
  if (input === null || output === null) return null;
  return counts.usage({ inputTokens: input, outputTokens: output, audioOutputTokens: output });
}

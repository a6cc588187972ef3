/**
 * Watches streamed pictures: `….partial_image` on the way, `….completed` for each that is done, with its
 * usage (types of openai-node 7.55, 2026-11). Every event is forwarded as it came; none is parsed but for
 * the members that tell something, because a picture weighs megabytes.
 */
import type { AnswerFailure, ClientRequest, StreamWatch, Usage } from "../contract.ts";
import { addDetails } from "../usage-counts.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { parseJson } from "../json.ts";
import { readEvent, writeEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { failureOf } from "./chunk.ts";
import { noText, readPictureUsage } from "./picture-usage.ts";

/** A picture of OpenAI's largest size as base64, and more. */
export const PICTURE_EVENT_BYTES_MAX = 64 * 1024 * 1024;

const TELLING = ["type", "usage", "error", "object", "status", "code"] as const;
/** Longer is no type, usage or error. */
const MEMBER_BYTES_MAX = 64 * 1024;

export function watchPictures({ choices }: Pick<ClientRequest, "choices">): StreamWatch {
  const watch = new PictureWatch(choices);
  return {
    push: (chunk) => watch.splitter.push(chunk),
    hasContent: () => watch.content,
    hasEnded: () => watch.ended,
    failure: () => watch.failure,
    usage: () => watch.usage,
    isUsageFinal: () => watch.ended,
    output: noText,
    lengthEnding: () => writeEvent("[DONE]"),
  };
}

class PictureWatch {
  content = false;
  ended = false;
  failure: AnswerFailure | null = null;
  usage: Usage | null = null;
  #left: number;
  readonly splitter = new EventSplitter((bytes, start, end) => {
    this.#see(bytes.subarray(start, end));
    return true;
  }, PICTURE_EVENT_BYTES_MAX);

  constructor(pictures: number) {
    this.#left = pictures;
  }

  #see(event: Uint8Array): void {
    const { name, data } = readEvent(event);
    if (data === null) return;
    if (data.trim() === "[DONE]") {
      this.ended = true;
      return;
    }
    const told = tellingMembers(data);
    const failure = failureOf(told, data);
    if (failure !== null || name === "error") {
      this.failure ??= failure ?? { body: data, status: null };
      return;
    }
    const type = typeof told["type"] === "string" ? told["type"] : name;
    const isCompleted = type.endsWith(".completed");
    this.content ||= isCompleted || type.endsWith(".partial_image");
    if (!isCompleted) return;
    this.usage = sum(this.usage, readPictureUsage(told["usage"], 1));
    this.#left -= 1;
    this.ended ||= this.#left <= 0;
  }
}

/** Its short members that tell something; an empty object when it is none. */
function tellingMembers(data: string): Readonly<Record<string, unknown>> {
  const bytes = new TextEncoder().encode(data);
  const scan = scanObject(bytes, TELLING, ANSWER_BOUNDS);
  const told: Record<string, unknown> = {};
  if (scan.kind !== "object") return told;
  for (const [name, { value }] of scan.members) {
    if (value.end - value.start > MEMBER_BYTES_MAX) continue;
    told[name] = parseJson(bytes.subarray(value.start, value.end));
  }
  return told;
}

function sum(one: Usage | null, other: Usage | null): Usage | null {
  if (one === null || other === null) return one ?? other;
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    reasoningTokens: 0,
    details: addDetails(one.details, other.details),
  };
}

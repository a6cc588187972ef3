/**
 * What is read of streams whose events say in `type` what they are, as OpenAI's of sound and of pictures do.
 * Every event is forwarded as it came; one is told to its surface unless it ends the stream or is an error.
 */
import type { AnswerFailure, StreamWatch } from "../contract.ts";
import type { Usage } from "../usage-contract.ts";
import { isObject, type JsonObject, parseJsonText } from "../json.ts";
import { readEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { failureOf } from "./chunk.ts";

type Reading = {
  /** The members that tell something; null: it is no object. Absent: all of them. */
  readonly read?: (data: string) => JsonObject | null;
  readonly eventBytesMax?: number;
};

export class TypedEvents {
  content = false;
  ended = false;
  failure: AnswerFailure | null = null;
  usage: Usage | null = null;
  readonly #splitter: EventSplitter;
  readonly #read: (data: string) => JsonObject | null;
  readonly #see: (type: string, told: JsonObject) => void;

  constructor(
    see: (type: string, told: JsonObject) => void,
    { read = wholeObject, eventBytesMax }: Reading = {},
  ) {
    this.#see = see;
    this.#read = read;
    this.#splitter = new EventSplitter((bytes, start, end) => {
      this.#take(bytes.subarray(start, end));
      return true;
    }, eventBytesMax);
  }

  /** A watch that tells what was read; `rest` is what only the surface knows. */
  watch(rest: Pick<StreamWatch, "output" | "lengthEnding">): StreamWatch {
    return {
      push: (chunk) => this.#splitter.push(chunk),
      hasContent: () => this.content,
      hasEnded: () => this.ended,
      failure: () => this.failure,
      usage: () => this.usage,
      isUsageFinal: () => this.ended,
      ...rest,
    };
  }

  #take(event: Uint8Array): void {
    const { name, data } = readEvent(event);
    if (data === null) return;
    if (data.trim() === "[DONE]") {
      this.ended = true;
      return;
    }
    const told = this.#read(data);
    const failure = told === null ? null : failureOf(told, data);
    if (failure !== null || name === "error") {
      this.failure ??= failure ?? { body: data, status: null };
      return;
    }
    if (told === null) return;
    const { type } = told;
    this.#see(typeof type === "string" ? type : name, told);
  }
}

function wholeObject(data: string): JsonObject | null {
  const told = parseJsonText(data);
  return isObject(told) ? told : null;
}

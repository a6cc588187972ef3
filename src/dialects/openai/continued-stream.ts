/**
 * One stream for the client out of those of several attempts: it gathers what was answered, keeps back
 * the error that ends an attempt, and rewrites the events of an attempt that goes on: labels of the
 * first, no second role, no text that the client has already, and a usage of the whole answer. The
 * first attempt's events pass as they came.
 *
 * Invariant: `textSoFar` is exactly the text that the client was sent, or null.
 */
import { LIMITS } from "../../base/limits.ts";
import type { ClientRequest, ContinuableWatch, StreamManner, StreamWatch } from "../contract.ts";
import type { Usage } from "../usage-contract.ts";
import { isObject, type JsonObject, parseJsonText } from "../json.ts";
import { readEvent, writeEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { lengthEnding, StreamShape } from "./length-ending.ts";
import { watchStream } from "./stream.ts";

/** Members of a delta that are text to be gone on with, or none. */
const PLAIN_DELTA = new Set(["role", "content"]);

const EMPTY = new Uint8Array(0);

type Watched = Pick<ClientRequest, "usageAsked" | "choices">;

export class ContinuedStream implements ContinuableWatch {
  readonly #request: Watched;
  #leg: StreamWatch;
  #splitter: EventSplitter;
  #out: Uint8Array[] = [];
  #withheld: Uint8Array[] = [];
  #text: string | null = "";
  readonly #shape = new StreamShape(1);
  /** What the attempts before this one are billed for; null in the first. */
  #before: Usage | null = null;
  /** Text of which the attempt may repeat the beginning, and how much of it came already. */
  #repeated = "";
  #matched = "";

  constructor(request: Watched, manner?: StreamManner) {
    this.#request = request;
    this.#leg = watchStream(request, manner);
    this.#splitter = this.#newSplitter();
  }

  readonly push = (chunk: Uint8Array): readonly Uint8Array[] => {
    this.#out = [];
    this.#splitter.push(chunk);
    return this.#out;
  };

  readonly bodyEnded = (): readonly Uint8Array[] => this.#leg.bodyEnded?.() ?? [];
  readonly hasContent = (): boolean => this.#leg.hasContent();
  readonly hasEnded = (): boolean => this.#leg.hasEnded();
  readonly failure: StreamWatch["failure"] = () => this.#leg.failure();
  readonly usage = (): Usage | null => this.#leg.usage();
  readonly isUsageFinal = (): boolean => this.#leg.isUsageFinal();
  readonly output: StreamWatch["output"] = () => this.#leg.output();
  readonly lengthEnding = (usage: Usage): Uint8Array =>
    lengthEnding(this.#shape, this.#request.usageAsked ? this.#whole(usage) : null);
  readonly textSoFar = (): string | null => this.#text;
  readonly withheld = (): readonly Uint8Array[] => this.#withheld;

  readonly goOn: ContinuableWatch["goOn"] = ({ before, repeatsText, endsWithFinish }) => {
    this.#leg = watchStream(this.#request, { endsWithFinish });
    this.#splitter = this.#newSplitter();
    this.#withheld = [];
    this.#before = before;
    this.#repeated = repeatsText ? (this.#text ?? "") : "";
    this.#matched = "";
  };

  #newSplitter(): EventSplitter {
    return new EventSplitter((bytes, start, end) => {
      this.#see(bytes.slice(start, end));
      return false;
    });
  }

  #see(event: Uint8Array): void {
    const [kept = EMPTY] = this.#leg.push(event);
    if (this.#leg.failure() !== null) {
      this.#withheld.push(event);
      return;
    }
    const { data } = readEvent(event);
    const chunk = data === null ? null : parseJsonText(data);
    if (!isObject(chunk)) {
      // A comment or the terminator; anything else is no answer that could be gone on with.
      if (data !== null && data.trim() !== "[DONE]") this.#text = null;
      this.#send(kept);
    } else if (this.#before === null) {
      this.#gather(chunk);
      this.#send(kept);
    } else {
      this.#rewrite(chunk, kept.length > 0);
    }
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#out.push(bytes);
  }

  /** Takes note of what the client gets; a chunk that is more than text makes the whole unknown. */
  #gather(chunk: JsonObject): void {
    this.#shape.see(chunk);
    if (this.#text === null) return;
    const text = plainText(chunk);
    this.#text = text === null ? null : this.#text + text;
    if ((this.#text?.length ?? 0) > LIMITS.continuedTextCharsMax) this.#text = null;
  }

  #rewrite(chunk: JsonObject, isKept: boolean): void {
    const rewritten: Record<string, unknown> = { ...chunk, ...this.#shape.labels };
    if (this.#shape.labels["system_fingerprint"] === undefined) {
      delete rewritten["system_fingerprint"];
    }
    const choices = chunk["choices"];
    let isEmpty = false;
    if (Array.isArray(choices) && isObject(choices[0])) {
      const choice = this.#continuedChoice(choices[0]);
      rewritten["choices"] = [choice, ...choices.slice(1)];
      isEmpty = choices.length === 1 && saysNothing(choice);
    }
    const usage = isObject(chunk["usage"]) ? this.#leg.usage() : null;
    if (usage !== null && isObject(chunk["usage"])) {
      rewritten["usage"] = withWhole(chunk["usage"], this.#whole(usage));
    }
    this.#gather(rewritten);
    if (isKept && (!isEmpty || usage !== null)) this.#send(writeEvent(JSON.stringify(rewritten)));
  }

  /** Without a role, which the client has, and without the text that it has. */
  #continuedChoice(choice: JsonObject): JsonObject {
    const { delta } = choice;
    if (!isObject(delta)) return choice;
    const { role: _, ...rest } = delta;
    const { content } = rest;
    if (typeof content !== "string") return { ...choice, delta: rest };
    const isLast = typeof choice["finish_reason"] === "string";
    return { ...choice, delta: { ...rest, content: this.#fresh(content, isLast) } };
  }

  /** What of a text is new; while it is what the client has, nothing. */
  #fresh(content: string, isLast: boolean): string {
    if (this.#repeated === "") return content;
    const come = this.#matched + content;
    if (!isLast && come.length < this.#repeated.length && this.#repeated.startsWith(come)) {
      this.#matched = come;
      return "";
    }
    const fresh = come.startsWith(this.#repeated) ? come.slice(this.#repeated.length) : come;
    this.#repeated = "";
    return fresh;
  }

  /** The whole answer: the first attempt's input, everybody's output. */
  #whole(usage: Usage): Usage {
    const before = this.#before;
    if (before === null) return usage;
    const outputTokens = before.outputTokens + usage.outputTokens;
    return { ...usage, inputTokens: before.inputTokens, outputTokens };
  }
}

/** The text of a chunk that holds nothing else; null: it holds more, or ends the answer. */
function plainText(chunk: JsonObject): string | null {
  const choices = chunk["choices"] ?? [];
  if (!Array.isArray(choices) || choices.length > 1) return null;
  if (choices.length === 0) return "";
  const choice: unknown = choices[0];
  if (!isObject(choice) || (choice["index"] ?? 0) !== 0) return null;
  if ((choice["finish_reason"] ?? null) !== null || (choice["logprobs"] ?? null) !== null)
    return null;
  const delta = choice["delta"] ?? {};
  if (!isObject(delta)) return null;
  const others = Object.entries(delta).filter(([name]) => !PLAIN_DELTA.has(name));
  if (others.some(([, value]) => !isNothing(value))) return null;
  const content = delta["content"] ?? "";
  return typeof content === "string" ? content : null;
}

function isNothing(value: unknown): boolean {
  return value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

function saysNothing(choice: JsonObject): boolean {
  const { delta } = choice;
  const isUnfinished = (choice["finish_reason"] ?? null) === null;
  return isUnfinished && isObject(delta) && Object.values(delta).every(isNothing);
}

function withWhole(members: JsonObject, usage: Usage): JsonObject {
  return {
    ...members,
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

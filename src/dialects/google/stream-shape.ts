/**
 * What a stream of GenerateContentResponses has said so far, whichever way they are held together. Google
 * ends a stream by ending the body, so a stream is complete when every candidate has finished, or the prompt
 * was blocked; what breaks off before was cut.
 */
import type { AnswerFailure } from "../contract.ts";
import type { Usage } from "../usage-contract.ts";
import { isObject, type JsonObject } from "../json.ts";
import {
  candidatesOf,
  failureOf,
  hasContent,
  hasFinished,
  indexOf,
  isBlocked,
  toolCallsOf,
} from "./chunk.ts";
import { readUsage } from "./usage.ts";

const LABELS = ["modelVersion", "responseId"] as const;

export class StreamShape {
  content = false;
  failure: AnswerFailure | null = null;
  /** The usage came when nothing more was to be generated. */
  isUsageFinal = false;
  readonly #labels: Record<string, unknown> = {};
  /** Indexes of candidates that came, and of those that said why they ended. */
  readonly #begun = new Set<number>();
  readonly #finished = new Set<number>();
  #isBlocked = false;
  /** The last report that can be one. */
  #usageMetadata: unknown = null;
  readonly #toolCalls = new Map<string, number>();

  /** Whether the body may end now. */
  get isComplete(): boolean {
    return this.#isBlocked || (this.#finished.size > 0 && this.#unfinished.length === 0);
  }

  get #unfinished(): readonly number[] {
    return [...this.#begun].filter((index) => !this.#finished.has(index));
  }

  get usage(): Usage | null {
    return readUsage(this.#usageMetadata, Object.fromEntries(this.#toolCalls));
  }

  /** Takes note of one response, `data` being its text. */
  see(chunk: JsonObject, data: string): void {
    const failure = failureOf(chunk, data);
    if (failure !== null) {
      this.failure ??= failure;
      return;
    }
    for (const label of LABELS) {
      if (chunk[label] !== undefined) this.#labels[label] = chunk[label];
    }
    this.content ||= hasContent(chunk);
    this.#isBlocked ||= isBlocked(chunk);
    for (const candidate of candidatesOf(chunk)) this.#seeCandidate(candidate);
    for (const [tool, calls] of Object.entries(toolCallsOf({ ...chunk, ...this.#labels }))) {
      // Later chunks repeat the queries of earlier ones.
      this.#toolCalls.set(tool, Math.max(calls, this.#toolCalls.get(tool) ?? 0));
    }
    this.#readUsage(chunk);
  }

  #seeCandidate(candidate: JsonObject): void {
    if (hasFinished(candidate)) this.#finished.add(indexOf(candidate));
    else if (isObject(candidate["content"])) this.#begun.add(indexOf(candidate));
  }

  /** Every chunk reports what was used so far; the last report counts. */
  #readUsage({ usageMetadata }: JsonObject): void {
    if (readUsage(usageMetadata) === null) return;
    this.#usageMetadata = usageMetadata;
    this.isUsageFinal = this.isComplete;
  }

  /**
   * The response that ends a stream in its provider's place: what is unfinished ends as by its limit, and
   * `usage` is what was delivered.
   */
  lengthEnding(usage: Usage): object {
    const unfinished = this.#unfinished;
    return {
      candidates: (unfinished.length === 0 ? [0] : unfinished).map((index) => ({
        content: { parts: [{ text: "" }], role: "model" },
        finishReason: "MAX_TOKENS",
        index,
      })),
      usageMetadata: {
        promptTokenCount: usage.inputTokens,
        candidatesTokenCount: usage.outputTokens - usage.reasoningTokens,
        totalTokenCount: usage.inputTokens + usage.outputTokens,
        ...(usage.reasoningTokens > 0 ? { thoughtsTokenCount: usage.reasoningTokens } : {}),
      },
      ...this.#labels,
    };
  }
}

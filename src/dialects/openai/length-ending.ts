/**
 * Ends a stream in its provider's place when its cost has reached its hold, so that the client sees
 * what it knows from `max_tokens`: `finish_reason: "length"`, then the terminator. A comment in front
 * says that it was us; readers of server-sent events skip it.
 */
import type { Usage } from "../usage-contract.ts";
import { HOLD_REACHED_COMMENT } from "../hold-reached.ts";
import { isObject, type JsonObject } from "../json.ts";

const LABELS = ["id", "object", "created", "model", "system_fingerprint"] as const;

/** What the ending must repeat of the stream: its labels, and which choices have not finished. */
export class StreamShape {
  readonly #labels: Record<string, unknown> = {};
  readonly #unfinished: Set<number>;

  constructor(choices: number) {
    this.#unfinished = new Set(Array.from({ length: choices }, (_, index) => index));
  }

  see(chunk: JsonObject): void {
    for (const label of LABELS) {
      const value = chunk[label];
      if (value !== undefined) this.#labels[label] ??= value;
    }
    const choices = chunk["choices"];
    if (!Array.isArray(choices)) return;
    for (const choice of choices) {
      if (!isObject(choice) || typeof choice["index"] !== "number") continue;
      if (typeof choice["finish_reason"] === "string") this.#unfinished.delete(choice["index"]);
    }
  }

  get labels(): Readonly<Record<string, unknown>> {
    return this.#labels;
  }

  get unfinished(): readonly number[] {
    return [...this.#unfinished];
  }
}

/** `usage` null: the client did not ask for it. */
export function lengthEnding(
  shape: StreamShape,
  usage: Usage | null,
  emptyChoice: JsonObject = { delta: {} },
): Uint8Array {
  const events = [
    ...shape.unfinished.map((index) => ({
      ...shape.labels,
      choices: [{ index, ...emptyChoice, logprobs: null, finish_reason: "length" }],
    })),
    ...(usage === null ? [] : [{ ...shape.labels, choices: [], usage: usageMembers(usage) }]),
  ].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  return new TextEncoder().encode(`${HOLD_REACHED_COMMENT}${events.join("")}data: [DONE]\n\n`);
}

function usageMembers(usage: Usage): Record<string, unknown> {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

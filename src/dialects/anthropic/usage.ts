/**
 * Tokens out of an Anthropic `usage` object: `input_tokens` leaves out what was read from the cache
 * or written to it, so that the whole input is the sum of the three.
 */
import type { Usage } from "../usage-contract.ts";
import { isObject, type JsonObject } from "../json.ts";
import { Counts } from "../usage-counts.ts";

/** null when the object reports no usage. */
export function readUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const outputTokens = counts.reported(usage["output_tokens"]);
  if (counts.reported(usage["input_tokens"]) === null || outputTokens === null) return null;
  const rounds = [usage, ...roundsBeside(usage)].map((round) => tokensOf(counts, round));
  const sum = (kind: keyof Tokens): number => rounds.reduce((total, one) => total + one[kind], 0);
  const thinking = isObject(usage["output_tokens_details"]) ? usage["output_tokens_details"] : {};
  return counts.usage({
    inputTokens: sum("input"),
    outputTokens: sum("output"),
    cachedInputTokens: sum("read"),
    reasoningTokens: counts.of(thinking["thinking_tokens"]),
    cacheWriteTokens: sum("written"),
    cacheWrite1hTokens: sum("written1h"),
    toolCalls: counts.toolCalls(usage["server_tool_use"], "_requests"),
  });
}

/** Of one round; `input` is whole, with what was read from the cache or written to it. */
type Tokens = {
  readonly input: number;
  readonly read: number;
  readonly written: number;
  readonly written1h: number;
  readonly output: number;
};

function tokensOf(counts: Counts, usage: JsonObject): Tokens {
  const creation = isObject(usage["cache_creation"]) ? usage["cache_creation"] : {};
  const hour = counts.of(creation["ephemeral_1h_input_tokens"]);
  const minutes = counts.of(creation["ephemeral_5m_input_tokens"]);
  // What the breakdown does not name is of the older kind, which is kept five minutes.
  const written = Math.max(counts.of(usage["cache_creation_input_tokens"]), hour + minutes);
  const read = counts.of(usage["cache_read_input_tokens"]);
  return {
    input: counts.of(usage["input_tokens"]) + read + written,
    read,
    written: written - hour,
    written1h: hour,
    output: counts.of(usage["output_tokens"]),
  };
}

/**
 * Rounds that are billed and no part of the sums: those that compact a context, and those of an advising
 * model, whose own price is not known here (types of @anthropic-ai/sdk 1.11, 2026-11).
 */
const BESIDE = new Set<unknown>(["compaction", "advisor_message"]);

function roundsBeside(usage: JsonObject): readonly JsonObject[] {
  const rounds = usage["iterations"];
  if (!Array.isArray(rounds)) return [];
  return rounds.filter((round) => isObject(round) && BESIDE.has(round["type"]));
}

/**
 * One usage object from those of a stream, `message_start` first, then each `message_delta`: their
 * counts are cumulative, so the last one of each member holds. Later events leave members out that
 * did not change, or send null.
 */
export function mergeUsage(earlier: JsonObject, later: JsonObject): JsonObject {
  const told = Object.entries(later).filter(([, value]) => value !== null && value !== undefined);
  return { ...earlier, ...Object.fromEntries(told) };
}

/**
 * Tokens out of an OpenAI `usage` object. Money follows from these numbers: a count that cannot be
 * one (negative, fractional, absurd, not a number) makes the whole object count as not reported.
 */
import type { Usage } from "../contract.ts";
import { isObject, type JsonObject } from "../json.ts";

/** Keeps tokens × price far below the largest amount of the ledger. */
/**
 * Five times the largest context on the market (2 million tokens, 2026-11). What claims more is no
 * report: a few of them would pass the largest amount that the ledger can sum.
 */
const tokensMax = 10_000_000;

/**
 * null when the object reports no usage. `generates` false: an answer without output (embeddings),
 * whose usage has no `completion_tokens`. Details that are missing or not counts are 0; parts are
 * clamped to their whole.
 */
export function readUsage(usage: unknown, generates: boolean): Usage | null {
  if (!isObject(usage)) return null;
  const inputTokens = count(usage["prompt_tokens"]);
  const completion = count(
    generates ? usage["completion_tokens"] : (usage["completion_tokens"] ?? 0),
  );
  if (inputTokens === null || completion === null) return null;
  const reasoning = detail(usage, "completion_tokens_details", "reasoning_tokens") ?? 0;
  const outputTokens = completion + reasoningBeside(usage, inputTokens, completion, reasoning);
  // DeepSeek reports cache hits in a member of its own (2026-11).
  const cached =
    detail(usage, "prompt_tokens_details", "cached_tokens") ??
    count(usage["prompt_cache_hit_tokens"]) ??
    0;
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: Math.min(cached, inputTokens),
    reasoningTokens: Math.min(reasoning, outputTokens),
  };
}

/**
 * xAI leaves reasoning out of `completion_tokens` and bills it as output (Grok on Vertex AI, "Reasoning
 * for Grok models", 2026-11). The exact sum in `total_tokens` tells those who do from those who
 * count it in, as OpenAI does.
 */
function reasoningBeside(
  usage: JsonObject,
  prompt: number,
  completion: number,
  reasoning: number,
): number {
  return usage["total_tokens"] === prompt + completion + reasoning ? reasoning : 0;
}

function detail(usage: JsonObject, group: string, name: string): number | null {
  const details = usage[group];
  return isObject(details) ? count(details[name]) : null;
}

function count(value: unknown): number | null {
  const isCount = typeof value === "number" && Number.isInteger(value);
  // Adding 0 makes the -0 that JSON can spell an ordinary zero.
  return isCount && value >= 0 && value <= tokensMax ? value + 0 : null;
}

/**
 * Tokens out of an Anthropic `usage` object: `input_tokens` leaves out what was read from the cache
 * or written to it, so that the whole input is the sum of the three.
 */
import type { Usage } from "../contract.ts";
import { isObject, type JsonObject } from "../json.ts";
import { Counts } from "../usage-counts.ts";

/** null when the object reports no usage. */
export function readUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const fresh = counts.reported(usage["input_tokens"]);
  const outputTokens = counts.reported(usage["output_tokens"]);
  if (fresh === null || outputTokens === null) return null;
  const creation = isObject(usage["cache_creation"]) ? usage["cache_creation"] : {};
  const hour = counts.of(creation["ephemeral_1h_input_tokens"]);
  const minutes = counts.of(creation["ephemeral_5m_input_tokens"]);
  // What the breakdown does not name is of the older kind, which is kept five minutes.
  const written = Math.max(counts.of(usage["cache_creation_input_tokens"]), hour + minutes);
  const read = counts.of(usage["cache_read_input_tokens"]);
  const thinking = isObject(usage["output_tokens_details"]) ? usage["output_tokens_details"] : {};
  return counts.usage({
    inputTokens: fresh + read + written,
    outputTokens,
    cachedInputTokens: read,
    reasoningTokens: counts.of(thinking["thinking_tokens"]),
    cacheWriteTokens: written - hour,
    cacheWrite1hTokens: hour,
    toolCalls: counts.toolCalls(usage["server_tool_use"], "_requests"),
  });
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

/**
 * Tokens out of Bedrock Converse's `usage`: `inputTokens` leaves out what was read from the cache or
 * written to it. Reasoning is part of the output and not told apart.
 */
import type { Usage } from "../usage-contract.ts";
import { isObject } from "../json.ts";
import { Counts } from "../usage-counts.ts";

/** null when the object reports no usage. */
export function readUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const fresh = counts.reported(usage["inputTokens"]);
  const outputTokens = counts.reported(usage["outputTokens"]);
  if (fresh === null || outputTokens === null) return null;
  const read = counts.of(usage["cacheReadInputTokens"]);
  const written = readWrites(counts, usage["cacheDetails"]);
  const total = Math.max(counts.of(usage["cacheWriteInputTokens"]), written.all);
  return counts.usage({
    inputTokens: fresh + read + total,
    outputTokens,
    cachedInputTokens: read,
    cacheWriteTokens: total - written.hour,
    cacheWrite1hTokens: written.hour,
  });
}

/** Writes by how long they are kept; `details` is a list of `{ ttl, inputTokens }`. */
function readWrites(
  counts: Counts,
  details: unknown,
): { readonly all: number; readonly hour: number } {
  let all = 0;
  let hour = 0;
  for (const detail of Array.isArray(details) ? details.filter(isObject) : []) {
    const tokens = counts.of(detail["inputTokens"]);
    all += tokens;
    if (detail["ttl"] === "1h") hour += tokens;
  }
  return { all, hour };
}

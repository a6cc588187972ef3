/**
 * Tokens out of an OpenAI `usage` object, whoever of the many that speak this dialect made it. They
 * differ in where they put parts, and in whether a part is inside its whole or beside it.
 */
import type { Usage } from "../usage-contract.ts";
import { isObject, type JsonObject } from "../json.ts";
import { Counts } from "../usage-counts.ts";

/**
 * null when the object reports no usage. `generates` false: an answer without output (embeddings),
 * whose usage has no `completion_tokens`, and with Voyage AI `total_tokens` alone (2026-11). Details that
 * are missing are 0.
 */
export function readUsage(usage: unknown, generates: boolean): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const prompt = counts.reported(
    usage["prompt_tokens"] ?? (generates ? null : usage["total_tokens"]),
  );
  const reported = counts.reported(usage["completion_tokens"]);
  const completion = generates ? reported : (reported ?? 0);
  if (prompt === null || completion === null) return null;
  const output = objectIn(usage, "completion_tokens_details");
  const input = objectIn(usage, "prompt_tokens_details");
  const parts: Parts = {
    reasoning: readReasoning(counts, usage, output),
    reads: readCacheReads(counts, usage, input),
    writes: readCacheWrites(counts, usage, input),
  };
  const beside = besideTheirWhole(prompt, completion, parts, usage["total_tokens"]);
  return counts.usage({
    // Perplexity bills the pages it cites like input, which they are (2026-11).
    inputTokens: prompt + beside.reads + beside.writes + counts.of(usage["citation_tokens"]),
    outputTokens: completion + beside.reasoning,
    cachedInputTokens: parts.reads.tokens,
    reasoningTokens: parts.reasoning.tokens,
    cacheWriteTokens: parts.writes.tokens - parts.writes.hourTokens,
    cacheWrite1hTokens: parts.writes.hourTokens,
    audioInputTokens: counts.of(input["audio_tokens"]),
    cachedAudioInputTokens: counts.of(objectIn(input, "cached_tokens_details")["audio_tokens"]),
    imageInputTokens: counts.of(input["image_tokens"]) + counts.of(input["video_tokens"]),
    audioOutputTokens: counts.of(output["audio_tokens"]),
    imageOutputTokens: counts.of(output["image_tokens"]) + counts.of(output["video_tokens"]),
    toolCalls: readToolCalls(counts, usage),
  });
}

/** Usage of one chunk of a stream; Groq has it in a member of its own as well, or only there. */
export function chunkUsage(chunk: JsonObject): Usage | null {
  return readUsage(chunk["usage"], true) ?? readUsage(objectIn(chunk, "x_groq")["usage"], true);
}

/** A part and where it may be: `mayBeBeside` when its whole need not contain it. */
type Part = { readonly tokens: number; readonly mayBeBeside: boolean };
type Parts = {
  readonly reasoning: Part & { readonly isBeside: boolean };
  readonly reads: Part;
  readonly writes: Part & { readonly hourTokens: number };
};

function readReasoning(counts: Counts, usage: JsonObject, output: JsonObject): Parts["reasoning"] {
  // SGLang and Perplexity report it beside the details; only Perplexity, whom its searches and
  // citations tell, does not count it as completion (2026-11).
  const outer = counts.of(usage["reasoning_tokens"]);
  const searches = usage["num_search_queries"] ?? usage["citation_tokens"];
  const isBeside = outer > 0 && searches !== undefined && searches !== null;
  const tokens = Math.max(counts.of(output["reasoning_tokens"]), outer);
  return { tokens, mayBeBeside: true, isBeside };
}

/** OpenAI's place; DeepSeek's, Moonshot's, and that of servers which translate from Anthropic. */
function readCacheReads(counts: Counts, usage: JsonObject, input: JsonObject): Part {
  const inside = Math.max(
    counts.of(input["cached_tokens"]),
    counts.of(usage["prompt_cache_hit_tokens"]),
    counts.of(usage["cached_tokens"]),
  );
  const translated = counts.of(usage["cache_read_input_tokens"]);
  return { tokens: Math.max(inside, translated), mayBeBeside: inside === 0 };
}

/** OpenAI's and OpenRouter's place, LiteLLM's, Alibaba's, and that of translators. */
function readCacheWrites(counts: Counts, usage: JsonObject, input: JsonObject): Parts["writes"] {
  const inside = Math.max(
    counts.of(input["cache_write_tokens"]),
    counts.of(input["cache_creation_tokens"]),
    counts.of(input["cache_creation_input_tokens"]),
  );
  const translated = counts.of(usage["cache_creation_input_tokens"]);
  const tokens = Math.max(inside, translated);
  const hour = [
    objectIn(input, "cache_creation"),
    objectIn(input, "cache_creation_token_details"),
    objectIn(usage, "cache_creation"),
  ].map((creation) => counts.of(creation["ephemeral_1h_input_tokens"]));
  return { tokens, mayBeBeside: translated > 0, hourTokens: Math.min(Math.max(...hour), tokens) };
}

type Beside = { readonly reasoning: number; readonly reads: number; readonly writes: number };

/**
 * What is beside its whole rather than inside. An exact sum in `total_tokens` tells: xAI leaves
 * reasoning out of `completion_tokens` and bills it as output (Grok on Vertex AI, 2026-11), servers
 * that translate from Anthropic may leave the cache out of `prompt_tokens`. Some of those leave it
 * out of their total too, and then only what does not fit into its whole is beside it.
 */
function besideTheirWhole(
  prompt: number,
  completion: number,
  parts: Parts,
  total: unknown,
): Beside {
  const { reads, writes, reasoning } = parts;
  if (reasoning.isBeside) return { reasoning: reasoning.tokens, reads: 0, writes: 0 };
  const more = typeof total === "number" ? total - prompt - completion : 0;
  if (more > 0) {
    const told = choicesOf(parts).find((one) => one.reasoning + one.reads + one.writes === more);
    if (told !== undefined) return told;
  }
  const besideReads = reads.mayBeBeside && reads.tokens > prompt ? reads.tokens : 0;
  const room = prompt - (reads.tokens - besideReads);
  const besideWrites = writes.mayBeBeside && writes.tokens > room ? writes.tokens : 0;
  return { reasoning: 0, reads: besideReads, writes: besideWrites };
}

/** Every way in which the parts can be beside their wholes. */
function choicesOf(parts: Parts): readonly Beside[] {
  return insideOrBeside(parts.writes).flatMap((writes) =>
    insideOrBeside(parts.reads).flatMap((reads) =>
      insideOrBeside(parts.reasoning).map((reasoning) => ({ reasoning, reads, writes })),
    ),
  );
}

function insideOrBeside({ mayBeBeside, tokens }: Part): readonly number[] {
  return mayBeBeside ? [0, tokens] : [0];
}

/** OpenRouter's, xAI's and Perplexity's ways to count what their own tools did. */
function readToolCalls(counts: Counts, usage: JsonObject): Record<string, number> {
  const calls = {
    ...counts.toolCalls(usage["server_tool_use"], "_requests"),
    ...counts.toolCalls(usage["server_side_tool_usage_details"], "_calls"),
  };
  const searches = counts.of(usage["num_search_queries"]);
  if (searches > 0) calls["web_search"] = searches;
  const sources = counts.of(usage["num_sources_used"]);
  if (sources > 0) calls["live_search_source"] = sources;
  return calls;
}

function objectIn(holder: JsonObject, member: string): JsonObject {
  const value = holder[member];
  return isObject(value) ? value : {};
}

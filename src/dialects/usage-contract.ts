/** What an answer has used of a provider, in the measures that are paid for. */
import type { Unit } from "./surfaces.ts";

/** Tokens as the provider reported them, cached and reasoning tokens being parts of the first two. */
export type Usage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Part of `inputTokens`: read from the provider's cache. */
  readonly cachedInputTokens: number;
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number;
  /** What has a price of its own beside these; null when there is none of it, nearly always. */
  readonly details: UsageDetails | null;
};

/** Parts of a usage that few answers have; no part is ever more than its whole. */
export type UsageDetails = {
  /** Part of `inputTokens`: written to the provider's cache, kept 5 minutes (or its only kind). */
  readonly cacheWriteTokens: number;
  /** Part of `inputTokens`: written to the provider's cache, kept one hour. */
  readonly cacheWrite1hTokens: number;
  /** Part of `inputTokens`. */
  readonly audioInputTokens: number;
  /** Part of both `audioInputTokens` and `cachedInputTokens`. */
  readonly cachedAudioInputTokens: number;
  /** Part of `inputTokens`: pictures, still or moving. */
  readonly imageInputTokens: number;
  /** Part of `outputTokens`. */
  readonly audioOutputTokens: number;
  /** Part of `outputTokens`: pictures, still or moving. */
  readonly imageOutputTokens: number;
  /** Calls of the provider's own tools that are paid per call, by tool: `web_search`, … */
  readonly toolCalls: Readonly<Record<string, number>>;
  /** What was used that is no token; absent where there is none of it. */
  readonly units?: UnitCounts;
};

export type UnitCounts = Readonly<Partial<Record<Unit, number>>>;

/** What a request can use beside tokens, or in their place, as far as it shows. */
export type UnitUse = {
  readonly max: UnitCounts;
  /** Likely output tokens of one choice, for an answer without usage of a model that is paid by tokens. */
  readonly outputTokens: number;
};

/** Kinds of tokens that may have a price of their own. */
export type TokenKindApart =
  | "audio_input"
  | "image_input"
  | "audio_output"
  | "image_output"
  | "cache_write_1h";

/** What an answer holds of generated text, as far as it can be seen from outside. */
export type GeneratedOutput = {
  /** What the provider told of the input before it wrote; its output is only a part. Absent: nothing. */
  readonly begun?: Usage | null;
  /** The likely number of tokens, for an answer without usage. */
  readonly tokens: number;
  /** Deltas that carried text: most providers send one for each token. */
  readonly pieces: number;
  /** Bytes of generated text, and how many of them `text` holds: the first ones. */
  readonly textBytes: number;
  readonly keptBytes: number;
  /** The kept text; decoded when it is asked for. */
  readonly text: () => string;
};

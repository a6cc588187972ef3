/**
 * What the simulated provider reports as used, in OpenAI's shape. A script may override any number;
 * what it does not name follows from the others as a provider would have it.
 */

import type { Script } from "./script-members.ts";

/** OpenAI counts a token for about four characters of English; never none. */
export function promptTokensOf(characters: number): number {
  return Math.max(1, Math.ceil(characters / 4));
}

/** The two numbers that are billed. */
export type ReportedUsage = { readonly promptTokens: number; readonly completionTokens: number };

/** Reasoning is part of the completion, though nobody reads it. */
export function reportedUsage(
  promptTokens: number,
  generatedTokens: number,
  script: Script,
): ReportedUsage {
  return {
    promptTokens: script.prompt_tokens ?? promptTokens,
    completionTokens: script.completion_tokens ?? generatedTokens + (script.reasoning_tokens ?? 0),
  };
}

/** The `usage` member of a chat completion. */
export function chatUsage(usage: ReportedUsage, script: Script) {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: script.total_tokens ?? usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: script.cached_tokens ?? 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: script.reasoning_tokens ?? 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** The `usage` member of an embeddings answer. */
export function embeddingUsage(promptTokens: number, script: Script) {
  const reported = script.prompt_tokens ?? promptTokens;
  return { prompt_tokens: reported, total_tokens: script.total_tokens ?? reported };
}

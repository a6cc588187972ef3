/**
 * Tokens out of Gemini's `usageMetadata`: the prompt's count includes what was cached, thoughts stand
 * beside the candidates, and what the provider's own tools fed back stands beside the prompt.
 * Protocol buffers leave zeros out, so a missing count is 0.
 */
import type { Usage } from "../usage-contract.ts";
import { isObject } from "../json.ts";
import { Counts } from "../usage-counts.ts";

/**
 * null when the object reports no usage: a prompt has at least one token. `toolCalls`: calls of the
 * provider's own tools, which answers tell of elsewhere.
 */
export function readUsage(
  usage: unknown,
  toolCalls: Readonly<Record<string, number>> = {},
): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const prompt = counts.reported(usage["promptTokenCount"]);
  if (prompt === null) return null;
  const candidates = counts.of(usage["candidatesTokenCount"]);
  const thoughts = counts.of(usage["thoughtsTokenCount"]);
  const fedBack = counts.of(usage["toolUsePromptTokenCount"]);
  const inputs = [usage["promptTokensDetails"], usage["toolUsePromptTokensDetails"]];
  const output = usage["candidatesTokensDetails"];
  return counts.usage({
    inputTokens: prompt + fedBack,
    outputTokens: candidates + thoughts,
    cachedInputTokens: counts.of(usage["cachedContentTokenCount"]),
    reasoningTokens: thoughts,
    audioInputTokens: sum(inputs.map((one) => ofModality(counts, one, ["AUDIO"]))),
    cachedAudioInputTokens: ofModality(counts, usage["cacheTokensDetails"], ["AUDIO"]),
    imageInputTokens: sum(inputs.map((one) => ofModality(counts, one, ["IMAGE", "VIDEO"]))),
    audioOutputTokens: ofModality(counts, output, ["AUDIO"]),
    imageOutputTokens: ofModality(counts, output, ["IMAGE", "VIDEO"]),
    toolCalls,
  });
}

function ofModality(counts: Counts, details: unknown, modalities: readonly string[]): number {
  if (!Array.isArray(details)) return 0;
  const matching = details
    .filter(isObject)
    .filter((detail) => modalities.some((modality) => detail["modality"] === modality));
  return sum(matching.map((detail) => counts.of(detail["tokenCount"])));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** What is known of particular providers by their address. Data, one line each, with its origin. */

import type { RequestEdits } from "../dialects/contract.ts";

/**
 * OpenAI's reasoning models refuse `max_tokens` and its other models take both (API reference,
 * 2026-11); compatible servers such as vLLM, Ollama and Groq know `max_tokens` at least.
 */
const COMPLETION_TOKENS_HOSTS = ["api.openai.com", ".openai.azure.com"] as const;

/** Mistral's answers begin with their prefix (SillyTavern issue 2557, vercel/ai pull request 3256). */
const TEXT_REPEATING_HOSTS = new Set(["api.mistral.ai", "codestral.mistral.ai"]);

/** Whether an answer that goes on with a given text begins with that text. */
export function repeatsText(baseUrl: string): boolean {
  return TEXT_REPEATING_HOSTS.has(new URL(baseUrl).hostname);
}

export type OutputCapMember = RequestEdits["outputCapMember"];

export function outputCapMember(baseUrl: string): OutputCapMember {
  const { hostname } = new URL(baseUrl);
  const isNewer = COMPLETION_TOKENS_HOSTS.some(
    (host) => hostname === host || (host.startsWith(".") && hostname.endsWith(host)),
  );
  return isNewer ? "max_completion_tokens" : "max_tokens";
}

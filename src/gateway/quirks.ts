/** What is known of particular providers by their address. Data, one line each, with its origin. */

import type { RequestEdits } from "../dialects/contract.ts";

/**
 * OpenAI's reasoning models refuse `max_tokens` and its other models take both (API reference,
 * 2026-11); compatible servers such as vLLM, Ollama and Groq know `max_tokens` at least.
 */
const COMPLETION_TOKENS_HOSTS = ["api.openai.com", ".openai.azure.com"] as const;

export type OutputCapMember = RequestEdits["outputCapMember"];

export function outputCapMember(baseUrl: string): OutputCapMember {
  const { hostname } = new URL(baseUrl);
  const isNewer = COMPLETION_TOKENS_HOSTS.some(
    (host) => hostname === host || (host.startsWith(".") && hostname.endsWith(host)),
  );
  return isNewer ? "max_completion_tokens" : "max_tokens";
}

/**
 * Headers that Anthropic's clients read on every answer: the request's id, and how much of each rate is
 * left (rate limits of the API reference, 2026-11). We keep one count for input and output together, so
 * each of them may take all that is left of it.
 */
import type { AnswerTold, RateTold } from "../reply-contract.ts";

const TOKEN_RATES = ["tokens", "input-tokens", "output-tokens"] as const;

export function answerHeaders({ requestId, requests, tokens }: AnswerTold): Record<string, string> {
  const headers: Record<string, string> = { "request-id": requestId };
  addRate(headers, "requests", requests);
  for (const rate of TOKEN_RATES) addRate(headers, rate, tokens);
  return headers;
}

function addRate(headers: Record<string, string>, name: string, rate: RateTold | null): void {
  if (rate === null) return;
  headers[`anthropic-ratelimit-${name}-limit`] = String(rate.limit);
  headers[`anthropic-ratelimit-${name}-remaining`] = String(rate.remaining);
  headers[`anthropic-ratelimit-${name}-reset`] = wholeSecond(rate.resetAtMs);
}

/** RFC 3339 in seconds, as Anthropic writes it; rounded up, so that nobody comes back too early. */
function wholeSecond(atMs: number): string {
  return new Date(Math.ceil(atMs / 1_000) * 1_000).toISOString().replace(".000Z", "Z");
}

/** Headers of Anthropic's API and of its clients (@anthropic-ai/sdk 1.11, 2026-11). */
import type { DialectHeaders } from "../headers.ts";
import type { AnswerTold, RateTold } from "../reply-contract.ts";

export const HEADERS: DialectHeaders = {
  // Without a version Anthropic refuses. Who says none wrote for this one, which clients have said since
  // 2023; the SDK says a newer one since 1.0 (2026-10).
  defaults: { "anthropic-version": "2023-06-01" },
  credentials: ["x-api-key"],
  accounts: ["anthropic-workspace-id"],
  passed: ["x-should-retry"],
  told,
};

const TOKEN_RATES = ["tokens", "input-tokens", "output-tokens"] as const;

/**
 * The request's id, and how much of each rate is left (rate limits of the API reference, 2026-11). We keep
 * one count for input and output together, so each of them may take all that is left of it.
 */
function told({ requestId, requests, tokens }: AnswerTold): Record<string, string> {
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

/** The headers of an answer: the few of the provider's that clients use, and our own. */
import type { RateState } from "../../actors/contract.ts";
import { formatUsd } from "../base/units.ts";
import type { AnswerTold, RateTold } from "../dialects/reply-contract.ts";
import type { Exchange } from "./exchange.ts";

/** Of every upstream's answer, passed on as they came; its dialect knows which others are. */
const PASSED = [
  "content-type",
  // Only of an error that came encoded although identity was asked for: its bytes stay as they are.
  "content-encoding",
  // Of a file: its name.
  "content-disposition",
  "retry-after",
  // Azure's, which clients of every language read (2026-11).
  "retry-after-ms",
] as const;

/** Ours, on every answer; the provider's too when one answered. */
export function replyHeaders(exchange: Exchange, upstream: Headers | null): Record<string, string> {
  const headers: Record<string, string> = {};
  if (upstream !== null) {
    pass(headers, upstream, PASSED);
    pass(headers, upstream, exchange.call.dialect.headers.passed);
  }
  if (exchange.served !== null) {
    headers["x-tollgate-provider"] = exchange.served.provider;
    headers["x-tollgate-model"] = headerText(exchange.served.model);
  }
  headers["x-tollgate-attempts"] = String(exchange.attemptCount);
  if (exchange.outputTokensCap !== null) {
    headers["x-tollgate-output-capped"] = String(exchange.outputTokensCap);
  }
  return Object.assign(headers, ofRequest(exchange));
}

/** What is about the request and whoever asks, and says nothing of the answer: its id and its rates. */
export function ofRequest(exchange: Exchange): Record<string, string> {
  const headers: Record<string, string> = { "x-request-id": exchange.id };
  addRate(headers, "requests", exchange.requestRate);
  addRate(headers, "tokens", exchange.tokenRate);
  const { told } = exchange.call.dialect.headers;
  return told === null ? headers : Object.assign(headers, told(toldOf(exchange)));
}

function pass(headers: Record<string, string>, upstream: Headers, names: readonly string[]): void {
  for (const name of names) {
    const value = upstream.get(name);
    if (value !== null) headers[name] = value;
  }
}

function toldOf({ id, requestRate, tokenRate, ratesAtMs }: Exchange): AnswerTold {
  return {
    requestId: id,
    requests: rateTold(requestRate, ratesAtMs),
    tokens: rateTold(tokenRate, ratesAtMs),
  };
}

function rateTold(rate: RateState | null, atMs: number): RateTold | null {
  if (rate === null) return null;
  const { limit, remaining, resetMs } = rate;
  return {
    limit,
    remaining: Math.max(0, Math.floor(remaining)),
    resetAtMs: atMs + Math.max(0, Math.ceil(resetMs)),
  };
}

/** Of a stream: proxies in front of us must neither compress nor gather its events. */
export function streamHeaders(
  exchange: Exchange,
  upstream: Headers | null,
): Record<string, string> {
  const headers = replyHeaders(exchange, upstream);
  headers["cache-control"] = "no-cache, no-transform";
  headers["x-accel-buffering"] = "no";
  return headers;
}

/** What the exchange cost; only where it is known before the answer is sent. */
export function addCost(headers: Record<string, string>, exchange: Exchange): void {
  const cost = exchange.attempts.reduce((sum, attempt) => sum + attempt.costNanoUsd, 0);
  headers["x-tollgate-cost-usd"] = formatUsd(cost);
}

function addRate(
  headers: Record<string, string>,
  unit: "requests" | "tokens",
  rate: RateState | null,
): void {
  if (rate === null) return;
  headers[`x-ratelimit-limit-${unit}`] = String(rate.limit);
  headers[`x-ratelimit-remaining-${unit}`] = String(Math.max(0, Math.floor(rate.remaining)));
  headers[`x-ratelimit-reset-${unit}`] = formatReset(rate.resetMs);
}

/** OpenAI's spelling of durations: `12ms`, `1.5s`, `6m0s`, `1h2m3s`. */
function formatReset(durationMs: number): string {
  const ms = Math.max(0, Math.ceil(durationMs));
  if (ms < 1_000) return `${ms}ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(3))}s`;
  const seconds = Math.ceil(ms / 1_000);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  return `${hours > 0 ? `${hours}h` : ""}${minutes}m${seconds % 60}s`;
}

/** A model's name is the client's text: what a header cannot carry is percent-encoded. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

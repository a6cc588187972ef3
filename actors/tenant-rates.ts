/** What the rates of a chain leave, as the `x-ratelimit-*` headers tell it. */
import type { RateState } from "./contract.ts";
import { remainingTokens, resetMs } from "./policy/token-bucket.ts";
import type { LimitEntry } from "./tenant-record.ts";

/** The rule with the least left, the narrower scope among equals; null when no rule counts this. */
export function tightestRate(
  limits: readonly LimitEntry[],
  kind: "requests" | "tokens",
  atMs: number,
): RateState | null {
  let tightest: RateState | null = null;
  for (const limit of limits) {
    const bucket = limit[kind];
    if (bucket === null) continue;
    const remaining = remainingTokens(bucket, atMs);
    if (tightest !== null && tightest.remaining <= remaining) continue;
    tightest = { limit: bucket.perMinute, remaining, resetMs: resetMs(bucket, atMs) };
  }
  return tightest;
}

/**
 * How long a provider is left alone: the open time of its breaker after failures, and its cooldown
 * after it said "too many". All of it is arithmetic on the time of the next event; no timer runs.
 */
import { LIMITS } from "../../src/base/limits.ts";
import { COOLDOWN_SPREAD_DIVISOR } from "./backoff.ts";

/** Open times spread by this much to either side, so that breakers do not close in step. */
const OPEN_SPREAD = 0.2;

/** No rest is ever set longer than this. */
const REST_MS_MAX =
  Math.max(LIMITS.breakerOpenMsMax, LIMITS.cooldownAskedMsMax) * (1 + OPEN_SPREAD);

/** Open time of a breaker that has opened `opens` times before without closing in between. */
export function openTimeMs(opens: number, jitter: number): number {
  const plainMs = Math.min(LIMITS.breakerOpenMsMax, LIMITS.breakerOpenMs * 2 ** opens);
  return Math.round(plainMs * (1 - OPEN_SPREAD + 2 * OPEN_SPREAD * jitter));
}

/**
 * Cooldown after the provider throttled for the `count`-th time in a row (from 0). What it asked for
 * counts, with a little spread; a bound keeps an absurd wish from disabling it for days.
 */
export function cooldownMs(count: number, retryAfterMs: number | null, jitter: number): number {
  if (retryAfterMs === null) return Math.min(LIMITS.cooldownMsMax, LIMITS.cooldownMs * 2 ** count);
  const askedMs = Math.min(LIMITS.cooldownAskedMsMax, retryAfterMs);
  return Math.ceil(askedMs + (askedMs / COOLDOWN_SPREAD_DIVISOR) * jitter);
}

/**
 * Milliseconds from `atMs` to `untilMs`, 0 when it has passed. More than was ever set means that the
 * clock stepped back: then the rest is not waited for.
 */
export function restMs(untilMs: number, atMs: number): number {
  const rest = untilMs - atMs;
  return rest <= 0 || rest > REST_MS_MAX ? 0 : rest;
}

/**
 * How long a lane is left alone: the open time of its breaker after failures, its cooldown after the
 * provider said "too many", its rest while the account is empty or the credential refused. All of it is
 * arithmetic on the time of the next event; no timer runs.
 */
import { LIMITS } from "../../src/base/limits.ts";

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
 * Cooldown after the provider throttled for the `count`-th time in a row (from 0). What it asked for is
 * kept to the millisecond; a bound keeps an absurd wish from disabling it for days.
 */
export function cooldownMs(count: number, retryAfterMs: number | null): number {
  if (retryAfterMs === null) return Math.min(LIMITS.cooldownMsMax, LIMITS.cooldownMs * 2 ** count);
  return Math.ceil(Math.min(LIMITS.cooldownAskedMsMax, retryAfterMs));
}

/** Rest of a lane whose account is empty: at least as long as the provider asked for. */
export function exhaustedRestMs(retryAfterMs: number | null): number {
  return Math.max(LIMITS.exhaustedRestMs, cooldownMs(0, retryAfterMs));
}

/** Rest after the credential was refused for the `count`-th time in a row (from 0). */
export function credentialRestMs(count: number): number {
  return Math.min(LIMITS.credentialRestMsMax, LIMITS.credentialRestMs * 2 ** count);
}

/**
 * Milliseconds from `atMs` to `untilMs`, 0 when it has passed. More than was ever set, `longestMs`, means
 * that the clock stepped back: then the rest is not waited for.
 */
export function restMs(untilMs: number, atMs: number, longestMs: number = REST_MS_MAX): number {
  const rest = untilMs - atMs;
  return rest <= 0 || rest > longestMs ? 0 : rest;
}

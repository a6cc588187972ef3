/**
 * How long to wait before an attempt is repeated. Chance comes in as a number in [0, 1), so that
 * requests which failed together do not come back together.
 */
import { LIMITS } from "../../src/base/limits.ts";

/** A provider's cooldown lasts as long as it asked; whoever was told that time comes a little later. */
const ASKED_SPREAD_DIVISOR = 10;

/** How a route backs off. */
export type BackoffRules = {
  readonly baseMs: number;
  /** The longest wait of our own; a provider may ask for more. */
  readonly maxMs: number;
};

export const DEFAULT_BACKOFF: BackoffRules = {
  baseMs: LIMITS.backoffBaseMs,
  maxMs: LIMITS.backoffMaxMs,
};

export type Backoff = {
  /** Attempts that have failed, the last one included: 1 or more. */
  readonly failures: number;
  readonly throttled: boolean;
  /** What the provider asked for; wins over our own reckoning. */
  readonly retryAfterMs: number | null;
  readonly jitter: number;
  readonly rules: BackoffRules;
};

/**
 * Milliseconds to wait. A transient failure waits a random part of 50 ms, doubled with each failure
 * (full jitter). A throttled one waits a whole second, doubled likewise, and a random part of it on
 * top: the provider's own cooldown is a second, and coming back during it would only be refused.
 */
export function backoffMs({ failures, throttled, retryAfterMs, jitter, rules }: Backoff): number {
  if (retryAfterMs !== null) return Math.ceil(retryAfterMs + retryAfterMs / ASKED_SPREAD_DIVISOR);
  const baseMs = throttled ? Math.max(rules.baseMs, LIMITS.backoffThrottledBaseMs) : rules.baseMs;
  const ceilingMs = Math.min(rules.maxMs, baseMs * 2 ** (failures - 1));
  const floorMs = throttled ? ceilingMs : 0;
  return Math.min(rules.maxMs, Math.floor(floorMs + jitter * ceilingMs));
}

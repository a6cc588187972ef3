/**
 * A token bucket: refilled continuously, full after a quiet time. Whatever is taken within any 60
 * seconds stays at or below one minute's worth plus the capacity.
 *
 * Levels are integers of 1/60,000 token, so that one millisecond refills exactly `perMinute` of them
 * and a wait that is obeyed is never a fraction short. A level below 0 is debt: more was used than
 * was taken, and the next ones wait until it is paid.
 */

const UNITS_PER_TOKEN = 60_000;

/** Larger limits mean "none": above this the units would leave the exact integers. */
const PER_MINUTE_MAX = 10 ** 11;

/** Wall clocks step back; past this the bucket counts from the new time instead of standing still. */
const STEP_BACK_MS_MAX = 60_000;

/**
 * Debt is bounded by a day of refilling, and so that the units stay exact: an absurd report must not
 * lock a limit for years.
 */
const DEBT_MINUTES_MAX = 1_440;
const DEBT_UNITS_MAX = 2 ** 51;

export type Bucket = {
  readonly perMinute: number;
  readonly capacityUnits: number;
  readonly levelUnits: number;
  readonly atMs: number;
};

/** What a bucket held at some time, in tokens; carried from one actor to the next. */
export type Fill = { readonly level: number; readonly atMs: number };

/**
 * A bucket as it was left by `fill`, or full. A capacity below one would let nothing pass ever, so
 * it counts as one unless the limit itself is 0.
 */
export function createBucket(
  perMinute: number,
  capacity: number | null,
  fill: Fill | null,
  atMs: number,
): Bucket {
  const rate = Math.min(perMinute, PER_MINUTE_MAX);
  const tokens = rate === 0 ? 0 : Math.min(Math.max(capacity ?? rate, 1), PER_MINUTE_MAX);
  const capacityUnits = tokens * UNITS_PER_TOKEN;
  const full: Bucket = { perMinute: rate, capacityUnits, levelUnits: capacityUnits, atMs };
  if (fill === null) return full;
  const levelUnits = Math.min(capacityUnits, Math.round(fill.level * UNITS_PER_TOKEN));
  // An edit may have lowered the rate since, and with it the longest debt.
  return { ...full, levelUnits: Math.max(levelUnits, lowestUnits(rate)), atMs: fill.atMs };
}

function lowestUnits(perMinute: number): number {
  return -Math.min(DEBT_UNITS_MAX, DEBT_MINUTES_MAX * perMinute * UNITS_PER_TOKEN);
}

function levelAt(bucket: Bucket, atMs: number): number {
  const elapsedMs = atMs - bucket.atMs;
  if (elapsedMs <= 0) return bucket.levelUnits;
  return Math.min(bucket.capacityUnits, bucket.levelUnits + elapsedMs * bucket.perMinute);
}

function stampAt(bucket: Bucket, atMs: number): number {
  return bucket.atMs - atMs > STEP_BACK_MS_MAX ? atMs : Math.max(bucket.atMs, atMs);
}

function withLevel(bucket: Bucket, levelUnits: number, atMs: number): Bucket {
  const { perMinute, capacityUnits } = bucket;
  const level = Math.max(levelUnits, lowestUnits(perMinute));
  return { perMinute, capacityUnits, levelUnits: level, atMs: stampAt(bucket, atMs) };
}

/**
 * Milliseconds until `tokens` can be taken: 0 when they can be now, null when they never can. Asking
 * for more than the capacity is asking for all of it.
 */
export function waitMs(bucket: Bucket, tokens: number, atMs: number): number | null {
  const asked = Math.min(tokens * UNITS_PER_TOKEN, bucket.capacityUnits);
  if (tokens > 0 && asked === 0) return null;
  const missing = asked - levelAt(bucket, atMs);
  if (missing <= 0 || tokens === 0) return 0;
  return Math.ceil(missing / bucket.perMinute) + (stampAt(bucket, atMs) - atMs);
}

/** The part of `tokens` that a bucket can hold: what is taken for them. */
export function clampedTokens(bucket: Bucket, tokens: number): number {
  return Math.min(tokens, bucket.capacityUnits / UNITS_PER_TOKEN);
}

/** Takes `tokens`, into debt if need be; whether they may be taken was asked before. */
export function take(bucket: Bucket, tokens: number, atMs: number): Bucket {
  return withLevel(bucket, levelAt(bucket, atMs) - tokens * UNITS_PER_TOKEN, atMs);
}

/** Gives back what was taken and not used; a negative amount takes what was used beyond that. */
export function giveBack(bucket: Bucket, tokens: number, atMs: number): Bucket {
  const levelUnits = levelAt(bucket, atMs) + tokens * UNITS_PER_TOKEN;
  return withLevel(bucket, Math.min(bucket.capacityUnits, levelUnits), atMs);
}

/** Whole tokens that can be taken now; 0 while in debt. */
export function remainingTokens(bucket: Bucket, atMs: number): number {
  return Math.max(0, Math.floor(levelAt(bucket, atMs) / UNITS_PER_TOKEN));
}

/** Whole tokens taken and not refilled yet; more than the capacity when in debt. */
export function usedTokens(bucket: Bucket, atMs: number): number {
  return Math.ceil((bucket.capacityUnits - levelAt(bucket, atMs)) / UNITS_PER_TOKEN);
}

/** Milliseconds until the bucket is full again; 0 for one that never refills. */
export function resetMs(bucket: Bucket, atMs: number): number {
  const missing = bucket.capacityUnits - levelAt(bucket, atMs);
  return missing <= 0 || bucket.perMinute === 0 ? 0 : Math.ceil(missing / bucket.perMinute);
}

export function fillOf(bucket: Bucket): Fill {
  return { level: bucket.levelUnits / UNITS_PER_TOKEN, atMs: bucket.atMs };
}

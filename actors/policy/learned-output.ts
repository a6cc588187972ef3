/**
 * What an access token usually needs as output from a model: the allowance at which an answer is
 * capped when its worst case does not fit a budget. The sizes of past outputs are kept as a histogram
 * with eight buckets per doubling, so that memory is bounded and the answer at most 9 % too large.
 *
 * The structures belong to one actor and change only through `observeOutput`.
 */
import { LIMITS } from "../../src/base/limits.ts";
import { memberOf, restoreRows, type LearnedRow, type Restored } from "./learned-state.ts";

/** Before anything is known: enough for nearly every chat answer. */
export const ALLOWANCE_TOKENS_DEFAULT = 1_024;
const ALLOWANCE_MARGIN = 1.25;
const QUANTILE = 0.99;
/** Fewer observations say nothing about a p99. */
const OBSERVATIONS_MIN = 20;
/** At this many all counts are halved, so that old habits fade. */
const OBSERVATIONS_MAX = 1_000;
const BUCKETS_PER_DOUBLING = 8;
const DOUBLINGS = 21;
const BUCKETS = BUCKETS_PER_DOUBLING * DOUBLINGS + 1;

type Histogram = {
  readonly tokenId: string;
  readonly model: string;
  readonly counts: Uint16Array;
  total: number;
  /** Has learned since it was last saved. */
  isChanged: boolean;
};

/** By access token and model; the pair that learned longest ago makes room for a new one. */
export type LearnedOutputs = Map<string, Histogram>;

/** Ids hold no space, so two different pairs never share a key. */
function keyOf(tokenId: string, model: string): string {
  return `${tokenId} ${model}`;
}

function bucketOf(tokens: number): number {
  if (tokens < 1) return 0;
  return Math.min(BUCKETS - 1, 1 + Math.floor(Math.log2(tokens) * BUCKETS_PER_DOUBLING));
}

/** The largest whole number of tokens that falls into a bucket. */
function largestOf(bucket: number): number {
  return bucket === 0 ? 0 : Math.ceil(2 ** (bucket / BUCKETS_PER_DOUBLING)) - 1;
}

/** Counts one output of `tokens` tokens. */
export function observeOutput(
  learned: LearnedOutputs,
  tokenId: string,
  model: string,
  tokens: number,
): void {
  const key = keyOf(tokenId, model);
  const histogram = learned.get(key) ?? emptyHistogram(tokenId, model);
  histogram.isChanged = true;
  // A map keeps the order of insertion: putting it back makes this pair the youngest.
  learned.delete(key);
  learned.set(key, histogram);
  if (learned.size > LIMITS.learnedOutputPairsMax) {
    for (const oldest of learned.keys()) {
      learned.delete(oldest);
      break;
    }
  }
  const bucket = bucketOf(tokens);
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
  histogram.total += 1;
  if (histogram.total >= OBSERVATIONS_MAX) halve(histogram);
}

function emptyHistogram(tokenId: string, model: string): Histogram {
  return { tokenId, model, counts: new Uint16Array(BUCKETS), total: 0, isChanged: false };
}

function halve(histogram: Histogram): void {
  histogram.total = 0;
  for (const [bucket, count] of histogram.counts.entries()) {
    const half = count >> 1;
    histogram.counts[bucket] = half;
    histogram.total += half;
  }
}

/** Output tokens to allow: p99 of the past and a quarter more; the default while little is known. */
export function allowanceTokens(learned: LearnedOutputs, tokenId: string, model: string): number {
  return learnedAllowance(learned, tokenId, model) ?? ALLOWANCE_TOKENS_DEFAULT;
}

/** The same; null while little is known. */
export function learnedAllowance(
  learned: LearnedOutputs,
  tokenId: string,
  model: string,
): number | null {
  const histogram = learned.get(keyOf(tokenId, model));
  if (histogram === undefined || histogram.total < OBSERVATIONS_MIN) return null;
  const rank = Math.ceil(histogram.total * QUANTILE);
  let seen = 0;
  let bucket = 0;
  for (const count of histogram.counts) {
    seen += count;
    if (seen >= rank) break;
    bucket += 1;
  }
  return Math.max(1, Math.ceil(largestOf(bucket) * ALLOWANCE_MARGIN));
}

/**
 * The pairs that have learned since they were last taken, for saving; taking marks them as saved. A
 * state is `{ counts: [[bucket, count], …] }`, as plain JSON.
 */
export function takeChangedOutputs(learned: LearnedOutputs): LearnedRow[] {
  const rows: LearnedRow[] = [];
  for (const histogram of learned.values()) {
    if (!histogram.isChanged) continue;
    histogram.isChanged = false;
    const { tokenId, model } = histogram;
    const counts = [...histogram.counts.entries()].filter(([, count]) => count > 0);
    rows.push({ ownerId: tokenId, model, state: { counts } });
  }
  return rows;
}

/** Learned outputs as they were saved; what is not such a state is left out, and said. */
export function restoreOutputs(rows: readonly LearnedRow[]): Restored<LearnedOutputs> {
  const learned: LearnedOutputs = new Map();
  const ignored = restoreRows(rows, LIMITS.learnedOutputPairsMax, ({ ownerId, model, state }) => {
    const histogram = emptyHistogram(ownerId, model);
    const wrong = fillHistogram(histogram, state);
    if (wrong === null) learned.set(keyOf(ownerId, model), histogram);
    return wrong;
  });
  return { learned, ignored };
}

/** What is wrong with a state; null when the histogram now holds it. */
function fillHistogram(histogram: Histogram, state: unknown): string | null {
  const counts = memberOf(state, "counts");
  if (!Array.isArray(counts)) return "it has no counts";
  for (const entry of counts as readonly unknown[]) {
    const [bucket, count]: readonly unknown[] = Array.isArray(entry) ? entry : [];
    if (!isWhole(bucket, 0, BUCKETS - 1)) return "a count is of no bucket";
    if (!isWhole(count, 1, OBSERVATIONS_MAX)) return "a count is out of range";
    if (histogram.counts[bucket] !== 0) return "a bucket is counted twice";
    histogram.counts[bucket] = count;
    histogram.total += count;
  }
  return histogram.total < OBSERVATIONS_MAX ? null : "it counts more than is ever counted";
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

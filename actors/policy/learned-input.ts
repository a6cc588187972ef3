/**
 * How many bytes of a body make one input token of a model: an input bound without a tokenizer. It
 * starts at one byte per token, which no text exceeds, and grows only on evidence: the smallest ratio
 * among the recent ones, and a tenth less.
 *
 * The structures belong to one actor and change only through `observeInput`.
 */
import { LIMITS } from "../../src/base/limits.ts";

const OBSERVATIONS_MIN = 20;
/** A ratio is forgotten after this many newer ones, so that one odd body does not count for ever. */
const RECENT = 128;
const MARGIN = 0.9;
/**
 * Plain English has about four bytes a token; a larger ratio comes from inline files or runs of white
 * space, and would make the next dense text look far cheaper than it is.
 */
const BYTES_PER_TOKEN_MAX = 4;

type Ratios = { readonly recent: Float64Array; count: number; bytesPerToken: number };

/** By the upstream's name of the model; the one that learned longest ago makes room for a new one. */
export type LearnedInputs = Map<string, Ratios>;

/** Learns from one finished attempt; a report of nothing teaches nothing. */
export function observeInput(
  learned: LearnedInputs,
  model: string,
  inputBytes: number,
  inputTokens: number,
): void {
  if (inputBytes <= 0 || inputTokens <= 0) return;
  const ratios = learned.get(model) ?? {
    recent: new Float64Array(RECENT),
    count: 0,
    bytesPerToken: 1,
  };
  // A map keeps the order of insertion: putting it back makes this model the youngest.
  learned.delete(model);
  learned.set(model, ratios);
  if (learned.size > LIMITS.learnedInputModelsMax) {
    for (const oldest of learned.keys()) {
      learned.delete(oldest);
      break;
    }
  }
  ratios.recent[ratios.count % RECENT] = inputBytes / inputTokens;
  ratios.count += 1;
  ratios.bytesPerToken = factorOf(ratios);
}

function factorOf({ recent, count }: Ratios): number {
  if (count < OBSERVATIONS_MIN) return 1;
  let smallest = Number.POSITIVE_INFINITY;
  const known = Math.min(count, RECENT);
  for (let index = 0; index < known; index += 1) {
    smallest = Math.min(smallest, recent[index] ?? smallest);
  }
  return Math.min(BYTES_PER_TOKEN_MAX, Math.max(1, smallest * MARGIN));
}

/** The most input tokens that `bytes` bytes of text are taken to be; whole, and at most `bytes`. */
export function inputTokensBoundOf(learned: LearnedInputs, model: string, bytes: number): number {
  return Math.ceil(bytes / (learned.get(model)?.bytesPerToken ?? 1));
}

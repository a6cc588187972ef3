/**
 * How many bytes of a body make one input token of a model: an input bound without a tokenizer. It
 * starts at one byte per token, which no text exceeds, and grows only on evidence: the smallest ratio
 * among the recent ones, and a tenth less.
 *
 * The structures belong to one actor and change only through `observeInput`.
 */
import { LIMITS } from "../../src/base/limits.ts";
import { memberOf, restoreRows, type LearnedRow, type Restored } from "./learned-state.ts";

const OBSERVATIONS_MIN = 20;
/** A ratio is forgotten after this many newer ones, so that one odd body does not count for ever. */
const RECENT = 128;
const MARGIN = 0.9;
/**
 * Plain English has about four bytes a token; a larger ratio comes from inline files or runs of white
 * space, and would make the next dense text look far cheaper than it is.
 */
const BYTES_PER_TOKEN_MAX = 4;

type Ratios = {
  readonly recent: Float64Array;
  count: number;
  bytesPerToken: number;
  /** Has learned since it was last saved. */
  isChanged: boolean;
};

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
  const ratios = learned.get(model) ?? emptyRatios();
  ratios.isChanged = true;
  // A map keeps the order of insertion: putting it back makes this model the youngest.
  learned.delete(model);
  learned.set(model, ratios);
  if (learned.size > LIMITS.learnedInputModelsMax) {
    for (const oldest of learned.keys()) {
      learned.delete(oldest);
      break;
    }
  }
  addRatio(ratios, inputBytes / inputTokens);
}

function emptyRatios(): Ratios {
  return { recent: new Float64Array(RECENT), count: 0, bytesPerToken: 1, isChanged: false };
}

function addRatio(ratios: Ratios, ratio: number): void {
  ratios.recent[ratios.count % RECENT] = ratio;
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

/**
 * The models that have learned since they were last taken, for saving under their provider; taking
 * marks them as saved. A state is `{ ratios: [bytes per token, …] }`, the oldest first.
 */
export function takeChangedInputs(learned: LearnedInputs, providerId: string): LearnedRow[] {
  const rows: LearnedRow[] = [];
  for (const [model, ratios] of learned) {
    if (!ratios.isChanged) continue;
    ratios.isChanged = false;
    rows.push({ ownerId: providerId, model, state: { ratios: inOrder(ratios) } });
  }
  return rows;
}

function inOrder({ recent, count }: Ratios): number[] {
  const known = Math.min(count, RECENT);
  return Array.from({ length: known }, (_, index) => recent[(count - known + index) % RECENT] ?? 1);
}

/** Learned inputs as they were saved; what is not such a state is left out, and said. */
export function restoreInputs(rows: readonly LearnedRow[]): Restored<LearnedInputs> {
  const learned: LearnedInputs = new Map();
  const ignored = restoreRows(rows, LIMITS.learnedInputModelsMax, ({ model, state }) => {
    const ratios = emptyRatios();
    const wrong = fillRatios(ratios, state);
    if (wrong === null) learned.set(model, ratios);
    return wrong;
  });
  return { learned, ignored };
}

/** What is wrong with a state; null when the ratios now hold it. */
function fillRatios(ratios: Ratios, state: unknown): string | null {
  const saved = memberOf(state, "ratios");
  if (!Array.isArray(saved)) return "it has no ratios";
  if (saved.length > RECENT) return "it has more ratios than are ever kept";
  for (const ratio of saved as readonly unknown[]) {
    if (typeof ratio !== "number" || !Number.isFinite(ratio) || ratio <= 0) {
      return "a ratio is not a positive number";
    }
    addRatio(ratios, ratio);
  }
  return null;
}

/**
 * Watches a relayed stream for the output that its hold pays for. A provider that keeps to the limit it
 * was given never comes here; one that does not is noticed by a cheap guess, which counting confirms
 * before anything is cut, because cutting an honest answer would be worse than a late cut.
 */
import type { GeneratedOutput } from "../dialects/usage-contract.ts";

/** Tokenizers differ: one that fits a language better has up to a fifth fewer tokens than we count. */
const COUNTED_PER_TOKEN_PERCENT = 125;
/** More pieces than this for each counted token, and somebody on the way split tokens into letters. */
const PIECES_PER_TOKEN_MAX = 2;
/** A stream that was counted and found honest is counted again when it has grown by a quarter. */
const GROWTH_PERCENT = 125;

export class HoldWatch {
  readonly #stopAfterTokens: number;
  readonly #count: () => Promise<number>;
  #suspectTokens: number;

  /** `count` counts the tokens of the output so far. */
  constructor(stopAfterTokens: number, count: () => Promise<number>) {
    this.#stopAfterTokens = stopAfterTokens;
    this.#suspectTokens = stopAfterTokens;
    this.#count = count;
  }

  /** Cheap; true when it is worth asking {@link isReached}. */
  isSuspect({ tokens }: GeneratedOutput): boolean {
    return tokens > this.#suspectTokens;
  }

  async isReached({ tokens, pieces }: GeneratedOutput): Promise<boolean> {
    const counted = await this.#count();
    const surely = Math.floor((counted * 100) / COUNTED_PER_TOKEN_PERCENT);
    const isTokenByToken = pieces <= PIECES_PER_TOKEN_MAX * counted;
    if (Math.max(surely, isTokenByToken ? pieces : 0) > this.#stopAfterTokens) return true;
    this.#suspectTokens = Math.ceil((tokens * GROWTH_PERCENT) / 100);
    return false;
  }
}

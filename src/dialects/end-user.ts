/**
 * For whom a client asks, in its own word. The word is the provider's to judge: one that is not text
 * is passed on as it came and counts as none. What is kept of a long one is its hash, so that the
 * ledger's rows stay small whatever clients write.
 */
import { LIMITS } from "../base/limits.ts";

/** The first of the words that is one; null when none is. */
export function endUserWord(words: readonly unknown[]): string | null {
  for (const word of words) {
    if (typeof word === "string" && word !== "") return bounded(word);
  }
  return null;
}

/** Half a surrogate pair could not be stored: it is hashed away like what is too long. */
function bounded(word: string): string {
  const isShort = word.length <= LIMITS.endUserCharactersMax && word.isWellFormed();
  return isShort ? word : `sha256:${new Bun.CryptoHasher("sha256").update(word).digest("hex")}`;
}

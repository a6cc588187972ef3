/** Which headers a wire language has beside those of HTTP, and what each of them is. */
import type { AnswerTold } from "./reply-contract.ts";

export type DialectHeaders = {
  /** What a provider must be sent and a client may leave out; null: nothing. */
  readonly defaults: Readonly<Record<string, string>> | null;
  /** Where clients present their credential, beside `authorization`. */
  readonly credentials: readonly string[];
  /** Where clients choose whose account at the provider is used, which is its operator's alone to say. */
  readonly accounts: readonly string[];
  /** Those of a provider's answer that clients use. Everything else of it may name its operator's account. */
  readonly passed: readonly string[];
  /** What clients read on every answer about their request, beside what ours tell; null: nothing. */
  readonly told: ((told: AnswerTold) => Readonly<Record<string, string>>) | null;
};

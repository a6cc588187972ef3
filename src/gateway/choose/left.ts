/** Candidates that a request has no use of, and why. */
import type { Candidate } from "../resolve.ts";

/** The first member of a condition that does not hold. */
export type ConditionUnmet =
  | "condition_tags"
  | "condition_header"
  | "input_too_small"
  | "input_too_large"
  | "modality"
  | "tools";

/**
 * canary: it serves only a share of conversations, and this is none of them. context_window: the input
 * is longer than all that the model can read.
 */
export type LeftReason = ConditionUnmet | "canary" | "context_window";

export type Left = { readonly candidate: Candidate; readonly reason: LeftReason };

/** Keeps what has no reason to be left; the same list where everything stays. */
export function keep(
  candidates: readonly Candidate[],
  reasonOf: (candidate: Candidate) => LeftReason | null,
  left: Left[],
): readonly Candidate[] {
  const kept = candidates.filter((candidate) => {
    const reason = reasonOf(candidate);
    if (reason !== null) left.push({ candidate, reason });
    return reason === null;
  });
  return kept.length === candidates.length ? candidates : kept;
}

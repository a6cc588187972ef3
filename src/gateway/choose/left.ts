/** Candidates that a request has no use of, and why. */
import type { Candidate } from "../resolve.ts";
import type { LeftReason } from "./left-reason.ts";

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

/**
 * The numbers under which an exchange's actor knows the candidates: those that serve come first, then
 * those kept for requests that are too long, then those for refused content.
 */
import type { CandidateRange } from "../../actors/policy/retry.ts";
import { assert } from "../base/assert.ts";
import type { Admitted } from "./admit.ts";
import type { Candidate, Fallbacks } from "./resolve.ts";

type Numbered = Pick<Admitted, "candidates" | "fallbacks">;

export function candidateAt({ candidates, fallbacks }: Numbered, index: number): Candidate {
  const { context_window: longer, content_filter: laxer } = fallbacks;
  const candidate =
    candidates[index] ??
    longer[index - candidates.length] ??
    laxer[index - candidates.length - longer.length];
  assert(candidate, `the exchange's actor named candidate ${index}, which does not exist`);
  return candidate;
}

/** Where the route's candidates for such refusals are; null: it has none. */
export function fallbackRange(
  { candidates, fallbacks }: Numbered,
  kind: keyof Fallbacks,
): CandidateRange | null {
  const { context_window: longer, content_filter: laxer } = fallbacks;
  const first = candidates.length + (kind === "context_window" ? 0 : longer.length);
  const end = first + (kind === "context_window" ? longer : laxer).length;
  return end > first ? { first, end } : null;
}

/**
 * Conditional targets: which requests a target is for, by tags, a header, the size and kinds of the input,
 * and whether tools are offered. Every member that it names must hold.
 */
import { inputTokensEstimate } from "../estimate.ts";
import type { Candidate, RouteTarget } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { keep, type Left } from "./left.ts";
import type { ConditionUnmet } from "./left-reason.ts";

const TAGS_HEADER = "x-tollgate-tags";

type Condition = NonNullable<RouteTarget["when"]>;

/** Candidates whose conditions hold; those without any are for every request. */
export function meantFor(
  candidates: readonly Candidate[],
  ask: Ask,
  left: Left[],
): readonly Candidate[] {
  if (!candidates.some(isConditional)) return candidates;
  const tags = tagsOf(ask.headers);
  const inputTokens = inputTokensEstimate(ask.request);
  const reasonOf = ({ target }: Candidate): ConditionUnmet | null =>
    target?.when === undefined ? null : unmet(target.when, ask, tags, inputTokens);
  return keep(candidates, reasonOf, left);
}

function isConditional({ target }: Candidate): boolean {
  return target?.when !== undefined;
}

function tagsOf(headers: Headers): ReadonlySet<string> {
  const listed = headers.get(TAGS_HEADER) ?? "";
  return new Set(listed.split(",").map((tag) => tag.trim()));
}

function unmet(
  when: Condition,
  { headers, request }: Ask,
  tags: ReadonlySet<string>,
  inputTokens: number,
): ConditionUnmet | null {
  const { header, modalities, inputTokensMin = 0, inputTokensMax = Infinity } = when;
  if (when.tags?.some((tag) => tags.has(tag)) === false) return "condition_tags";
  if (header !== undefined && headers.get(header.name) !== header.value) return "condition_header";
  if (inputTokens < inputTokensMin) return "input_too_small";
  if (inputTokens > inputTokensMax) return "input_too_large";
  if (modalities?.some((kind) => request.modalities.includes(kind)) === false) return "modality";
  return when.tools === undefined || when.tools === request.offersTools ? null : "tools";
}

/**
 * Phase 2, choose: who may serve a request, best first. Read top to bottom, this is the whole order:
 *
 *   surface         providers of another wire language are left
 *   conditions      targets whose `when` does not hold are left
 *   context window  models that are certainly too small are left, while another remains
 *   canaries        are left, but for the one whose share the request is in, which comes first
 *   order           by priority, strategy and conversation
 *   health          who can take an attempt now; the rest says when it can
 *
 * It only looks at what actors remember and changes nothing: the attempt asks them for a permit. A plain
 * route passes through every step untouched.
 */
import type { Refusal } from "../../base/verdict.ts";
import type { Candidate, Fallbacks, Resolved, RouteTarget } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { withCanaries } from "./canary.ts";
import { meantFor } from "./conditions.ts";
import { fittingInput } from "./context-window.ts";
import { byHealth, providersResting, type ByHealth } from "./health.ts";
import type { Left } from "./left.ts";
import { order } from "./order.ts";
import { conversationOf, type Conversation } from "./sticky.ts";
import { onSurface } from "./surface.ts";

export type Chosen = ByHealth & {
  /** Who has nothing to do with this request, and why. */
  readonly left: readonly Left[];
  /** The canary whose share the request is in. */
  readonly canary: RouteTarget | null;
  /** What the request is one of; null: it stands alone. */
  readonly conversation: Conversation | null;
  /** Why none is resting can, with the soonest time at which one may; null when none rests. */
  readonly refusal: Refusal | null;
};

export function choose(resolved: Resolved, ask: Ask): Chosen {
  const { terms, routeId } = resolved;
  const left: Left[] = [];
  const conversation = conversationOf(terms.sticky, ask);
  const fitting = fittingInput(
    meantFor(onSurface(resolved.candidates, ask, left), ask, left),
    ask,
    left,
  );
  const { candidates, first: canary } = withCanaries(fitting, routeId, conversation, ask, left);
  const ordered = order(candidates, conversation, ask);
  const health = byHealth(canary === null ? ordered : moved(ordered, canary), ask);
  const refusal = providersResting(health.resting, ask.atMs);
  return { ...health, left, canary, conversation, refusal };
}

/** A canary's lanes before all others. */
function moved(candidates: readonly Candidate[], first: Candidate["target"]): readonly Candidate[] {
  const own = candidates.filter(({ target }) => target === first);
  return [...own, ...candidates.filter(({ target }) => target !== first)];
}

const NO_FALLBACKS: Fallbacks = { context_window: [], content_filter: [] };

/** Whom a refused request moves on to; whether they can take it then is asked then. */
export function chooseFallbacks(
  { fallbacks }: Resolved,
  conversation: Conversation | null,
  ask: Ask,
): Fallbacks {
  const { context_window, content_filter } = fallbacks;
  if (context_window.length === 0 && content_filter.length === 0) return NO_FALLBACKS;
  const chosen = (candidates: readonly Candidate[]): readonly Candidate[] =>
    order(
      fittingInput(meantFor(onSurface(candidates, ask, []), ask, []), ask, []),
      conversation,
      ask,
    );
  return {
    context_window: chosen(context_window),
    content_filter: chosen(content_filter),
  };
}

/** Who gets a copy of the request, if chance and load have it so. */
export function chooseShadows({ shadows }: Resolved, ask: Ask): readonly Candidate[] {
  return shadows.length === 0 ? shadows : meantFor(onSurface(shadows, ask, []), ask, []);
}

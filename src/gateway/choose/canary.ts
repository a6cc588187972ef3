/**
 * Canaries: a target with `percent` comes first for that share of conversations, and serves no others. A
 * request without a conversation's key draws for itself. Shares of several canaries add up.
 */
import type { Candidate, RouteTarget } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { keep, type Left } from "./left.ts";
import { pointAtRoute, type Conversation } from "./sticky.ts";

export type Canaries = {
  /** Without the canaries whose share the request is not in. */
  readonly candidates: readonly Candidate[];
  /** The target that comes first; null: whichever the strategy says. */
  readonly first: RouteTarget | null;
};

export function withCanaries(
  candidates: readonly Candidate[],
  routeId: string | null,
  conversation: Conversation | null,
  ask: Ask,
  left: Left[],
): Canaries {
  // A share of nothing else is everything: a route of canaries alone serves like any other.
  if (!candidates.some(isCanary) || candidates.every(isCanary)) return { candidates, first: null };
  const first = drawn(candidates, pointFor(routeId, conversation, ask));
  const reasonOf = (candidate: Candidate): "canary" | null =>
    isCanary(candidate) && candidate.target !== first ? "canary" : null;
  return { candidates: keep(candidates, reasonOf, left), first };
}

function isCanary({ target }: Candidate): boolean {
  return target?.percent !== undefined;
}

/** In [0, 1); 1, which is in nobody's share, where nothing is left to chance. */
function pointFor(
  routeId: string | null,
  conversation: Conversation | null,
  { draw }: Ask,
): number {
  if (conversation !== null) return pointAtRoute(conversation, routeId ?? "");
  return draw === null ? 1 : draw();
}

function drawn(candidates: readonly Candidate[], point: number): RouteTarget | null {
  let shares = 0;
  let before: RouteTarget | null = null;
  for (const { target } of candidates) {
    // Lanes of one target stand next to each other and have one share.
    if (target?.percent === undefined || target === before) continue;
    before = target;
    shares += target.percent;
    if (point * 100 < shares) return target;
  }
  return null;
}

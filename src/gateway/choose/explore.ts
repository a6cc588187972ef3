/**
 * Targets that nobody has heard of lately are tried now and then: one that was slow or failing would
 * otherwise stay so in our memory for ever.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Ask } from "./ask.ts";
import type { Group } from "./target-group.ts";

/** Share of requests that try a target which served a while ago. */
const STALE_SHARE = 0.02;

/**
 * The same of one that never served, while none is under way. Not each of them: answers that say nothing
 * about a provider, such as that it has no such model, leave it as unknown as before.
 */
const NEW_SHARE = 0.25;

/** The target that this request tries first: the one unseen for the longest time; null: none. */
export function explored(
  groups: readonly Group[],
  { draw, atMs }: Pick<Ask, "draw" | "atMs">,
): Group | null {
  if (draw === null) return null;
  let found: Group | null = null;
  let foundSeenAtMs = atMs - LIMITS.exploreAfterMs;
  for (const group of groups) {
    const { target, rests, service } = group;
    if (target?.weight === 0 || rests || service.seenAtMs >= foundSeenAtMs) continue;
    found = group;
    foundSeenAtMs = service.seenAtMs;
  }
  if (found === null) return null;
  return draw() < (foundSeenAtMs === -Infinity ? NEW_SHARE : STALE_SHARE) ? found : null;
}

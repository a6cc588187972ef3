/**
 * Requests of one conversation keep to one target, and there to one credential: prompt caches are kept
 * for each account. Nothing is remembered for it: the conversation's key and the target's identity are
 * hashed, so that every process, and every restart, comes to the same place.
 */
import type { Candidate, RouteTerms } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import type { Group } from "./target-group.ts";

/** Tells conversations of one tenant apart. */
export type Conversation = { readonly tenantId: string; readonly key: string };

/** null: the route knows of none, or the request does not say. */
export function conversationOf(
  sticky: RouteTerms["sticky"],
  { headers, request, tenantId }: Ask,
): Conversation | null {
  if (sticky === undefined) return null;
  const key = sticky.by === "end_user" ? request.endUserId : headers.get(sticky.header);
  return key === null || key === "" ? null : { tenantId, key };
}

/** Where a conversation stands in [0, 1) towards a target: the upstream's identity, not its place. */
export function pointAtTarget(conversation: Conversation, { lanes: [lane] }: Group): number {
  return pointOf(conversation, lane.provider.row.id, lane.model);
}

/** Where it stands in [0, 1) towards the canaries of a route. */
export function pointAtRoute(conversation: Conversation, routeId: string): number {
  return pointOf(conversation, routeId, "canary");
}

/** The lanes of one target, the conversation's own first. */
export function lanesFor(
  conversation: Conversation,
  lanes: readonly Candidate[],
): readonly Candidate[] {
  if (lanes.length < 2) return lanes;
  return lanes
    .map((candidate) => {
      const { provider, model, lane } = candidate;
      const identity = `${model} ${lane.credential ?? ""}`;
      return { candidate, point: pointOf(conversation, provider.row.id, identity) };
    })
    .toSorted((one, other) => one.point - other.point)
    .map(({ candidate }) => candidate);
}

const FRACTION_BITS = 53;

function pointOf({ tenantId, key }: Conversation, first: string, second: string): number {
  const hash = Bun.hash(`${tenantId}\n${first}\n${second}\n${key}`);
  return Number(hash >> BigInt(64 - FRACTION_BITS)) / 2 ** FRACTION_BITS;
}

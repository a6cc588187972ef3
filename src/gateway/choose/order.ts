/**
 * The order of candidates: by priority, then within one priority as the strategy says. Equals share by
 * weight; a conversation has its own place among all, except under the strategy `priority`, whose order
 * is the operator's word, and where a header asks for this request's order.
 */
import type { Candidate } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { explored } from "./explore.ts";
import { MEASURES, type Measure } from "./measures.ts";
import { heaviestFirst, shareOut } from "./share-out.ts";
import { lanesFor, pointAtTarget, type Conversation } from "./sticky.ts";
import { groupsOf, levelsOf, type Group } from "./target-group.ts";

/** `candidates` come in the operator's order. */
export function order(
  candidates: readonly Candidate[],
  conversation: Conversation | null,
  ask: Ask,
): readonly Candidate[] {
  const { name } = ask.strategy;
  if (candidates.length < 2 || (name === "priority" && conversation === null)) return candidates;
  const groups = groupsOf(candidates, ask.atMs);
  const ordered = name === "priority" ? groups : byStrategy(groups, conversation, ask);
  return ordered.flatMap(({ lanes }) =>
    conversation === null ? lanes : lanesFor(conversation, lanes),
  );
}

/** Best first, target by target. */
export function byStrategy(
  groups: readonly Group[],
  conversation: Conversation | null,
  ask: Ask,
): readonly Group[] {
  const { name, from } = ask.strategy;
  if (name === "priority" || groups.length < 2) return groups;
  const measure = MEASURES[name];
  return levelsOf(groups).flatMap((level) =>
    conversation === null || from === "header"
      ? byMeasure(level, measure, ask)
      : shareOut(level, (group) => pointAtTarget(conversation, group)),
  );
}

/** Best first; of what nothing is known comes last, unless it is being explored. */
function byMeasure(level: readonly Group[], measure: Measure, ask: Ask): readonly Group[] {
  if (level.length < 2) return level;
  const values = measure.values(level, ask);
  const valued = level
    .map((group, place) => ({ group, value: values[place] ?? Infinity }))
    .toSorted((one, other) => (one.value === other.value ? 0 : one.value - other.value));
  const ordered: Group[] = [];
  while (ordered.length < valued.length) {
    const rest = valued.slice(ordered.length);
    const worst = measure.asGoodAs(rest[0]?.value ?? Infinity);
    const equals = rest.filter(({ value }) => value <= worst).map(({ group }) => group);
    ordered.push(...shareOut(equals, ask.draw ?? heaviestFirst));
  }
  const first = measure.explores ? explored(level, ask) : null;
  return first === null ? ordered : [first, ...ordered.filter((group) => group !== first)];
}

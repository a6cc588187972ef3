/**
 * An order in which each group comes first as often as its weight says, from one number per group: drawn
 * by chance, or the same for every request of a conversation (weighted rendezvous hashing, which moves
 * only the conversations of a group that came or went).
 */
import type { Group } from "./target-group.ts";

/** `pointOf` answers in [0, 1), evenly. Weight 0 is never before another weight. */
export function shareOut(
  groups: readonly Group[],
  pointOf: (group: Group) => number,
): readonly Group[] {
  if (groups.length < 2) return groups;
  return groups
    .map((group) => ({ group, key: keyOf(group.target?.weight ?? 1, pointOf(group)) }))
    .toSorted((one, other) => (one.key === other.key ? 0 : one.key - other.key))
    .map(({ group }) => group);
}

/** Exponentially distributed with the weight as its rate: the smallest is first in proportion to it. */
function keyOf(weight: number, point: number): number {
  return weight === 0 ? Infinity : -Math.log(1 - point) / weight;
}

/** Where nothing is left to chance: the heaviest first. */
export function heaviestFirst(): number {
  return 0.5;
}

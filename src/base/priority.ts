/** Priority classes: who is served first when not everybody can be. */

/** From the one that is served first to the one that is served last. */
export const PRIORITY_CLASSES = ["interactive", "default", "batch"] as const;

export type PriorityClass = (typeof PRIORITY_CLASSES)[number];

/** null: no class has this name. */
export function priorityClassOf(name: string): PriorityClass | null {
  return PRIORITY_CLASSES.find((known) => known === name) ?? null;
}

/** The one of the two that is served later. */
export function lowerClass(one: PriorityClass, other: PriorityClass): PriorityClass {
  return PRIORITY_CLASSES.indexOf(one) < PRIORITY_CLASSES.indexOf(other) ? other : one;
}

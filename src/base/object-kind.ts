/**
 * Kinds of things that a provider keeps for a tenant under an id of its own, and that later requests
 * name: they go back to the provider and the credential that keep them.
 */
export type ObjectKind = "response" | "item" | "conversation" | "file" | "container" | "batch";

/** Of these, what a provider goes on with after it has answered. */
export type JobKind = "batch" | "response";

/** An object that a request names by its provider's id; `param`: the member that names it, if any. */
export type NamedObject = {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly param: string | null;
};

/** An object that an answer says its provider keeps from now on. */
export type MadeObject = {
  readonly kind: ObjectKind;
  readonly id: string;
  /** Its provider's own JSON about it, where objects of its kind are listed; absent: they are not. */
  readonly detail?: string;
  /** What can be made of it at once, as JSON: of a file, the bounds of its lines. Absent: nothing. */
  readonly batch?: string;
  /** How long its provider keeps it; absent: as long as it keeps most. */
  readonly keptMs?: number;
};

const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,255}$/;

/** What can be an id, and be put into a path as it is. */
export function isObjectId(text: string): boolean {
  return ID.test(text);
}

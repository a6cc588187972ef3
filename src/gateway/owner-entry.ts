/**
 * An owner's place: its actor, and what outlives one actor until the next is built. Facts that nobody
 * could hear wait here, with what they gave back, so that the next actor finds it and gives it back too.
 */
import type { BucketFill, TenantEvent } from "../../actors/contract.ts";
import type { TenantHandle } from "../../actors/tenant.ts";
import type { Owner } from "../base/scope.ts";
import type { GivenBack, Outstanding } from "./outstanding.ts";
import type { Carried } from "./owner-input.ts";

export type Entry = {
  /** `ownerKey` of the owner. */
  readonly key: string;
  readonly owner: Owner;
  handle: TenantHandle | null;
  building: Promise<TenantHandle> | null;
  /** Counts rebuilds, so that an older build that ends late is dropped. */
  generation: number;
  /** Facts told while there was no actor to hear them. */
  readonly pending: { readonly event: TenantEvent; readonly given: GivenBack }[];
  fills: readonly BucketFill[];
  lastUsedAtMs: number;
};

export function createEntry(key: string, owner: Owner, atMs: number): Entry {
  return {
    key,
    owner,
    handle: null,
    building: null,
    generation: 0,
    pending: [],
    fills: [],
    lastUsedAtMs: atMs,
  };
}

/**
 * What was settled before the ledger is asked is in its answer: counting it again when the facts are
 * replayed would post it twice.
 */
export function dropPosted({ pending }: Entry): void {
  const kept = pending.filter(({ event }) => event.type !== "attempt.settle");
  pending.splice(0, pending.length, ...kept);
}

/** What this process has taken, as the next actor must know it before it hears what waits. */
export function carriedBy(
  { owner, pending, fills }: Entry,
  outstanding: Outstanding,
): Omit<Carried, "learnedOutputs"> {
  const given = pending.map((fact) => fact.given);
  // Slots are kept by tenants' actors alone.
  const slots = owner.type === "tenant" ? given.flatMap(({ slot }) => slot ?? []) : [];
  return {
    holds: [...outstanding.holdsOf(owner), ...given.flatMap(({ holds }) => holds)],
    slots: [...outstanding.slotsOf(owner), ...slots],
    unwrittenTokenIds: outstanding.unwrittenTokenIdsOf(owner),
    fills,
  };
}

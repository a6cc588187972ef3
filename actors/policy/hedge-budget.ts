/**
 * How many of a route's requests may be hedged: a share of those of the last minute. Without the bound
 * a provider that is slow for everybody would get twice its load, when it can bear it least.
 */
import { assert } from "../../src/base/assert.ts";

const SLOT_MS = 5_000;
/** Requests count that came within these: a minute at most, however far the newest of them has come. */
const REQUEST_SLOTS = 12;
/** Hedges count for one more: a minute at least. So no minute has more than its share. */
const SLOTS = REQUEST_SLOTS + 1;

type Slot = { number: number; requests: number; hedges: number };

export type HedgeBudget = { readonly slots: Slot[] };

export function createHedgeBudget(): HedgeBudget {
  const slots = Array.from({ length: SLOTS }, () => ({ number: -1, requests: 0, hedges: 0 }));
  return { slots };
}

export function countRequest(budget: HedgeBudget, atMs: number): void {
  slotAt(budget, atMs).requests += 1;
}

/** Counts the hedge where it fits into the share; false: it may not begin. */
export function takeHedge(budget: HedgeBudget, percentMax: number, atMs: number): boolean {
  const now = slotAt(budget, atMs);
  const sum = (slots: number, of: "requests" | "hedges"): number =>
    budget.slots
      .filter(({ number }) => now.number - number < slots)
      .reduce((all, slot) => all + slot[of], 0);
  const requests = sum(REQUEST_SLOTS, "requests");
  const hedges = sum(SLOTS, "hedges");
  if ((hedges + 1) * 100 > requests * percentMax) return false;
  now.hedges += 1;
  return true;
}

/** The slot of a time; an old one in its place begins anew. A clock that was set back begins anew too. */
function slotAt({ slots }: HedgeBudget, atMs: number): Slot {
  assert(Number.isFinite(atMs) && atMs >= 0, `not a time: ${atMs}`);
  const number = Math.floor(atMs / SLOT_MS);
  const slot = slots[number % SLOTS];
  assert(slot, "every number has its slot");
  if (slot.number !== number) Object.assign(slot, { number, requests: 0, hedges: 0 });
  return slot;
}

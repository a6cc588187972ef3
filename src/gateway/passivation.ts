/**
 * Which owners' actors may be dropped: those that nobody has used for a while, and of end users, of
 * whom there may be any number, the longest idle ones above a bound. The ledger is the record, so
 * what is dropped is not forgotten.
 */
import { isTenantIdle } from "../../actors/tenant.ts";
import { LIMITS } from "../base/limits.ts";
import type { Entry } from "./owner-entry.ts";

/** How often idle actors are looked for. */
export const PASSIVATION_PERIOD_MS = LIMITS.ownerIdleMs / 10;

/** Those that nobody has used for a while. Everyone's actor stays: there is but one. */
export function* longIdle(entries: Iterable<Entry>, atMs: number): Iterable<Entry> {
  for (const entry of entries) {
    const isOld = atMs - entry.lastUsedAtMs >= LIMITS.ownerIdleMs;
    if (isOld && entry.owner.type !== "everyone" && isAtRest(entry, atMs)) yield entry;
  }
}

/** The longest idle end users above `countMax`. */
export function* surplus(
  entries: Iterable<Entry>,
  countMax: number,
  atMs: number,
): Iterable<Entry> {
  const endUsers = [...entries].filter(({ owner }) => owner.type === "end_user");
  let tooMany = endUsers.length - countMax;
  for (const entry of endUsers.toSorted((one, other) => one.lastUsedAtMs - other.lastUsedAtMs)) {
    if (tooMany <= 0) return;
    if (!isAtRest(entry, atMs)) continue;
    tooMany -= 1;
    yield entry;
  }
}

/** True when dropping its actor costs no more than building it anew. */
export function isAtRest({ handle, building }: Entry, atMs: number): boolean {
  return building === null && (handle === null || isTenantIdle(handle, atMs));
}

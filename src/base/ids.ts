/**
 * Identifiers of stored things: a prefix that says what it is, then 32 hexadecimal digits of a
 * version 7 UUID, so that ids sort by the time they were made.
 */
import type { Random } from "./random.ts";

export const ID_PREFIXES = {
  tenant: "ten_",
  project: "prj_",
  token: "tok_",
  provider: "prv_",
  route: "rte_",
  price: "prc_",
  budget: "bud_",
  credit: "crd_",
  limit: "lim_",
  request: "req_",
  attempt: "att_",
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

/** A fresh id, such as `ten_0197f3c2…`. */
export function newId(kind: IdKind, random: Random): string {
  return ID_PREFIXES[kind] + random.uuid();
}

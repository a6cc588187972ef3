/**
 * How much of each tenant's answers is kept for its idempotency keys. The sum stands beside the keys and
 * changes with them, in the same transaction, so nothing is ever added up.
 *
 * Invariant: it is the sum of what the tenant's rows say they count, and never more than may be kept.
 */
import { and, eq, sql } from "drizzle-orm";
import { idempotencyKeys, keptAnswers } from "../../drizzle/schema.ts";
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./database.ts";

type Orm = Connection["orm"];

const LEAST_BYTES = LIMITS.idempotencyCountedBytesMin;

/** What an answer counts. */
export function countedBytes({ byteLength }: Uint8Array): number {
  return Math.max(byteLength, LEAST_BYTES);
}

/** Counts an answer that is about to be kept; the tenant's oldest make room for it. */
export function keepWithin(orm: Orm, tenantId: string, bytes: number, bytesMax: number): void {
  assert(bytes <= bytesMax, "one answer fits into what may be kept");
  const over = keptBytesOf(orm, tenantId) + bytes - bytesMax;
  const dropped = over > 0 ? dropOldest(orm, tenantId, over) : 0;
  count(orm, tenantId, bytes - dropped);
}

/** An answer is kept no longer. */
export function giveRoom(orm: Orm, tenantId: string, bytes: number): void {
  if (bytes > 0) count(orm, tenantId, -bytes);
}

function keptBytesOf(orm: Orm, tenantId: string): number {
  return orm.select().from(keptAnswers).where(eq(keptAnswers.tenantId, tenantId)).get()?.bytes ?? 0;
}

function count(orm: Orm, tenantId: string, bytes: number): void {
  orm
    .insert(keptAnswers)
    .values({ tenantId, bytes })
    .onConflictDoUpdate({
      target: keptAnswers.tenantId,
      set: { bytes: sql`${keptAnswers.bytes} + ${bytes}` },
    })
    .run();
  // A tenant that is gone, or comes no more, leaves nothing behind.
  const isNothing = and(eq(keptAnswers.tenantId, tenantId), eq(keptAnswers.bytes, 0));
  if (bytes < 0) orm.delete(keptAnswers).where(isNothing).run();
}

/** Answers how much was given up for the `bytes` that are wanted: as much, or a little more. */
function dropOldest(orm: Orm, tenantId: string, bytes: number): number {
  const { createdAtMs, keyHash, keptBytes, tokenId } = idempotencyKeys;
  const oldest = orm
    .select({ tokenId, keyHash, keptBytes })
    .from(idempotencyKeys)
    // The literal 0 is what tells SQLite that the index of kept answers has all of them.
    .where(and(eq(idempotencyKeys.tenantId, tenantId), sql`${keptBytes} > 0`))
    .orderBy(createdAtMs)
    .limit(Math.ceil(bytes / LEAST_BYTES))
    .all();
  let dropped = 0;
  for (const row of oldest) {
    if (dropped >= bytes) break;
    dropped += row.keptBytes;
    orm
      .update(idempotencyKeys)
      .set({ bodySealed: null, keptBytes: 0 })
      .where(and(eq(tokenId, row.tokenId), eq(keyHash, row.keyHash)))
      .run();
  }
  return dropped;
}

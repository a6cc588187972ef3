/**
 * Idempotency keys on disk. A list of steps is one transaction, durable when it is answered.
 *
 * Invariant: a row without an answer belongs to one request, and is given to another only when the
 * ledger proves that nothing was sent for it: it has no attempt.
 */
import { and, eq, lte, type SQL } from "drizzle-orm";
import { attempts, idempotencyKeys } from "../../drizzle/schema.ts";
import { assertNever } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./database.ts";
import type { KeyClaim, KeyRef, KeyStep } from "./idempotency-contract.ts";
import { countedBytes, giveRoom, keepWithin } from "./kept-answers.ts";
import type { Calls } from "./protocol.ts";

type Orm = Connection["orm"];

/** `bytesMax`: as much of a tenant's answers is kept. */
export function idempotencyCalls(
  { orm, sqlite }: Connection,
  bytesMax: number = LIMITS.idempotencyTenantBytesMax,
): Pick<Calls, "stepKeys" | "expireKeys"> {
  return {
    stepKeys: (steps) =>
      sqlite.transaction(() => steps.map((step) => takeStep(orm, step, bytesMax))).immediate(),
    expireKeys: (nowMs, rowsMax) =>
      sqlite.transaction(() => expire(orm, nowMs, rowsMax)).immediate(),
  };
}

function takeStep(orm: Orm, step: KeyStep, bytesMax: number): KeyClaim | null {
  switch (step.do) {
    case "claim":
      return claim(orm, step);
    case "complete":
      complete(orm, step, bytesMax);
      return null;
    case "free":
      remove(orm, ownedBy(step, step.requestId));
      return null;
    default:
      return assertNever(step);
  }
}

function claim(orm: Orm, step: Extract<KeyStep, { do: "claim" }>): KeyClaim {
  const { tokenId, keyHash, bodyHash, requestId, tenantId, nowMs, expiresAtMs } = step;
  const found = orm.select().from(idempotencyKeys).where(at(step)).get();
  if (found !== undefined && found.expiresAtMs > nowMs) {
    const known = { requestId: found.requestId, bodyHash: found.bodyHash };
    if (found.status !== null) {
      const { status, headers, bodySealed } = found;
      const body = bodySealed === null ? null : bodySealed.toString("base64");
      return {
        kind: "answered",
        ...known,
        answer: { status, headers: headers ?? {}, bodySealed: body },
      };
    }
    if (hasAttempt(orm, found.requestId)) return { kind: "pending", ...known };
  }
  const row = {
    tokenId,
    keyHash,
    bodyHash,
    requestId,
    tenantId,
    createdAtMs: nowMs,
    expiresAtMs,
    status: null,
    headers: null,
    bodySealed: null,
  };
  if (found !== undefined) remove(orm, at(step));
  orm.insert(idempotencyKeys).values(row).run();
  return { kind: "claimed" };
}

/** Keeps the answer, in the place of its tenant's oldest where there is no other. */
function complete(orm: Orm, step: Extract<KeyStep, { do: "complete" }>, bytesMax: number): void {
  const { status, headers, bodySealed, requestId } = step;
  const own = ownedBy(step, requestId);
  const kept = { tenantId: idempotencyKeys.tenantId, keptBytes: idempotencyKeys.keptBytes };
  const found = orm.select(kept).from(idempotencyKeys).where(own).get();
  // An end that is told again, because nobody knew whether the disk had it, has been counted.
  if (found === undefined || found.keptBytes > 0) return;
  const body = bodySealed === null ? null : Buffer.from(bodySealed, "base64");
  const keptBytes = body === null ? 0 : countedBytes(body);
  if (keptBytes > 0) keepWithin(orm, found.tenantId, keptBytes, bytesMax);
  orm
    .update(idempotencyKeys)
    .set({ status, headers, bodySealed: body, keptBytes })
    .where(own)
    .run();
}

/** All ways of deleting keys: their answers count no longer. */
function remove(orm: Orm, where: SQL | undefined): void {
  const { tenantId, keptBytes } = idempotencyKeys;
  const removed = orm.delete(idempotencyKeys).where(where).returning({ tenantId, keptBytes }).all();
  for (const row of removed) giveRoom(orm, row.tenantId, row.keptBytes);
}

function hasAttempt(orm: Orm, requestId: string): boolean {
  const where = eq(attempts.requestId, requestId);
  return orm.select({ seq: attempts.seq }).from(attempts).where(where).limit(1).get() !== undefined;
}

/** Answers how many were deleted: as many as asked for means that there may be more. */
function expire(orm: Orm, nowMs: number, rowsMax: number): number {
  const due = orm
    .select({ tokenId: idempotencyKeys.tokenId, keyHash: idempotencyKeys.keyHash })
    .from(idempotencyKeys)
    .where(lte(idempotencyKeys.expiresAtMs, nowMs))
    .orderBy(idempotencyKeys.expiresAtMs)
    .limit(rowsMax)
    .all();
  for (const ref of due) remove(orm, at(ref));
  return due.length;
}

function at({ tokenId, keyHash }: KeyRef) {
  return and(eq(idempotencyKeys.tokenId, tokenId), eq(idempotencyKeys.keyHash, keyHash));
}

function ownedBy(ref: KeyRef, requestId: string) {
  return and(at(ref), eq(idempotencyKeys.requestId, requestId));
}

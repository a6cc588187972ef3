/**
 * Idempotency keys on disk. A list of steps is one transaction, durable when it is answered.
 *
 * Invariant: a row without an answer belongs to one request, and is given to another only when the
 * ledger proves that nothing was sent for it: it has no attempt.
 */
import { and, eq, lte } from "drizzle-orm";
import { attempts, idempotencyKeys } from "../../drizzle/schema.ts";
import { assertNever } from "../base/assert.ts";
import type { Connection } from "./database.ts";
import type { KeyClaim, KeyRef, KeyStep } from "./idempotency-contract.ts";
import type { Calls } from "./protocol.ts";

type Orm = Connection["orm"];

export function idempotencyCalls({
  orm,
  sqlite,
}: Connection): Pick<Calls, "stepKeys" | "expireKeys"> {
  return {
    stepKeys: (steps) =>
      sqlite.transaction(() => steps.map((step) => takeStep(orm, step))).immediate(),
    expireKeys: (nowMs, rowsMax) =>
      sqlite.transaction(() => expire(orm, nowMs, rowsMax)).immediate(),
  };
}

function takeStep(orm: Orm, step: KeyStep): KeyClaim | null {
  switch (step.do) {
    case "claim":
      return claim(orm, step);
    case "complete": {
      const { status, headers, bodySealed } = step;
      const body = bodySealed === null ? null : Buffer.from(bodySealed, "base64");
      const answer = { status, headers, bodySealed: body };
      orm.update(idempotencyKeys).set(answer).where(ownedBy(step, step.requestId)).run();
      return null;
    }
    case "free":
      orm.delete(idempotencyKeys).where(ownedBy(step, step.requestId)).run();
      return null;
    default:
      return assertNever(step);
  }
}

function claim(orm: Orm, step: Extract<KeyStep, { do: "claim" }>): KeyClaim {
  const { tokenId, keyHash, bodyHash, requestId, nowMs, expiresAtMs } = step;
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
    createdAtMs: nowMs,
    expiresAtMs,
    status: null,
    headers: null,
    bodySealed: null,
  };
  if (found !== undefined) orm.delete(idempotencyKeys).where(at(step)).run();
  orm.insert(idempotencyKeys).values(row).run();
  return { kind: "claimed" };
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
  for (const ref of due) orm.delete(idempotencyKeys).where(at(ref)).run();
  return due.length;
}

function at({ tokenId, keyHash }: KeyRef) {
  return and(eq(idempotencyKeys.tokenId, tokenId), eq(idempotencyKeys.keyHash, keyHash));
}

function ownedBy(ref: KeyRef, requestId: string) {
  return and(at(ref), eq(idempotencyKeys.requestId, requestId));
}

/**
 * Who owns what providers keep. A list of steps is one transaction, durable when it is answered.
 *
 * Invariants: an id of one provider has one owner or none; a tenant has a bounded number of each kind,
 * of which the oldest make room.
 */
import { and, asc, desc, eq, gt, inArray, lt, lte, max } from "drizzle-orm";
import { objects } from "../../drizzle/schema.ts";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./database.ts";
import type {
  NewObject,
  ObjectQuery,
  ObjectRef,
  ObjectRow,
  ObjectStep,
} from "./objects-contract.ts";
import type { Calls } from "./protocol.ts";

type Orm = Connection["orm"];

type ObjectCalls = Pick<Calls, "stepObjects" | "findObjects" | "listObjects" | "expireObjects">;

/** Looked through for those of one purpose, so that a question never keeps the ledger waiting. */
const LOOKED_THROUGH_ROWS_MAX = 10_000;

export function objectCalls({ orm, sqlite }: Connection): ObjectCalls {
  return {
    stepObjects: (steps) => {
      const take = (): void => {
        for (const step of steps) takeStep(orm, step);
      };
      sqlite.transaction(take).immediate();
      return null;
    },
    findObjects: (tenantId, ids, nowMs) =>
      orm
        .select()
        .from(objects)
        .where(
          and(
            eq(objects.tenantId, tenantId),
            inArray(objects.id, [...ids]),
            gt(objects.expiresAtMs, nowMs),
          ),
        )
        .all(),
    listObjects: (query) => list(orm, query),
    expireObjects: (nowMs, rowsMax) =>
      sqlite.transaction(() => expire(orm, nowMs, rowsMax)).immediate(),
  };
}

function list(orm: Orm, query: ObjectQuery): readonly ObjectRow[] {
  const { tenantId, kind, afterId, isOldestFirst, purpose, rowsMax, nowMs } = query;
  const after =
    afterId === null
      ? undefined
      : orm
          .select()
          .from(objects)
          .where(at({ tenantId, id: afterId }))
          .get();
  // One that there is not (any more) has nothing behind it.
  if (afterId !== null && after?.kind !== kind) return [];
  const behind = isOldestFirst ? gt : lt;
  const looked = orm
    .select()
    .from(objects)
    .where(
      and(
        eq(objects.tenantId, tenantId),
        eq(objects.kind, kind),
        gt(objects.expiresAtMs, nowMs),
        after === undefined ? undefined : behind(objects.number, after.number),
      ),
    )
    .orderBy(isOldestFirst ? asc(objects.number) : desc(objects.number))
    .limit(purpose === null ? rowsMax : LOOKED_THROUGH_ROWS_MAX)
    .all();
  return purpose === null
    ? looked
    : looked.filter(({ detail }) => purposeIn(detail) === purpose).slice(0, rowsMax);
}

function purposeIn(detail: string | null): unknown {
  const told: unknown = JSON.parse(detail ?? "null");
  return typeof told === "object" && told !== null && "purpose" in told ? told.purpose : null;
}

function takeStep(orm: Orm, step: ObjectStep): void {
  if (step.do === "note") note(orm, step.object);
  else orm.delete(objects).where(at(step)).run();
}

/** An id that its provider gave to another tenant before tells nobody's things apart any more. */
function note(orm: Orm, object: NewObject): void {
  const { tenantId, kind, providerId, id } = object;
  const sameId = and(eq(objects.providerId, providerId), eq(objects.id, id));
  const before = orm.select().from(objects).where(sameId).get();
  if (before?.tenantId === tenantId) {
    // A stream tells of it at its begin and at its end: it keeps its number.
    orm.update(objects).set(object).where(at(object)).run();
    return;
  }
  if (before !== undefined) {
    orm.delete(objects).where(at(before)).run();
    return;
  }
  const mine = and(eq(objects.tenantId, tenantId), eq(objects.kind, kind));
  const newest = orm
    .select({ number: max(objects.number) })
    .from(objects)
    .where(mine)
    .get();
  const number = (newest?.number ?? 0) + 1;
  // The same id of another provider: the newest one is meant by whoever names it.
  orm.delete(objects).where(at(object)).run();
  orm
    .insert(objects)
    .values({ ...object, number })
    .run();
  const tooOld = lte(objects.number, number - LIMITS.objectsOfKindMax);
  orm.delete(objects).where(and(mine, tooOld)).run();
}

/** Answers how many were deleted: as many as asked for means that there may be more. */
function expire(orm: Orm, nowMs: number, rowsMax: number): number {
  const due = orm
    .select({ tenantId: objects.tenantId, id: objects.id })
    .from(objects)
    .where(lte(objects.expiresAtMs, nowMs))
    .orderBy(objects.expiresAtMs)
    .limit(rowsMax)
    .all();
  for (const ref of due) orm.delete(objects).where(at(ref)).run();
  return due.length;
}

function at({ tenantId, id }: ObjectRef) {
  return and(eq(objects.tenantId, tenantId), eq(objects.id, id));
}

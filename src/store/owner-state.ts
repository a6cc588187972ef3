/**
 * What an owner's actor is built from: money posted in the windows of its budgets, holds still open,
 * and requests made per access token. All of it is as of everything that was taken before the call.
 */
import { and, eq, gt, gte, lt, max, sum, type SQL } from "drizzle-orm";
import { attempts, openAttempts, spend, tokens } from "../../drizzle/schema.ts";
import type { Owner } from "../base/scope.ts";
import type { OwnerLedgerState, WindowSum } from "./contract.ts";
import type { Connection } from "./database.ts";

type Orm = Connection["orm"];

export function ownerState(
  orm: Orm,
  owner: Owner,
  windows: readonly WindowSum[],
): OwnerLedgerState {
  return {
    postedNanoUsd: Object.fromEntries(
      windows.map((window) => [window.budgetId, postedIn(orm, window)]),
    ),
    openHolds: openHolds(orm, owner),
    reachesMs: reachesMs(orm, windows),
    requestCounts: owner.type === "tenant" ? requestCounts(orm, owner.tenantId) : {},
  };
}

/** Windows begin and end on quarters of an hour, so no slot lies in two of them. */
export function postedIn(orm: Orm, { scope, startMs, endMs }: WindowSum): number {
  const posted = orm
    .select({ total: sum(spend.postedNanoUsd).mapWith(Number) })
    .from(spend)
    .where(
      and(
        eq(spend.scopeType, scope.type),
        eq(spend.scopeId, scope.id),
        gte(spend.slotStartMs, startMs),
        endMs === null ? undefined : lt(spend.slotStartMs, endMs),
      ),
    )
    .get();
  return posted?.total ?? 0;
}

/** The youngest quarter of an hour in which any of the scopes has money; null: none has any. */
function reachesMs(orm: Orm, windows: readonly WindowSum[]): number | null {
  let reaches: number | null = null;
  for (const { scope } of windows) {
    const found = orm
      .select({ slotStartMs: max(spend.slotStartMs) })
      .from(spend)
      .where(and(eq(spend.scopeType, scope.type), eq(spend.scopeId, scope.id)))
      .get();
    const slotStartMs = found?.slotStartMs ?? null;
    if (slotStartMs !== null) reaches = Math.max(reaches ?? slotStartMs, slotStartMs);
  }
  return reaches;
}

/**
 * Walks all open attempts: there are never more of them than requests in flight. A cross join is walked
 * from its left; otherwise SQLite would walk all attempts there ever were, to have them in order.
 */
function openHolds(orm: Orm, owner: Owner): OwnerLedgerState["openHolds"] {
  return orm
    .select({
      attemptId: attempts.id,
      requestId: attempts.requestId,
      tokenId: attempts.tokenId,
      projectId: attempts.projectId,
      tenantId: attempts.tenantId,
      endUserId: attempts.endUserId,
      routeId: attempts.routeId,
      providerId: attempts.providerId,
      heldNanoUsd: attempts.heldNanoUsd,
      heldAtMs: attempts.heldAtMs,
    })
    .from(openAttempts)
    .crossJoin(attempts)
    .where(and(eq(attempts.seq, openAttempts.attemptSeq), heldUnder(owner)))
    .orderBy(openAttempts.attemptSeq)
    .all()
    .map(({ attemptId, requestId, heldNanoUsd, heldAtMs, ...scopes }) => ({
      attemptId,
      requestId,
      heldNanoUsd,
      heldAtMs,
      scopes,
    }));
}

function heldUnder(owner: Owner): SQL | undefined {
  if (owner.type === "everyone") return undefined;
  const inTenant = eq(openAttempts.tenantId, owner.tenantId);
  return owner.type === "tenant"
    ? inTenant
    : and(inTenant, eq(openAttempts.endUserId, owner.endUserId));
}

function requestCounts(orm: Orm, tenantId: string): OwnerLedgerState["requestCounts"] {
  const rows = orm
    .select({ id: tokens.id, count: tokens.requestCount })
    .from(tokens)
    .where(and(eq(tokens.tenantId, tenantId), gt(tokens.requestCount, 0)))
    .orderBy(tokens.id)
    .all();
  return Object.fromEntries(rows.map(({ id, count }) => [id, count]));
}

/**
 * What a tenant actor is built from: money posted in the windows of its budgets, holds still open,
 * and requests made per access token. All of it is as of everything that was taken before the call.
 */
import { and, eq, gt, gte, lt, sum } from "drizzle-orm";
import { attempts, openAttempts, spend, tokens } from "../../drizzle/schema.ts";
import type { TenantLedgerState, WindowSum } from "./contract.ts";
import type { Connection } from "./database.ts";

type Orm = Connection["orm"];

export function tenantState(
  orm: Orm,
  tenantId: string,
  windows: readonly WindowSum[],
): TenantLedgerState {
  return {
    postedNanoUsd: Object.fromEntries(
      windows.map((window) => [window.budgetId, postedIn(orm, window)]),
    ),
    openHolds: openHolds(orm, tenantId),
    requestCounts: requestCounts(orm, tenantId),
  };
}

/** Windows begin and end on quarters of an hour, so no slot lies in two of them. */
function postedIn(orm: Orm, { scope, startMs, endMs }: WindowSum): number {
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

/** Walks all open attempts: there are never more of them than requests in flight. */
function openHolds(orm: Orm, tenantId: string): TenantLedgerState["openHolds"] {
  return orm
    .select({
      attemptId: attempts.id,
      requestId: attempts.requestId,
      tokenId: attempts.tokenId,
      projectId: attempts.projectId,
      heldNanoUsd: attempts.heldNanoUsd,
      heldAtMs: attempts.heldAtMs,
    })
    .from(openAttempts)
    .innerJoin(attempts, eq(attempts.seq, openAttempts.attemptSeq))
    .where(eq(openAttempts.tenantId, tenantId))
    .orderBy(attempts.seq)
    .all()
    .map(({ tokenId, projectId, ...hold }) => ({
      ...hold,
      scopes: { tokenId, projectId, tenantId },
    }));
}

function requestCounts(orm: Orm, tenantId: string): TenantLedgerState["requestCounts"] {
  const rows = orm
    .select({ id: tokens.id, count: tokens.requestCount })
    .from(tokens)
    .where(and(eq(tokens.tenantId, tenantId), gt(tokens.requestCount, 0)))
    .orderBy(tokens.id)
    .all();
  return Object.fromEntries(rows.map(({ id, count }) => [id, count]));
}

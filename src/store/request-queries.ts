/**
 * Reads the request log, newest first. The log is long and a filter may match little of it, so a
 * page is looked for in steps of bounded size; between two steps the thread writes what is waiting.
 *
 * Invariant: every step walks an index in the order of ids: the tenant's, the access token's, or
 * the primary key. No step sorts.
 */
import { and, asc, desc, eq, gte, lt, ne, sql, type SQL } from "drizzle-orm";
import { attempts, postings, priceVersions, requests } from "../../drizzle/schema.ts";
import type { Page } from "./contract.ts";
import type { RequestDetail, RequestFilter } from "./history-contract.ts";
import { pageOf } from "./cursor.ts";
import type { Connection } from "./database.ts";
import type { PageFrom } from "./protocol.ts";
import type { Steps } from "./walks.ts";

type Orm = Connection["orm"];
type RequestRow = typeof requests.$inferSelect;

/** Rows looked at in one step: some milliseconds. */
const STEP_ROWS = 5_000;

/** One page; `stepRows` is a parameter for tests. */
export function* requestPage(
  orm: Orm,
  filter: RequestFilter,
  query: PageFrom,
  stepRows: number = STEP_ROWS,
): Steps<Page<RequestRow>> {
  const walk = walkOf(filter);
  const rest = restOf(filter);
  const found: RequestRow[] = [];
  let before = query.beyondId;
  while (found.length <= query.limit) {
    const wanted = query.limit + 1 - found.length;
    if (rest.length === 0) {
      found.push(...walkStep(orm, [...walk, olderThan(before)], wanted).all());
      break;
    }
    const from = stepEnd(orm, [...walk, olderThan(before)], stepRows).get()?.id;
    const step = from === undefined ? [] : [gte(requests.id, from)];
    found.push(...walkStep(orm, [...walk, olderThan(before), ...step, ...rest], wanted).all());
    if (from === undefined) break;
    before = from;
    yield;
  }
  return pageOf(found, query.limit);
}

type Conditions = readonly (SQL | undefined)[];

/** The rows of one step that match, newest first. */
export function walkStep(orm: Orm, conditions: Conditions, limit: number) {
  return orm
    .select()
    .from(requests)
    .where(and(...conditions))
    .orderBy(desc(requests.id))
    .limit(limit);
}

/** The oldest row of a step of full length; none when the rest of the log is shorter. */
export function stepEnd(orm: Orm, conditions: Conditions, stepRows: number) {
  return orm
    .select({ id: requests.id })
    .from(requests)
    .where(and(...conditions))
    .orderBy(desc(requests.id))
    .limit(1)
    .offset(stepRows - 1);
}

export function olderThan(id: string | null): SQL | undefined {
  return id === null ? undefined : lt(requests.id, id);
}

/** The part of a filter that an index serves. An access token lies in one tenant and is narrower. */
export function walkOf(filter: RequestFilter): SQL[] {
  if (filter.tokenId !== undefined) return [eq(requests.tokenId, filter.tokenId)];
  if (filter.tenantId !== undefined) return [eq(requests.tenantId, filter.tenantId)];
  return [];
}

/** The part that is compared row by row. */
export function restOf(filter: RequestFilter): SQL[] {
  const isByToken = filter.tokenId !== undefined;
  const {
    tenantId,
    projectId,
    endUserId,
    route,
    provider,
    model,
    status,
    errorCode,
    fromMs,
    toMs,
  } = filter;
  return [
    // The plus keeps the planner on the index of the access token.
    isByToken && tenantId !== undefined ? sql`+${requests.tenantId} = ${tenantId}` : undefined,
    projectId === undefined ? undefined : eq(requests.projectId, projectId),
    endUserId === undefined ? undefined : eq(requests.endUserId, endUserId),
    route === undefined ? undefined : eq(requests.route, route),
    provider === undefined ? undefined : eq(requests.provider, provider),
    model === undefined ? undefined : eq(requests.model, model),
    status === undefined ? undefined : eq(requests.status, status),
    errorCode === undefined ? undefined : eq(requests.errorCode, errorCode),
    fromMs === undefined ? undefined : gte(requests.createdAtMs, fromMs),
    toMs === undefined ? undefined : lt(requests.createdAtMs, toMs),
  ].filter((condition) => condition !== undefined);
}

/** Everything known of one exchange; null when neither the log nor the ledger knows it. */
export function requestDetail(orm: Orm, requestId: string): RequestDetail | null {
  const request = orm.select().from(requests).where(eq(requests.id, requestId)).get() ?? null;
  const made = orm
    .select({ attempt: attempts, price: priceVersions.price })
    .from(attempts)
    .innerJoin(priceVersions, eq(priceVersions.seq, attempts.priceVersion))
    .where(eq(attempts.requestId, requestId))
    .orderBy(asc(attempts.number), asc(attempts.seq))
    .all();
  if (request === null && made.length === 0) return null;
  return {
    request,
    attempts: made.map((one) => ({ ...one, postings: postingsOf(orm, one.attempt.id) })),
  };
}

/** The terminal posting and then its corrections, each by its own index. */
function postingsOf(orm: Orm, attemptId: string): (typeof postings.$inferSelect)[] {
  const ofAttempt = eq(postings.attemptId, attemptId);
  const terminal = orm
    .select()
    .from(postings)
    .where(and(ofAttempt, ne(postings.kind, sql`'correct'`)));
  const corrections = orm
    .select()
    .from(postings)
    .where(and(ofAttempt, eq(postings.kind, sql`'correct'`)))
    .orderBy(asc(postings.seq));
  return [...terminal.all(), ...corrections.all()];
}

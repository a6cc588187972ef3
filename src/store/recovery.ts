/**
 * Ends what a crash left open, before anything new is written: every open attempt is posted at its
 * hold as `expire`, estimated, and its exchange gets the request row that never came. Attempts of jobs
 * stay open, for their providers go on with them; their exchanges get such rows as well.
 *
 * Invariant: one transaction, so a crash in here leaves everything as it was; afterwards no
 * attempt is open but those of jobs. Only a process that holds the directory's lock may run it: the lock proves that
 * nobody can settle these attempts any more.
 */
import { and, asc, desc, eq, inArray, isNull, ne, sql } from "drizzle-orm";
import {
  attempts,
  jobs,
  openAttempts,
  postings,
  providers,
  requests,
  routes,
} from "../../drizzle/schema.ts";
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import type { PostingRecord, Recovery, RequestRecord } from "./contract.ts";
import type { Connection } from "./database.ts";
import { createLedgerWriter } from "./ledger-write.ts";
import { prepareInsert } from "./statements.ts";

type AttemptRow = typeof attempts.$inferSelect;

/** Posts every open attempt as of `nowMs`; tells how many there were. */
export function recover(connection: Connection, nowMs: number): Recovery {
  return connection.sqlite
    .transaction(() => {
      const recovery = expireOpen(connection, nowMs);
      writeMissingRequests(connection, requestsOfJobs(connection));
      return recovery;
    })
    .immediate();
}

function expireOpen(connection: Connection, nowMs: number): Recovery {
  const { orm, sqlite, file } = connection;
  const open = orm
    .select({ attempt: attempts })
    .from(openAttempts)
    // Walked from its left, the few; an inner join in this order would walk all attempts there are.
    .crossJoin(attempts)
    .leftJoin(jobs, eq(jobs.attemptId, attempts.id))
    .where(and(eq(attempts.seq, openAttempts.attemptSeq), isNull(jobs.attemptId)))
    .orderBy(asc(openAttempts.attemptSeq))
    .all()
    .map((row) => row.attempt);
  if (open.length === 0) return { expired: 0, maybeUnsent: 0 };
  const ledger = createLedgerWriter(sqlite, file);
  const mayBeUnsent = unsentTest(open, ledger.lastCommitNumber());
  let maybeUnsent = 0;
  for (const attempt of open) {
    const isUnsent = mayBeUnsent(attempt);
    if (isUnsent) maybeUnsent += 1;
    const keptOut = ledger.post(expiry(attempt, isUnsent ? "maybe_unsent" : "crash", nowMs));
    assert(keptOut === null, `open attempt ${attempt.id} could not be posted: ${keptOut?.detail}`);
  }
  ledger.writeSums();
  writeMissingRequests(connection, new Set(open.map((attempt) => attempt.requestId)));
  return { expired: open.length, maybeUnsent };
}

/**
 * Holds of every earlier commit were handed to the network before the next commit was composed; but
 * a request that is handed over may still wait for its connection, for the connect clock at most.
 */
function unsentTest(
  open: readonly AttemptRow[],
  lastCommitNumber: number,
): (attempt: AttemptRow) => boolean {
  const newestMs = Math.max(...open.map(({ heldAtMs }) => heldAtMs));
  return ({ commitNumber, heldAtMs }) =>
    commitNumber === lastCommitNumber || heldAtMs > newestMs - LIMITS.connectMs;
}

function expiry(attempt: AttemptRow, outcome: string, postedAtMs: number): PostingRecord {
  return {
    attemptId: attempt.id,
    kind: "expire",
    amountNanoUsd: attempt.heldNanoUsd,
    estimated: true,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    details: null,
    status: null,
    outcome,
    latencyMs: 0,
    postedAtMs,
  };
}

/** As text and not as a parameter, because only then the index of terminal postings serves. */
const CORRECT = sql`'correct'`;

/** One statement looks for all rows at once; past this many, SQLite's bound on variables nears. */
const LOOKUP_MAX = 5_000;

function writeMissingRequests(connection: Connection, requestIds: ReadonlySet<string>): void {
  const { orm, sqlite } = connection;
  const insert = prepareInsert(sqlite, requests, "ignore");
  const names = new Map(
    orm
      .select({ id: providers.id, name: providers.name })
      .from(providers)
      .all()
      .map(({ id, name }) => [id, name]),
  );
  const ids = [...requestIds];
  for (let from = 0; from < ids.length; from += LOOKUP_MAX) {
    const rows = orm
      .select({ attempt: attempts, posting: postings, routeModel: routes.model })
      .from(attempts)
      // The terminal one: what corrects it came later than any crash that this row is about.
      .leftJoin(postings, and(eq(postings.attemptId, attempts.id), ne(postings.kind, CORRECT)))
      .leftJoin(routes, eq(routes.id, attempts.routeId))
      .where(inArray(attempts.requestId, ids.slice(from, from + LOOKUP_MAX)))
      .orderBy(desc(attempts.requestId), asc(attempts.number))
      .all();
    for (const exchange of Map.groupBy(rows, ({ attempt }) => attempt.requestId).values()) {
      insert(requestRow(exchange, names));
    }
  }
}

/** Of jobs, those that have no row. */
function requestsOfJobs({ orm }: Connection): ReadonlySet<string> {
  const found = orm
    .select({ id: attempts.requestId })
    .from(jobs)
    .crossJoin(attempts)
    .leftJoin(requests, eq(requests.id, attempts.requestId))
    .where(and(eq(attempts.id, jobs.attemptId), isNull(requests.id)))
    .all();
  return new Set(found.map(({ id }) => id));
}

type Told = {
  readonly attempt: AttemptRow;
  /** null: it is a job's, under way. */
  readonly posting: typeof postings.$inferSelect | null;
  /** null: it was no route's, or the route is gone. */
  readonly routeModel: string | null;
};

/** What the ledger knows of an exchange that ended with its process. */
function requestRow(
  exchange: readonly Told[],
  providerNames: ReadonlyMap<string, string>,
): RequestRecord {
  const [begun] = exchange;
  const last = exchange.at(-1)?.attempt;
  assert(begun !== undefined && last !== undefined, "an exchange has an attempt");
  const first = begun.attempt;
  const sum = (
    member:
      | "amountNanoUsd"
      | "inputTokens"
      | "outputTokens"
      | "cachedInputTokens"
      | "reasoningTokens",
  ): number => exchange.reduce((total, { posting }) => total + (posting?.[member] ?? 0), 0);
  return {
    id: first.requestId,
    createdAtMs: first.heldAtMs,
    tenantId: first.tenantId,
    projectId: first.projectId,
    tokenId: first.tokenId,
    endUserId: first.endUserId,
    route: begun.routeModel ?? directName(first, providerNames),
    provider: providerNames.get(last.providerId) ?? last.providerId,
    model: last.model,
    status: 500,
    errorCode: "internal_error",
    stream: false,
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cachedInputTokens: sum("cachedInputTokens"),
    reasoningTokens: sum("reasoningTokens"),
    costNanoUsd: sum("amountNanoUsd"),
    estimated: true,
    attemptCount: new Set(exchange.map(({ attempt }) => attempt.id)).size,
    latencyMs: 0,
    firstTokenMs: null,
    clientGone: false,
    refusal: null,
    attemptNotes: null,
    answeredBy: null,
  };
}

/**
 * As a client names a provider's model without a route. What holds nothing may be about an object, of which
 * the ledger does not tell for which model it was made.
 */
function directName(
  { heldNanoUsd, model, providerId, routeId }: AttemptRow,
  providerNames: ReadonlyMap<string, string>,
): string | null {
  const provider = providerNames.get(providerId);
  const isDirect = routeId === null && heldNanoUsd > 0 && model !== "";
  return isDirect && provider !== undefined ? `${provider}/${model}` : null;
}

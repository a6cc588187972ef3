/**
 * Reads a data directory's database for tests and adds it up anew: an oracle that shares no code with
 * the product. It works on a copy, so that looking at what a crash left does not change it.
 */
import { Database } from "bun:sqlite";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type PostingSeen = {
  readonly attemptId: string;
  readonly kind: string;
  readonly amountNanoUsd: number;
  readonly estimated: number;
  readonly outcome: string;
};

export type AttemptSeen = {
  readonly id: string;
  readonly requestId: string;
  readonly number: number;
  readonly tenantId: string;
  readonly projectId: string;
  readonly tokenId: string;
  readonly endUserId: string | null;
  readonly routeId: string | null;
  readonly providerId: string;
  readonly model: string;
  readonly heldNanoUsd: number;
  readonly postings: readonly PostingSeen[];
};

export type LedgerSeen = {
  /** `ok`, or what SQLite finds wrong with the file. */
  readonly integrity: unknown;
  readonly attempts: readonly AttemptSeen[];
  /** Ids of the attempts that are marked open. */
  readonly openIds: readonly string[];
  /** The product's own sums of money, by `type/id` of the scope. */
  readonly spend: Readonly<Record<string, number>>;
  /** The product's own sums of usage. */
  readonly usage: { readonly requests: number; readonly attempts: number; readonly cost: number };
  /** Requests of each access token, as the product counts them. */
  readonly requestCounts: Readonly<Record<string, number>>;
  /** Ids of the request rows. */
  readonly requestIds: ReadonlySet<string>;
  /** Why the product takes the ledger for older than what was spent; a crash never makes it so. */
  readonly frozen: string | null;
};

/** What lies in `dataDir`; no process may be writing there. */
export function readLedger(dataDir: string): LedgerSeen {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-ledger-"));
  try {
    for (const name of ["tollgate.db", "tollgate.db-wal"]) {
      const path = join(dataDir, name);
      if (existsSync(path)) cpSync(path, join(folder, name));
    }
    const database = new Database(join(folder, "tollgate.db"), { create: false, readwrite: true });
    try {
      // Nobody needs the copy after this: closing it may not cost a wait for the disk.
      database.exec("pragma synchronous = off");
      return read(database);
    } finally {
      database.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(database: Database): LedgerSeen {
  const rows = <Row>(sql: string): Row[] => database.query<Row, []>(sql).all();
  const postings = Map.groupBy(
    rows<PostingSeen>(
      `select attempt_id attemptId, kind, amount_nano_usd amountNanoUsd, estimated, outcome
       from postings order by seq`,
    ),
    (posting) => posting.attemptId,
  );
  const attempts = rows<Omit<AttemptSeen, "postings">>(
    `select id, request_id requestId, number, tenant_id tenantId, project_id projectId,
       token_id tokenId, end_user_id endUserId, route_id routeId, provider_id providerId, model,
       held_nano_usd heldNanoUsd from attempts order by seq`,
  ).map((attempt) => ({ ...attempt, postings: postings.get(attempt.id) ?? [] }));
  const spend = rows<{ scope: string; posted: number }>(
    `select scope_type || '/' || scope_id scope, sum(posted_nano_usd) posted
     from spend group by 1`,
  );
  const [usage] = rows<LedgerSeen["usage"]>(
    `select coalesce(sum(requests), 0) requests, coalesce(sum(attempts), 0) attempts,
       coalesce(sum(cost_nano_usd), 0) cost from usage_days`,
  );
  return {
    integrity: database.query("pragma integrity_check").values()[0]?.[0],
    attempts,
    openIds: rows<{ id: string }>(
      "select id from open_attempts join attempts on seq = attempt_seq order by seq",
    ).map(({ id }) => id),
    spend: Object.fromEntries(spend.map(({ scope, posted }) => [scope, posted])),
    usage: usage ?? { requests: 0, attempts: 0, cost: 0 },
    requestCounts: Object.fromEntries(
      rows<{ id: string; count: number }>("select id, request_count count from tokens").map(
        ({ id, count }) => [id, count],
      ),
    ),
    requestIds: new Set(rows<{ id: string }>("select id from requests").map(({ id }) => id)),
    frozen:
      rows<{ value: string }>("select value from settings where name = 'ledger_frozen'")[0]
        ?.value ?? null,
  };
}

/** Everything that is wrong with a ledger by itself, crashed or not; empty when all adds up. */
export function breachesIn(ledger: LedgerSeen): string[] {
  const breaches: string[] = [];
  if (ledger.integrity !== "ok") breaches.push(`integrity check: ${String(ledger.integrity)}`);
  if (ledger.frozen !== null) breaches.push(`the ledger is frozen: ${ledger.frozen}`);
  const open = new Set(ledger.openIds);
  for (const { id, postings } of ledger.attempts) {
    const expected = open.has(id) ? 0 : 1;
    if (postings.length !== expected) {
      breaches.push(`attempt ${id} has ${postings.length} postings, not ${expected}`);
    }
  }
  const posted = ledger.attempts.flatMap((attempt) => attempt.postings);
  const spend = Object.entries(postedByScope(ledger)).filter(([, amount]) => amount > 0);
  const sums: readonly (readonly [string, unknown, unknown])[] = [
    ["spend by scope", ledger.spend, Object.fromEntries(spend)],
    ["cost of all usage", ledger.usage.cost, total(posted.map((one) => one.amountNanoUsd))],
    ["attempts of all usage", ledger.usage.attempts, posted.length],
    [
      "requests by access token",
      Object.fromEntries(Object.entries(ledger.requestCounts).filter(([, count]) => count > 0)),
      countsOf(
        ledger.attempts
          // The house has no access token.
          .filter(({ number, tokenId }) => number === 1 && tokenId in ledger.requestCounts)
          .map((one) => one.tokenId),
      ),
    ],
  ];
  for (const [what, said, truth] of sums) {
    if (Bun.deepEquals(said, truth)) continue;
    breaches.push(`${what}: ${JSON.stringify(said)}, but ${JSON.stringify(truth)} in the ledger`);
  }
  return breaches;
}

/** Money posted for every scope that has attempts, by `type/id`. */
function postedByScope({ attempts }: LedgerSeen): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const attempt of attempts) {
    const amount = total(attempt.postings.map((posting) => posting.amountNanoUsd));
    for (const scope of scopesOf(attempt)) sums[scope] = (sums[scope] ?? 0) + amount;
  }
  return sums;
}

/** The same with every open hold counted as spent: what recovery has to come to. */
export function owedByScope(ledger: LedgerSeen): Record<string, number> {
  const sums = postedByScope(ledger);
  for (const attempt of ledger.attempts) {
    if (attempt.postings.length > 0) continue;
    for (const scope of scopesOf(attempt)) sums[scope] = (sums[scope] ?? 0) + attempt.heldNanoUsd;
  }
  return sums;
}

function scopesOf(attempt: AttemptSeen): readonly string[] {
  const { tokenId, projectId, tenantId, endUserId, routeId, providerId } = attempt;
  const scopes = [`token/${tokenId}`, `project/${projectId}`, `tenant/${tenantId}`];
  if (endUserId !== null) scopes.push(`end_user/${tenantId}/${endUserId}`);
  if (routeId !== null) scopes.push(`route/${routeId}`);
  return [...scopes, `provider/${providerId}`, "global/*"];
}

export function total(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Decimal dollars of the admin API in nano-dollars. */
export function nanoOf(usd: string): number {
  const [whole = "", fraction = ""] = usd.split(".");
  return Number(whole) * 1_000_000_000 + Number(fraction.padEnd(9, "0"));
}

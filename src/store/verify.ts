/**
 * Proves a ledger: recomputes both chains and every sum from the attempts and postings themselves, and
 * tells of whatever differs. It only reads, in one snapshot, so a server may run meanwhile.
 *
 * What it cannot see alone: rows cut off the end together with their sums, and a ledger forged as a
 * whole. Both show against heads that were kept elsewhere.
 *
 * Invariant: memory is bounded however long the ledger is; what does not fit goes to a temporary file.
 */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { GatewayError } from "../base/error.ts";
import { isLink } from "./chain-walk.ts";
import type { LedgerState } from "./money-contract.ts";
import { Differences, type LedgerDifference } from "./differences.ts";
import { failureDetail } from "./failure.ts";
import { frozenState } from "./freeze.ts";
import { Mark } from "./mark.ts";
import { headsOf, type Heads } from "./position.ts";
import { verifyAttempts, verifyOpenAttempts } from "./verify-attempts.ts";
import { verifyPostings } from "./verify-postings.ts";
import { RecomputedSums } from "./verify-sums.ts";

/** Lengths and last links of both chains, as `LedgerState` and an earlier report give them. */
export type LedgerHeads = Pick<
  LedgerState,
  "attempts" | "postings" | "attemptsHead" | "postingsHead"
>;

export type LedgerReport = LedgerHeads & {
  /** Attempts without a terminal posting: in flight, or left by a crash for the next start. */
  readonly open: number;
  readonly frozen: LedgerState["frozen"];
  readonly differenceCount: number;
  /** The first hundred of them. */
  readonly differences: readonly LedgerDifference[];
};

export type VerifyOptions = {
  /** Heads that were kept from an earlier time: proves that nothing up to them was cut off since. */
  readonly expectedHeads?: LedgerHeads;
  /** Called after every few thousand rows. */
  readonly onProgress?: (doneRows: number, totalRows: number) => void;
};

/** Throws GatewayError `ledger_unavailable` when the file cannot be read as a ledger at all. */
export function verifyLedger(file: string, options: VerifyOptions = {}): LedgerReport {
  if (!existsSync(file)) throw unreadable(`${file}: there is no such database`);
  // Read before the snapshot is taken: afterwards a running server may have gone further.
  const marked = new Mark(file).read();
  let sqlite: Database | null = null;
  try {
    sqlite = new Database(file, { readonly: true });
    sqlite.exec("pragma temp_store = file");
    sqlite.exec("pragma cache_size = -64000");
    sqlite.exec("pragma temp.cache_size = -64000");
    sqlite.exec("begin");
    return verifySnapshot(sqlite, marked, options);
  } catch (error) {
    throw unreadable(failureDetail(error, file), error);
  } finally {
    sqlite?.close();
  }
}

function verifySnapshot(
  sqlite: Database,
  marked: Heads | null,
  { expectedHeads, onProgress = () => undefined }: VerifyOptions,
): LedgerReport {
  const heads = headsOf(sqlite);
  const differences = new Differences();
  let open = 0;
  if (isIntact(sqlite, differences)) {
    const sums = new RecomputedSums(sqlite);
    const total = heads.attempts.seq + heads.postings.seq;
    verifyAttempts(sqlite, sums, differences, (done) => onProgress(done, total));
    verifyPostings(sqlite, sums, differences, (done) =>
      onProgress(heads.attempts.seq + done, total),
    );
    open = verifyOpenAttempts(sqlite, differences);
    sums.compare(differences);
    if (expectedHeads !== undefined) {
      verifyHeads(sqlite, fromHex(expectedHeads), "that was kept", differences);
    }
    if (marked !== null) verifyHeads(sqlite, marked, "of the mark beside the file", differences);
  }
  return {
    attempts: heads.attempts.seq,
    postings: heads.postings.seq,
    attemptsHead: Buffer.from(heads.attempts.link).toString("hex"),
    postingsHead: Buffer.from(heads.postings.link).toString("hex"),
    open,
    frozen: frozenState({ orm: drizzle({ client: sqlite }) }),
    differenceCount: differences.count,
    differences: differences.first,
  };
}

/** Tables whose rows are looked up by their indexes below, so they must agree with those. */
const LEDGER_TABLES = [
  "attempts",
  "postings",
  "open_attempts",
  "price_versions",
  "spend",
  "usage_days",
  "tokens",
];
const UNIQUE_INDEXES = [
  ["attempts", "attempts_by_id"],
  ["postings", "postings_terminal"],
] as const;

/**
 * False when the file is damaged below the level of rows, or has numbers of rows that cannot be read
 * exactly, so that nobody could walk over them; nothing further can be told then.
 */
function isIntact(sqlite: Database, differences: Differences): boolean {
  for (const table of LEDGER_TABLES) {
    for (const [found] of sqlite.prepare(`pragma integrity_check(${table})`).values()) {
      if (found !== "ok") differences.add(table, "-", `the file is damaged: ${String(found)}`);
    }
  }
  // A damaged table throws at whoever reads it.
  if (differences.count > 0) return false;
  for (const [table, index] of UNIQUE_INDEXES) {
    const isThere = sqlite
      .prepare<unknown, [string, string]>(
        `select 1 from pragma_index_list(?) where name = ? and "unique" = 1`,
      )
      .get(table, index);
    if (isThere === null) differences.add(table, "-", `the index ${index} is not there`);
  }
  for (const table of ["attempts", "postings"]) {
    const far = sqlite.prepare<unknown, [number, number]>(
      `select cast(seq as text) from ${table} where seq not between ? and ? limit 100`,
    );
    for (const [seq] of far.values(Number.MIN_SAFE_INTEGER + 1, Number.MAX_SAFE_INTEGER)) {
      differences.add(table, String(seq), "cannot be the number of a row");
    }
  }
  return differences.count === 0;
}

/** What was the end once has to be in the chain still. */
function verifyHeads(sqlite: Database, kept: Heads, whose: string, differences: Differences): void {
  for (const table of ["attempts", "postings"] as const) {
    const { seq, link } = kept[table];
    if (seq === 0) continue;
    const row = sqlite
      .query<{ chain: unknown }, [number]>(`select chain from ${table} where seq = ?`)
      .get(seq);
    if (row === null) differences.add(table, String(seq), `the head ${whose} is not there`);
    else if (!isLink(row.chain, link)) {
      differences.add(
        table,
        String(seq),
        `is not the head ${whose}: the chain has another history`,
      );
    }
  }
}

function fromHex({ attempts, attemptsHead, postings, postingsHead }: LedgerHeads): Heads {
  return {
    attempts: { seq: attempts, link: Buffer.from(attemptsHead, "hex") },
    postings: { seq: postings, link: Buffer.from(postingsHead, "hex") },
  };
}

function unreadable(message: string, cause?: unknown): GatewayError {
  return new GatewayError("ledger_unavailable", { message }, cause);
}

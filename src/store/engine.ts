/**
 * Everything the writer thread does with the database: commits batches, answers calls, keeps the
 * log of writes short, and opens the file anew after its connection broke.
 */
import { existsSync } from "node:fs";
import { GatewayError } from "../base/error.ts";
import { createBallast, type Ballast } from "./ballast.ts";
import { createBatchWriter, type BatchOutcome, type BatchWriter } from "./batch-write.ts";
import { configuredCalls } from "./configured.ts";
import type { Recovery } from "./contract.ts";
import { openDatabase, reopenDatabase, sqliteVersion, type Connection } from "./database.ts";
import { DISK_FULL, diskFailure, failureDetail } from "./failure.ts";
import { jobCalls } from "./job-calls.ts";
import { ledgerCalls } from "./ledger-calls.ts";
import { freezeIfOlder, isOlder } from "./freeze.ts";
import { idempotencyCalls } from "./idempotency-calls.ts";
import { Mark } from "./mark.ts";
import { MOVED, Place } from "./place.ts";
import { moneyCalls } from "./money-calls.ts";
import { names } from "./names.ts";
import { objectCalls } from "./object-calls.ts";
import type { BatchMessage, Calls, FromThread, OpenMessage } from "./protocol.ts";
import { recover } from "./recovery.ts";
import { requestDetail, requestPage } from "./request-queries.ts";
import { ownerState } from "./owner-state.ts";
import { usage } from "./usage.ts";
import type { Steps } from "./walks.ts";

/** Answers to calls; those that may take long come in steps. */
type Answers = {
  readonly [N in keyof Calls]: (
    ...args: Parameters<Calls[N]>
  ) => ReturnType<Calls[N]> | Steps<ReturnType<Calls[N]>>;
};

type Open = {
  readonly connection: Connection;
  readonly batches: BatchWriter;
  readonly place: Place;
  readonly answers: Answers;
};

export interface Engine {
  readonly opened: Extract<FromThread, { type: "opened" }>;
  readonly write: (batch: BatchMessage) => BatchOutcome;
  /** Throws what the call throws. */
  readonly answers: () => Answers;
  /** Moves committed pages from the log into the database; call it when nobody waits. */
  readonly checkpoint: () => void;
  readonly close: () => void;
}

/** Pages in the log at which it is worth writing them back: 4 MiB, some milliseconds. */
const CHECKPOINT_PAGES = 1_000;

/** Opens the file and recovers. Throws GatewayError `ledger_unavailable` that names the file. */
export function openEngine(message: OpenMessage): Engine {
  const { file } = message;
  const mark = new Mark(file);
  let open: Open | null = bind(openDatabase(file), mark);
  const recovery = begun(open, mark, message);
  const ballast = createBallast(`${file}.ballast`);
  ballast.ensure();

  const current = (): Open => {
    open ??= bind(reopen(file, mark), mark);
    return open;
  };
  return {
    opened: { type: "opened", recovery, sqliteVersion: sqliteVersion(open.connection.sqlite) },
    write: (batch) => {
      try {
        const { connection, batches, place } = current();
        const { outcome, failure } = batches.write(batch);
        const isMoved = outcome.type === "committed" && !place.isSame();
        if (failure?.kind === "full") ballast.release();
        if (failure?.kind === "broken" || isMoved) {
          disconnect(connection, false);
          open = null;
        }
        if (isMoved) return { type: "failed", detail: `${file}: ${MOVED}`, uncertain: true };
        return withSpace(outcome, ballast, file);
      } catch (error) {
        // The file could not even be opened, so nothing of this batch can be in it.
        return { type: "failed", detail: failureDetail(error, file), uncertain: false };
      }
    },
    answers: () => current().answers,
    checkpoint: () => {
      if (open !== null) checkpointIfDue(open.connection);
    },
    close: () => {
      if (open !== null) disconnect(open.connection, true);
      open = null;
      mark.close();
    },
  };
}

/** What the last process left: perhaps an old ledger, perhaps open attempts. */
function begun(
  { connection, batches }: Open,
  mark: Mark,
  { recover: isWanted, nowMs, file }: OpenMessage,
): Recovery {
  try {
    if (!isWanted) checkSame(connection, mark);
    // Before recovery adds to a ledger that may be an old one, and the mark follows it.
    freezeIfOlder(connection, mark, nowMs);
    const recovery = isWanted ? recover(connection, nowMs) : { expired: 0, maybeUnsent: 0 };
    mark.write(batches.position());
    return recovery;
  } catch (error) {
    connection.sqlite.close();
    throw new GatewayError("ledger_unavailable", { message: failureDetail(error, file) }, error);
  }
}

function bind(connection: Connection, mark: Mark): Open {
  const { orm } = connection;
  return {
    connection,
    batches: createBatchWriter(connection, mark),
    place: new Place(connection.file),
    answers: {
      ...configuredCalls(connection),
      names: (noun, ids) => names(orm, noun, ids),
      ...moneyCalls(connection),
      ...idempotencyCalls(connection),
      ...objectCalls(connection),
      ...jobCalls(connection),
      ...ledgerCalls(connection, mark),
      ownerState: (owner, windows) => ownerState(orm, owner, windows),
      requestPage: (filter, query) => requestPage(orm, filter, query),
      requestDetail: (requestId) => requestDetail(orm, requestId),
      usage: (query) => usage(orm, query),
    },
  };
}

/**
 * A process never goes on with a file that somebody put back under it: it was told at its start
 * whether the ledger is frozen, and only the next start freezes this one.
 */
function checkSame(connection: Connection, mark: Mark): void {
  if (!isOlder(connection, mark)) return;
  throw new Error("the file was replaced by an older or another one; restart Tollgate to use it");
}

/** Never creates: a file that is gone is a failure to tell of, not an empty ledger to go on with. */
function reopen(file: string, mark: Mark): Connection {
  if (!existsSync(file)) throw new Error("the file is gone; stop Tollgate and restore it");
  const connection = reopenDatabase(file);
  try {
    beginLogAnew(connection);
    checkSame(connection, mark);
    return connection;
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}

/**
 * Bytes that a failed sync did not bring to the disk are not tried again by the next one, which then
 * says that all is well. So nothing may be written behind them: what the log holds is written to the
 * database, and the log from its start. A reader in the middle of it can keep that from happening.
 */
function beginLogAnew({ sqlite }: Connection): void {
  sqlite.exec("pragma wal_checkpoint(truncate)");
}

/** Says so when a batch was written but the disk has no room for the ballast. */
function withSpace(outcome: BatchOutcome, ballast: Ballast, file: string): BatchOutcome {
  if (outcome.type === "failed" || ballast.ensure()) return outcome;
  const shortOfSpace = `${file}: ${DISK_FULL} (SQLITE_FULL)`;
  return { ...outcome, shortOfSpace };
}

function checkpointIfDue({ sqlite, file }: Connection): void {
  try {
    const [state] = sqlite.query("pragma wal_checkpoint(noop)").values();
    const waiting = Number(state?.[1]) - Number(state?.[2]);
    if (waiting >= CHECKPOINT_PAGES) sqlite.exec("pragma wal_checkpoint(passive)");
  } catch (error) {
    ignoreDisk(error, file);
  }
}

/** A failed checkpoint loses nothing: the pages stay in the log, and the next commit will tell. */
function ignoreDisk(error: unknown, file: string): void {
  if (diskFailure(error, file) === null) throw error;
}

function disconnect({ sqlite, file }: Connection, isLast: boolean): void {
  try {
    if (isLast) sqlite.exec("pragma wal_checkpoint(truncate)");
  } catch (error) {
    ignoreDisk(error, file);
  }
  sqlite.close();
  // A connection ends with its last statement, and statements end when they are collected.
  Bun.gc(true);
}

/**
 * Everything the writer thread does with the database: commits batches, answers calls, keeps the
 * log of writes short, and opens the file anew after its connection broke.
 */
import { existsSync } from "node:fs";
import { GatewayError } from "../base/error.ts";
import { createBallast, type Ballast } from "./ballast.ts";
import { createBatchWriter, type BatchOutcome, type BatchWriter } from "./batch-write.ts";
import { configuredCalls } from "./configured.ts";
import { openDatabase, reopenDatabase, sqliteVersion, type Connection } from "./database.ts";
import { DISK_FULL, diskFailure, failureDetail } from "./failure.ts";
import { names } from "./names.ts";
import type { BatchMessage, Calls, FromThread, OpenMessage } from "./protocol.ts";
import { recover } from "./recovery.ts";
import { requestDetail, requestPage } from "./request-queries.ts";
import { tenantState } from "./tenant-state.ts";
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
  let open: Open | null = bind(openDatabase(file));
  const recovery = recovered(open.connection, message);
  const ballast = createBallast(`${file}.ballast`);
  ballast.ensure();

  const current = (): Open => {
    open ??= bind(reopen(file));
    return open;
  };
  return {
    opened: { type: "opened", recovery, sqliteVersion: sqliteVersion(open.connection.sqlite) },
    write: (batch) => {
      try {
        const { outcome, failure } = current().batches.write(batch);
        if (failure?.kind === "full") ballast.release();
        if (failure?.kind === "broken") {
          if (open !== null) disconnect(open.connection, false);
          open = null;
        }
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
    },
  };
}

function recovered(
  connection: Connection,
  { recover: isWanted, nowMs, file }: OpenMessage,
): ReturnType<typeof recover> {
  if (!isWanted) return { expired: 0, maybeUnsent: 0 };
  try {
    return recover(connection, nowMs);
  } catch (error) {
    connection.sqlite.close();
    throw new GatewayError("ledger_unavailable", { message: failureDetail(error, file) }, error);
  }
}

function bind(connection: Connection): Open {
  const { orm } = connection;
  return {
    connection,
    batches: createBatchWriter(connection),
    answers: {
      ...configuredCalls(connection),
      names: (noun, ids) => names(orm, noun, ids),
      tenantState: (tenantId, windows) => tenantState(orm, tenantId, windows),
      requestPage: (filter, query) => requestPage(orm, filter, query),
      requestDetail: (requestId) => requestDetail(orm, requestId),
      usage: (query) => usage(orm, query),
    },
  };
}

/** Never creates: a file that is gone is a failure to tell of, not an empty ledger to go on with. */
function reopen(file: string): Connection {
  if (!existsSync(file)) throw new Error("the file is gone; stop Tollgate and restore it");
  return reopenDatabase(file);
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

/**
 * Commits one batch: holds, postings and their sums, then request rows, in one transaction.
 *
 * Invariant: after `committed` the batch is on the disk; after `failed` none of it is, or, if
 * `uncertain`, part of it may reappear when the file is opened anew.
 */
import type { Database } from "bun:sqlite";
import { requests } from "../../drizzle/schema.ts";
import type { Connection } from "./database.ts";
import { diskFailure, failureDetail, type DiskFailure } from "./failure.ts";
import { createLedgerWriter } from "./ledger-write.ts";
import type { Mark } from "./mark.ts";
import type { Position } from "./position.ts";
import type { BatchMessage, FromThread, KeptOut } from "./protocol.ts";
import { prepareInsert } from "./statements.ts";

export type BatchOutcome = Extract<FromThread, { type: "committed" | "failed" }>;

export interface BatchWriter {
  /** `failure` is set when the disk is to blame for a failed batch. */
  readonly write: (batch: BatchMessage) => {
    readonly outcome: BatchOutcome;
    readonly failure: DiskFailure | null;
  };
  /** How far the ledger has come with what was committed. */
  readonly position: () => Position;
}

export function createBatchWriter(connection: Connection, mark: Mark): BatchWriter {
  const { sqlite, file } = connection;
  const ledger = createLedgerWriter(sqlite, file);
  const insertRow = prepareInsert(sqlite, requests, "ignore");
  const begin = sqlite.prepare("begin immediate");
  const commit = sqlite.prepare("commit");
  let commitNumber = ledger.lastCommitNumber();

  const fill = (batch: BatchMessage): BatchOutcome => {
    const refusedHolds: [number, string][] = [];
    const keptOut: KeptOut[] = [];
    for (const [place, hold] of batch.holds.entries()) {
      const reason = ledger.hold(hold, commitNumber + 1);
      if (reason !== null) refusedHolds.push([place, reason]);
    }
    for (const posting of batch.postings) {
      const kept = ledger.post(posting);
      if (kept !== null) keptOut.push(kept);
    }
    ledger.writeSums();
    for (const row of batch.rows) {
      try {
        insertRow(row);
      } catch (error) {
        if (diskFailure(error, file) !== null) throw error;
        keptOut.push({ what: "row_invalid", id: row.id, detail: failureDetail(error, file) });
      }
    }
    // The same value again still writes its page, which is all a probe wants.
    if (batch.probe) sqlite.exec("pragma user_version = 1");
    return {
      type: "committed",
      ...(refusedHolds.length === 0 ? {} : { refusedHolds }),
      ...(keptOut.length === 0 ? {} : { keptOut }),
    };
  };

  return {
    position: ledger.position,
    write: (batch) => {
      let isCommitting = false;
      try {
        begin.run();
        const outcome = fill(batch);
        // Told before the commit: after it nothing may fail any more.
        const isLedgers = batch.holds.length > 0 || batch.postings.length > 0;
        const position = isLedgers ? ledger.position() : null;
        isCommitting = true;
        commit.run();
        if (batch.holds.length > 0) commitNumber += 1;
        if (position !== null) mark.write(position);
        return { outcome, failure: null };
      } catch (error) {
        ledger.forget();
        rollBack(sqlite);
        const failure = diskFailure(error, file);
        const detail = failure?.detail ?? failureDetail(error, file);
        // The log may hold the whole batch and its end although the disk could not confirm it: it
        // counts for nothing to this connection, but the next one to open the file would read it.
        const uncertain = isCommitting && failure?.kind !== "full" && failure?.kind !== "busy";
        return { outcome: { type: "failed", detail, uncertain }, failure };
      }
    },
  };
}

/** SQLite has ended the transaction itself after some errors; then there is nothing to do. */
function rollBack(sqlite: Database): void {
  if (sqlite.inTransaction) sqlite.exec("rollback");
}

/**
 * Writes holds and postings, inside a transaction that the caller began. One bad row refuses or
 * keeps out itself only; a failure of the disk is thrown, and then the whole transaction ends.
 *
 * Invariant: an attempt is in `open_attempts` from its hold to its one terminal posting.
 */
import type { Database } from "bun:sqlite";
import { attempts, openAttempts, postings } from "../../drizzle/schema.ts";
import type { HoldRecord } from "./contract.ts";
import { diskFailure, sqliteError } from "./failure.ts";
import type { KeptOut, PostingOp } from "./protocol.ts";
import { prepareInsert } from "./statements.ts";
import { createSums } from "./sums.ts";

export interface LedgerWriter {
  /** null when it is written, else why this hold cannot be. */
  readonly hold: (record: HoldRecord, commitNumber: number) => string | null;
  /** null when it is written or needs not be, else what is wrong with it. */
  readonly post: (posting: PostingOp) => KeptOut | null;
  /** Writes the sums of what was held and posted; call it last before the commit. */
  readonly writeSums: () => void;
  /** Forgets sums not written: the transaction was rolled back. */
  readonly forgetSums: () => void;
  /** The highest commit number in the ledger; 0 when it is empty. */
  readonly lastCommitNumber: () => number;
}

/** An attempt as its posting needs it. */
type Held = {
  readonly seq: number;
  readonly number: number;
  readonly tenant_id: string;
  readonly project_id: string | null;
  readonly token_id: string;
  readonly provider_id: string;
  readonly model: string;
  readonly held_at_ms: number;
};

export function createLedgerWriter(sqlite: Database, file: string): LedgerWriter {
  const insertAttempt = prepareInsert(sqlite, attempts);
  const insertOpen = prepareInsert(sqlite, openAttempts);
  const insertPosting = prepareInsert(sqlite, postings);
  const findHeld = sqlite.prepare<Held, [string]>(
    `select seq, number, tenant_id, project_id, token_id, provider_id, model, held_at_ms
     from attempts where id = ?`,
  );
  const deleteOpen = sqlite.prepare<unknown, [number]>(
    "delete from open_attempts where attempt_seq = ?",
  );
  // Attempts are never deleted, so the highest row is the youngest.
  const findLast = sqlite.prepare<{ commit_number: number }, []>(
    "select commit_number from attempts order by seq desc limit 1",
  );
  const sums = createSums(sqlite);

  return {
    hold: (record, commitNumber) => {
      const { scopes } = record;
      try {
        const { lastInsertRowid } = insertAttempt({
          id: record.attemptId,
          requestId: record.requestId,
          number: record.attemptNumber,
          tenantId: scopes.tenantId,
          projectId: scopes.projectId,
          tokenId: scopes.tokenId,
          providerId: record.providerId,
          model: record.model,
          price: record.price,
          heldNanoUsd: record.heldNanoUsd,
          heldAtMs: record.heldAtMs,
          commitNumber,
        });
        insertOpen({ attemptSeq: Number(lastInsertRowid), tenantId: scopes.tenantId });
      } catch (error) {
        return reasonOrThrow(error, file);
      }
      if (record.attemptNumber === 1) sums.countRequest(scopes.tokenId, record.heldAtMs);
      return null;
    },
    post: (posting) => {
      const id = posting.attemptId;
      const held = findHeld.get(id);
      if (held === null) {
        if (posting.ifHeld === true) return null;
        return { what: "posting_unknown", id, detail: "no such attempt was ever held" };
      }
      try {
        insertPosting(posting);
      } catch (error) {
        const detail = reasonOrThrow(error, file);
        const isRepeated = sqliteError(error)?.code === "SQLITE_CONSTRAINT_UNIQUE";
        return { what: isRepeated ? "posting_repeated" : "posting_invalid", id, detail };
      }
      deleteOpen.run(held.seq);
      sums.addPosting(summed(held), posting);
      return null;
    },
    writeSums: sums.write,
    forgetSums: sums.clear,
    lastCommitNumber: () => findLast.get()?.commit_number ?? 0,
  };
}

function summed(held: Held): Parameters<ReturnType<typeof createSums>["addPosting"]>[0] {
  return {
    scopes: { tenantId: held.tenant_id, projectId: held.project_id, tokenId: held.token_id },
    number: held.number,
    providerId: held.provider_id,
    model: held.model,
    heldAtMs: held.held_at_ms,
  };
}

/** The reason why one row cannot be written; throws when the row is not to blame. */
function reasonOrThrow(error: unknown, file: string): string {
  if (diskFailure(error, file) !== null) throw error;
  return error instanceof Error ? error.message : String(error);
}

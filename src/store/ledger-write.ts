/**
 * Writes holds and postings, inside a transaction that the caller began. One bad row refuses or
 * keeps out itself only; a failure of the disk is thrown, and then the whole transaction ends.
 *
 * Invariants: an attempt is in `open_attempts` from its hold to its one terminal posting; both tables
 * are chained without a gap.
 */
import type { Database } from "bun:sqlite";
import { attempts, openAttempts, postings } from "../../drizzle/schema.ts";
import { attemptLink, type ChainedAttempt, ChainWriter, postingLink } from "./chain.ts";
import type { HoldRecord } from "./contract.ts";
import { diskFailure, sqliteError } from "./failure.ts";
import { assert } from "../base/assert.ts";
import { RunningTotals, type Heads, type Position } from "./position.ts";
import { PriceVersions } from "./price-versions.ts";
import type { KeptOut, PostingOp } from "./protocol.ts";
import { prepareInsert } from "./statements.ts";
import { createSums, type SummedAttempt } from "./sums.ts";

export interface LedgerWriter {
  /** null when it is written, else why this hold cannot be. */
  readonly hold: (record: HoldRecord, commitNumber: number) => string | null;
  /** null when it is written or needs not be, else what is wrong with it. */
  readonly post: (posting: PostingOp) => KeptOut | null;
  /** Writes the sums of what was held and posted; call it last before the commit. */
  readonly writeSums: () => void;
  /** Forgets sums not written and everything remembered: the transaction was rolled back. */
  readonly forget: () => void;
  /** How far the ledger has come with everything that was written. */
  readonly position: () => Position;
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
  readonly end_user_id: string | null;
  readonly route_id: string | null;
  readonly provider_id: string;
  readonly model: string;
  readonly held_at_ms: number;
  readonly held_nano_usd: number;
};

export function createLedgerWriter(sqlite: Database, file: string): LedgerWriter {
  const findHeld = sqlite.prepare<Held, [string]>(
    `select seq, number, tenant_id, project_id, token_id, end_user_id, route_id, provider_id, model,
     held_at_ms, held_nano_usd from attempts where id = ?`,
  );
  const deleteOpen = sqlite.prepare<unknown, [number]>(
    "delete from open_attempts where attempt_seq = ?",
  );
  // Attempts are never deleted, so the highest row is the youngest.
  const findLast = sqlite.prepare<{ commit_number: number }, []>(
    "select commit_number from attempts order by seq desc limit 1",
  );
  const entries = createEntryWriter(sqlite);
  const sums = createSums(sqlite);
  const totals = new RunningTotals(sqlite);
  return {
    hold: (record, commitNumber) => {
      totals.load();
      try {
        entries.writeAttempt(record, commitNumber);
      } catch (error) {
        return reasonOrThrow(error, file);
      }
      totals.add(0, record.heldNanoUsd, record.heldAtMs);
      if (record.attemptNumber === 1) sums.countRequest(record.scopes.tokenId, record.heldAtMs);
      return null;
    },
    post: (posting) => {
      const id = posting.attemptId;
      const held = findHeld.get(id);
      if (held === null) {
        if (posting.ifHeld === true) return null;
        return { what: "posting_unknown", id, detail: "no such attempt was ever held" };
      }
      totals.load();
      try {
        entries.writePosting(posting);
      } catch (error) {
        const detail = reasonOrThrow(error, file);
        const isRepeated = sqliteError(error)?.code === "SQLITE_CONSTRAINT_UNIQUE";
        return { what: isRepeated ? "posting_repeated" : "posting_invalid", id, detail };
      }
      deleteOpen.run(held.seq);
      totals.add(posting.amountNanoUsd, -held.held_nano_usd, posting.postedAtMs);
      sums.addPosting(summed(held), posting);
      return null;
    },
    writeSums: sums.write,
    forget: () => {
      sums.clear();
      entries.forget();
      totals.forget();
    },
    position: () => ({ ...entries.heads(), ...totals.current }),
    lastCommitNumber: () => findLast.get()?.commit_number ?? 0,
  };
}

/** Writes rows of the ledger, each linked to the one before it. */
function createEntryWriter(sqlite: Database): {
  readonly writeAttempt: (record: HoldRecord, commitNumber: number) => void;
  readonly writePosting: (posting: PostingOp) => void;
  readonly heads: () => Heads;
  readonly forget: () => void;
} {
  const insertAttempt = prepareInsert(sqlite, attempts);
  const insertOpen = prepareInsert(sqlite, openAttempts);
  const insertPosting = prepareInsert(sqlite, postings);
  const prices = new PriceVersions(sqlite);
  const attemptChain = new ChainWriter(sqlite, "attempts");
  const postingChain = new ChainWriter(sqlite, "postings");
  return {
    writeAttempt: (record, commitNumber) => {
      assert(Number.isSafeInteger(record.heldNanoUsd), "an amount is a whole number");
      const { head } = attemptChain;
      const row = attemptRow(record, head.seq + 1, commitNumber);
      const chain = attemptLink(head.link, { ...row, price: record.price });
      const priceVersion = prices.numberOf(record.price);
      insertAttempt({ ...row, priceVersion, chain: Buffer.from(chain) });
      attemptChain.advance(chain);
      insertOpen({ attemptSeq: row.seq, tenantId: row.tenantId, endUserId: row.endUserId });
    },
    writePosting: (posting) => {
      assert(Number.isSafeInteger(posting.amountNanoUsd), "an amount is a whole number");
      const { head } = postingChain;
      const row = { ...posting, seq: head.seq + 1, corrects: null };
      const estimated = row.estimated ? 1 : 0;
      const details = row.details === null ? null : JSON.stringify(row.details);
      const chain = postingLink(head.link, { ...row, estimated, details });
      insertPosting({ ...row, chain: Buffer.from(chain) });
      postingChain.advance(chain);
    },
    heads: () => ({ attempts: attemptChain.head, postings: postingChain.head }),
    forget: () => {
      prices.forget();
      attemptChain.forget();
      postingChain.forget();
    },
  };
}

function attemptRow(
  { attemptId, requestId, attemptNumber, scopes, model, heldNanoUsd, heldAtMs }: HoldRecord,
  seq: number,
  commitNumber: number,
): Omit<ChainedAttempt, "price"> {
  return {
    seq,
    id: attemptId,
    requestId,
    number: attemptNumber,
    tenantId: scopes.tenantId,
    projectId: scopes.projectId,
    tokenId: scopes.tokenId,
    endUserId: scopes.endUserId,
    routeId: scopes.routeId,
    providerId: scopes.providerId,
    model,
    heldNanoUsd,
    heldAtMs,
    commitNumber,
  };
}

function summed(held: Held): SummedAttempt {
  return {
    scopes: {
      tenantId: held.tenant_id,
      projectId: held.project_id,
      tokenId: held.token_id,
      endUserId: held.end_user_id,
      routeId: held.route_id,
      providerId: held.provider_id,
    },
    number: held.number,
    model: held.model,
    heldAtMs: held.held_at_ms,
  };
}

/** The reason why one row cannot be written; throws when the row is not to blame. */
function reasonOrThrow(error: unknown, file: string): string {
  if (diskFailure(error, file) !== null) throw error;
  return error instanceof Error ? error.message : String(error);
}

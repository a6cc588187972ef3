/**
 * The chains of the ledger: every attempt and every posting carries the SHA-256 of the row before it
 * and itself, so that a row cannot be changed, put in, moved or taken out without every later link
 * being wrong. Only the end can be cut off unseen; whoever keeps an earlier last link sees that too.
 *
 * The text that is hashed is the JSON list of a version and the row's columns in the order below, as
 * they are stored: 0 and 1 for a boolean, JSON as its text, strings as UTF-8 can hold them. It may
 * never change for rows that exist: another order is another version.
 */
import type { Database } from "bun:sqlite";
import type { attempts, postings } from "../../drizzle/schema.ts";

type Chained<Row> = Omit<Row, "chain">;
/** The price's JSON is hashed, not the number that the ledger abbreviates it by. */
export type ChainedAttempt = Omit<Chained<typeof attempts.$inferSelect>, "priceVersion"> & {
  readonly price: string;
};
export type ChainedPosting = Omit<
  Chained<typeof postings.$inferSelect>,
  "estimated" | "details"
> & {
  readonly estimated: number;
  readonly details: string | null;
};

const VERSION = 1;

/** The link before the first row. */
export const FIRST_LINK: Uint8Array = new Uint8Array(32);

export type Head = { readonly seq: number; readonly link: Uint8Array };

export function attemptLink(before: Uint8Array, row: ChainedAttempt): Uint8Array {
  return linkOf(before, [
    VERSION,
    row.seq,
    row.id,
    row.requestId,
    row.number,
    row.tenantId,
    row.projectId,
    row.tokenId,
    row.endUserId,
    row.routeId,
    row.providerId,
    row.model,
    row.price,
    row.heldNanoUsd,
    row.heldAtMs,
    row.commitNumber,
  ]);
}

export function postingLink(before: Uint8Array, row: ChainedPosting): Uint8Array {
  return linkOf(before, [
    VERSION,
    row.seq,
    row.attemptId,
    row.kind,
    row.amountNanoUsd,
    row.estimated,
    row.inputTokens,
    row.outputTokens,
    row.cachedInputTokens,
    row.reasoningTokens,
    row.details,
    row.status,
    row.outcome,
    row.latencyMs,
    row.postedAtMs,
    row.corrects,
  ]);
}

function linkOf(before: Uint8Array, values: readonly unknown[]): Uint8Array {
  const text = JSON.stringify(values.map(asStored));
  return new Bun.CryptoHasher("sha256").update(before).update(text).digest();
}

function asStored(value: unknown): unknown {
  // A name that a client made up may hold half a character, which no file can.
  if (typeof value === "string") return value.toWellFormed();
  // Nobody writes an infinity, but whoever tampers can, and JSON would make null of it.
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** The last row and link of a table; the first link where it is empty. */
export function headOf(sqlite: Database, table: "attempts" | "postings"): Head {
  const last = sqlite
    .query<{ seq: number; chain: Uint8Array }, []>(
      `select seq, chain from ${table} order by seq desc limit 1`,
    )
    .get();
  return last === null ? { seq: 0, link: FIRST_LINK } : { seq: last.seq, link: last.chain };
}

/** A chain that is being written: its head is remembered, and forgotten when a commit fails. */
export class ChainWriter {
  readonly #sqlite: Database;
  readonly #table: "attempts" | "postings";
  #head: Head | null = null;

  constructor(sqlite: Database, table: "attempts" | "postings") {
    this.#sqlite = sqlite;
    this.#table = table;
  }

  get head(): Head {
    this.#head ??= headOf(this.#sqlite, this.#table);
    return this.#head;
  }

  /** The row with this link was written. */
  advance(link: Uint8Array): void {
    this.#head = { seq: this.head.seq + 1, link };
  }

  forget(): void {
    this.#head = null;
  }
}

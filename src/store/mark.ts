/**
 * The mark beside the database: how far the ledger had come when it last committed. A database that
 * was restored from an older copy is behind its mark, or has another history: what was spent since is
 * missing, so hard budgets must not admit by it.
 *
 * Invariant: the mark is written after a commit became durable and never before, so that a crash or a
 * power cut leaves it behind the database and never ahead. It is not synced: behind is harmless, and
 * one that was written in part does not match its checksum and counts as none.
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import type { Position } from "./position.ts";

/** Longer than any mark, so that an older one is overwritten whole; within one sector of a disk. */
const MARK_BYTES = 512;

export class Mark {
  readonly #file: string;
  #descriptor: number | null = null;

  /** Of a database's file. */
  constructor(databaseFile: string) {
    this.#file = `${databaseFile}.mark`;
  }

  /** What it says now; null where there is none, or none that can be read. */
  read(): Position | null {
    let text: string;
    try {
      text = readFileSync(this.#file, "utf8");
    } catch {
      // A first start has no mark.
      return null;
    }
    return parsed(text);
  }

  /** After a commit. Throws nothing: without a mark only the restore of an old copy goes unnoticed. */
  write(position: Position): void {
    try {
      this.#descriptor ??= openSync(this.#file, constants.O_RDWR | constants.O_CREAT, 0o600);
      writeSync(this.#descriptor, written(position), 0);
    } catch {
      // A full or failing disk; the commit has told of it, or the next one will.
      this.close();
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

type Written = {
  readonly [T in "attempts" | "postings"]: { readonly seq: number; readonly link: string };
} & { readonly posted: string; readonly open: string; readonly lastAtMs: number };

function written({ attempts, postings, ...totals }: Position): string {
  const mark: Written = {
    attempts: { seq: attempts.seq, link: Buffer.from(attempts.link).toString("hex") },
    postings: { seq: postings.seq, link: Buffer.from(postings.link).toString("hex") },
    posted: String(totals.postedNanoUsd),
    open: String(totals.openNanoUsd),
    lastAtMs: totals.lastAtMs,
  };
  const text = JSON.stringify(mark);
  return `${text}\n${checksum(text)}\n`.padEnd(MARK_BYTES);
}

function parsed(file: string): Position | null {
  const [text, sum] = file.split("\n");
  if (text === undefined || sum !== checksum(text)) return null;
  // The checksum says that it is ours.
  const { attempts, postings, posted, open, lastAtMs } = JSON.parse(text) as Written;
  return {
    attempts: { seq: attempts.seq, link: Buffer.from(attempts.link, "hex") },
    postings: { seq: postings.seq, link: Buffer.from(postings.link, "hex") },
    postedNanoUsd: BigInt(posted),
    openNanoUsd: BigInt(open),
    lastAtMs,
  };
}

function checksum(text: string): string {
  return Bun.hash.crc32(text).toString(16);
}

/**
 * What waits for the writer thread, and how batches are cut from it. Holds, postings and calls about
 * the ledger leave strictly in the order they were made. Any other call leaves when what it has to
 * see has left; what is younger passes by it, and one at most leaves with each batch, so that holds
 * wait for few of them however many there are.
 *
 * Invariants: while batches succeed, a call sees all holds and postings that were taken before it,
 * and one about the ledger none that were taken after it. Postings leave the queue only into a
 * batch, and come back when the batch failed.
 */
import { LIMITS } from "../base/limits.ts";
import type { HoldRecord, RequestRecord, WaitingHolds } from "./contract.ts";
import type { BatchMessage, CallMessage, CallName, PostingOp } from "./protocol.ts";

export type HoldEntry = {
  readonly kind: "hold";
  readonly record: HoldRecord;
  /** Monotonic. */
  readonly sinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};
export type PostEntry = { readonly kind: "post"; readonly record: PostingOp };
export type CallEntry = {
  readonly kind: "call";
  readonly message: CallMessage;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
};
type LedgerEntry = HoldEntry | PostEntry | CallEntry;

/** Calls whose answer has to be exact as of their place among the holds and postings. */
const LEDGER_CALLS: ReadonlySet<CallName> = new Set(["ownerState", "windowSums"]);
/** Calls that have to see the request rows that were recorded before them. */
const ROW_CALLS: ReadonlySet<CallName> = new Set(["requestPage", "requestDetail", "endJob"]);

export function isAboutLedger(name: CallName): boolean {
  return LEDGER_CALLS.has(name);
}

/** A batch under way and who waits for it. */
export type Batch = {
  readonly holds: readonly HoldEntry[];
  readonly posts: readonly PostEntry[];
  readonly rows: readonly RequestRecord[];
  readonly calls: readonly CallEntry[];
};

/** A point in the order in which ledger entries and request rows were taken. */
export type Mark = { readonly ledger: number; readonly rows: number };

export class WriteQueue {
  #ledger: LedgerEntry[] = [];
  /** Calls that are not about the ledger, with what has to have left before each. */
  #calls: { readonly entry: CallEntry; readonly mark: Mark }[] = [];
  #rows: RequestRecord[] = [];
  /** Ledger entries and rows that have left for good or in a batch, less those that came back. */
  #ledgerLeft = 0;
  #rowsLeft = 0;
  #ledgerCount = 0;
  #urgentCount = 0;
  #holdCount = 0;
  #droppedRows = 0;

  add(entry: LedgerEntry): void {
    this.#count(entry, 1);
    if (entry.kind !== "call" || isAboutLedger(entry.message.name)) this.#ledger.push(entry);
    else {
      const { ledger, rows } = this.taken;
      const mark = { ledger, rows: ROW_CALLS.has(entry.message.name) ? rows : 0 };
      this.#calls.push({ entry, mark });
    }
  }

  /** Keeps the row, or drops and counts it when too many wait. */
  addRow(row: RequestRecord): void {
    if (this.#rows.length < LIMITS.requestRowQueueMax) this.#rows.push(row);
    else this.#droppedRows += 1;
  }

  /** Puts back what a failed batch had in it, in front of everything younger. */
  putBack(posts: readonly PostEntry[], rows: readonly RequestRecord[]): void {
    this.#ledger = [...posts, ...this.#ledger];
    this.#ledgerCount += posts.length;
    this.#ledgerLeft -= posts.length;
    const room = LIMITS.requestRowQueueMax - rows.length;
    const dropped = Math.max(0, this.#rows.length - room);
    this.#droppedRows += dropped;
    this.#rowsLeft += dropped - rows.length;
    this.#rows = [...rows, ...this.#rows.slice(0, room)];
  }

  /**
   * The next batch: holds and postings up to the first calls about the ledger and those, as many rows
   * as may ride along, and one other call that may go then.
   */
  take(): Batch {
    const rows = this.#rows.splice(0, LIMITS.requestRowBatchMax);
    this.#rowsLeft += rows.length;
    let end = 0;
    while (end < LIMITS.writerBatchMax && this.#isToWrite(end)) end += 1;
    while (end < LIMITS.writerBatchMax && this.#ledger[end]?.kind === "call") end += 1;
    const taken = this.#ledger.splice(0, end);
    for (const entry of taken) this.#count(entry, -1);
    return {
      holds: taken.filter((entry) => entry.kind === "hold"),
      posts: taken.filter((entry) => entry.kind === "post"),
      rows,
      calls: [...taken.filter((entry) => entry.kind === "call"), ...this.#takeReadyCall()],
    };
  }

  /** A batch of one call, whatever it waits for: for the time that nothing can be written. */
  takeCall(): Batch {
    const calls = this.#calls.splice(0, 1).map(({ entry }) => entry);
    for (const entry of calls) this.#count(entry, -1);
    return { holds: [], posts: [], rows: [], calls };
  }

  takeCalls(): CallEntry[] {
    const calls = this.#calls.splice(0).map(({ entry }) => entry);
    for (const entry of calls) this.#count(entry, -1);
    return [...this.takeLedgerCalls(), ...calls];
  }

  takeHolds(): HoldEntry[] {
    return this.#remove((entry) => entry.kind === "hold").filter((entry) => entry.kind === "hold");
  }

  takeLedgerCalls(): CallEntry[] {
    return this.#remove((entry) => entry.kind === "call").filter((entry) => entry.kind === "call");
  }

  /** Holds and postings. */
  get ledgerCount(): number {
    return this.#ledgerCount;
  }

  /** Those in the queue and in the batch that is under way, if any. */
  waitingHolds(underWay: Batch | null, nowMs: number): WaitingHolds {
    const leaving = underWay?.holds ?? [];
    const count = this.#holdCount + leaving.length;
    if (count === 0) return { count, oldestMs: 0 };
    const oldest = leaving[0] ?? this.#ledger.find((entry) => entry.kind === "hold");
    return { count, oldestMs: nowMs - (oldest?.sinceMs ?? nowMs) };
  }

  /** True when somebody waits for an answer, or a batch is full. */
  get isUrgent(): boolean {
    return (
      this.#urgentCount > 0 ||
      this.#ledgerCount >= LIMITS.writerBatchMax ||
      this.#rows.length >= LIMITS.requestRowBatchMax
    );
  }

  /** How many ledger entries and rows were taken so far. */
  get taken(): Mark {
    const { ledger, rows } = this.left;
    return { ledger: ledger + this.#ledgerCount, rows: rows + this.#rows.length };
  }

  /** How many of them are no longer here. */
  get left(): Mark {
    return { ledger: this.#ledgerLeft, rows: this.#rowsLeft };
  }

  get isEmpty(): boolean {
    return this.#ledger.length + this.#calls.length + this.#rows.length === 0;
  }

  get droppedRows(): number {
    return this.#droppedRows;
  }

  #isToWrite(place: number): boolean {
    const entry = this.#ledger[place];
    return entry !== undefined && entry.kind !== "call";
  }

  /** The oldest call that sees all it has to see once the batch being cut is written. */
  #takeReadyCall(): CallEntry[] {
    const { ledger, rows } = this.left;
    const place = this.#calls.findIndex(({ mark }) => mark.ledger <= ledger && mark.rows <= rows);
    const taken = place === -1 ? [] : this.#calls.splice(place, 1).map(({ entry }) => entry);
    for (const entry of taken) this.#count(entry, -1);
    return taken;
  }

  #count(entry: LedgerEntry, by: 1 | -1): void {
    if (entry.kind !== "call") {
      this.#ledgerCount += by;
      if (by < 0) this.#ledgerLeft += 1;
    }
    if (entry.kind !== "post") this.#urgentCount += by;
    if (entry.kind === "hold") this.#holdCount += by;
  }

  #remove(isWanted: (entry: LedgerEntry) => boolean): LedgerEntry[] {
    const removed = this.#ledger.filter(isWanted);
    this.#ledger = this.#ledger.filter((entry) => !isWanted(entry));
    for (const entry of removed) this.#count(entry, -1);
    return removed;
  }
}

/** True when there is nothing in it that has to be written. */
export function isReadOnly(batch: Batch): boolean {
  return batch.holds.length === 0 && batch.posts.length === 0 && batch.rows.length === 0;
}

/** The text that goes to the thread. */
export function batchText(batch: Batch, probe: boolean): string {
  const message: BatchMessage = {
    type: "batch",
    holds: batch.holds.map((entry) => entry.record),
    postings: batch.posts.map((entry) => entry.record),
    rows: batch.rows,
    probe,
    calls: batch.calls.map((entry) => entry.message),
  };
  return JSON.stringify(message);
}

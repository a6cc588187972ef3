/**
 * The event loop's side of the writer thread: one batch under way at a time, so that whatever
 * comes meanwhile shares the next commit. Holds go at once, postings wait a little for a hold to
 * ride with, request rows longer. A hold may find one call running on the thread and one in the
 * batch under way, and waits for no further one but those about the ledger made before it.
 *
 * Invariants: a posting is kept until it is durable. A hold is answered once, and a refused one
 * never counts. A batch is composed only after everything that the acknowledged holds set off
 * has run, so at recovery only the last commit can hold attempts that were never sent.
 */
import { AssertionError } from "../base/assert.ts";
import { sleep, type Clock } from "../base/clock.ts";
import { GatewayError } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { HoldRecord, Recovery, RequestRecord, StoreHealth } from "./contract.ts";
import { FlushTimer } from "./flush-timer.ts";
import type { Link, LinkEvents, Reply } from "./link.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { CallName, PostingOp } from "./protocol.ts";
import { batchText, isAboutLedger, isReadOnly, WriteQueue, type Batch } from "./queue.ts";
import { logKeptOut, type StoreLog } from "./store-log.ts";
import { Trouble } from "./trouble.ts";
import { voidOf } from "./void-hold.ts";
import { Waiters } from "./waiters.ts";

/** A posting waits this long for a hold, which saves a commit of its own at little load. */
const POSTING_WAIT_MS = 5;
/** A batch under way for longer than this means that the disk does not answer. */
const STUCK_MS = 5_000;

/** Of the time that a forced end may take, what the thread gets to close the file. */
const STOP_MS = 1_000;

type UnderWay = {
  readonly batch: Batch;
  readonly sinceMs: number;
  /** True when its success proves that the disk can be written. */
  readonly isProof: boolean;
};

export class Writer {
  readonly #clock: Clock;
  readonly #log: StoreLog;
  readonly #file: string;
  readonly #link: Link;
  readonly #timer: FlushTimer;
  readonly #trouble: Trouble;
  readonly #queue = new WriteQueue();
  readonly #calls = new PendingCalls();
  readonly #waiters = new Waiters();
  #underWay: UnderWay | null = null;
  #lastCallId = 0;
  /** True once nothing new is taken, and once nothing is written any more. */
  #isClosing = false;
  #isClosed = false;

  constructor(deps: {
    readonly clock: Clock;
    readonly log: StoreLog;
    readonly file: string;
    readonly connect: (events: LinkEvents) => Link;
  }) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#file = deps.file;
    this.#timer = new FlushTimer(deps.clock, () => this.#send());
    this.#trouble = new Trouble(deps.clock, () => this.#retry());
    this.#link = deps.connect({
      reply: (reply) => this.#take(reply),
      died: (reason) => this.#loseThread(reason),
    });
  }

  /** Starts the thread; `recover` only when no attempt of this process can be open. */
  open(recover: boolean): Promise<Recovery> {
    const nowMs = this.#clock.nowMs();
    return this.#link.open({ type: "open", file: this.#file, recover, nowMs });
  }

  /** Resolves after the commit; rejects when it is certain that the hold does not count. */
  hold(record: HoldRecord): Promise<void> {
    const isFull = this.#queue.ledgerCount >= LIMITS.ledgerQueueMax;
    if (isFull || this.#isClosing || this.#trouble.detail !== null) {
      return Promise.reject(this.#refusal());
    }
    return new Promise((resolve, reject) => {
      const sinceMs = this.#clock.monotonicMs();
      this.#queue.add({ kind: "hold", record, sinceMs, resolve, reject });
      this.#timer.soon();
    });
  }

  post(record: PostingOp): void {
    this.#queue.add({ kind: "post", record });
    this.#sendWithin(POSTING_WAIT_MS);
  }

  record(row: RequestRecord): void {
    this.#queue.addRow(row);
    this.#sendWithin(LIMITS.requestRowFlushMs);
  }

  /** Runs on the thread and sees all holds and postings made before it; see WriteQueue. */
  call(name: CallName, ...args: readonly unknown[]): Promise<unknown> {
    const isInTrouble = isAboutLedger(name) && this.#trouble.detail !== null;
    if (isInTrouble || this.#isClosing || !this.#link.isOpen) {
      return Promise.reject(this.#refusal());
    }
    this.#lastCallId += 1;
    const message = { id: this.#lastCallId, name, args };
    return new Promise((resolve, reject) => {
      this.#queue.add({ kind: "call", message, resolve, reject });
      this.#timer.soon();
    });
  }

  /** Holds and postings that are not durable yet. */
  get queued(): number {
    const batch = this.#underWay?.batch;
    return this.#queue.ledgerCount + (batch?.holds.length ?? 0) + (batch?.posts.length ?? 0);
  }

  get waitingHolds(): ReturnType<WriteQueue["waitingHolds"]> {
    return this.#queue.waitingHolds(this.#underWay?.batch ?? null, this.#clock.monotonicMs());
  }

  get droppedRows(): number {
    return this.#queue.droppedRows;
  }

  health(): StoreHealth {
    if (this.#trouble.detail !== null) return { ok: false, detail: this.#trouble.detail };
    const sinceMs = this.#underWay?.sinceMs ?? Infinity;
    const forMs = this.#clock.monotonicMs() - sinceMs;
    if (forMs < STUCK_MS) return { ok: true };
    const what = `a write has been under way for ${Math.floor(forMs / 1_000)} s; the disk does not answer`;
    return { ok: false, detail: `${this.#file}: ${what}` };
  }

  flush(): Promise<void> {
    const done = this.#waiters.add(this.#queue.taken);
    this.#timer.soon();
    this.#wakeWaiters();
    return done;
  }

  /** Rejects with GatewayError `ledger_unavailable` when something could not be written in time. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#atMost(LIMITS.drainForcedMs - STOP_MS, this.flush());
    const unwritten = this.queued;
    this.#isClosed = true;
    this.#timer.cancel();
    this.#trouble.end();
    this.#rejectAllCalls();
    for (const hold of this.#queue.takeHolds()) hold.reject(this.#refusal());
    await this.#atMost(STOP_MS, this.#link.close());
    if (unwritten === 0) return;
    const message = `${unwritten} ledger entries could not be written to ${this.#file}; the next start posts their attempts at what was held`;
    this.#log("error", "store.unwritten", { count: unwritten });
    throw new GatewayError("ledger_unavailable", { message });
  }

  /** Waits for `work`, but not longer than this. */
  async #atMost(waitMs: number, work: Promise<void>): Promise<void> {
    const settled = new AbortController();
    await Promise.race([work, sleep(this.#clock, waitMs, settled.signal)]);
    settled.abort();
  }

  #sendWithin(delayMs: number): void {
    if (this.#queue.isUrgent) this.#timer.soon();
    else this.#timer.within(delayMs);
  }

  /** Composes the next batch, unless one is under way; its answer leads back here. */
  #send(): void {
    if (this.#underWay !== null || !this.#link.isOpen) return;
    const mayWrite = this.#trouble.isPauseOver;
    const batch = mayWrite ? this.#queue.take() : this.#queue.takeCall();
    const isProbe = mayWrite && this.#trouble.detail !== null && isReadOnly(batch);
    if (!isProbe && isReadOnly(batch) && batch.calls.length === 0) return;
    const isProof = isProbe || !isReadOnly(batch);
    this.#underWay = { batch, sinceMs: this.#clock.monotonicMs(), isProof };
    this.#calls.add(batch.calls);
    this.#link.send(batchText(batch, isProbe));
  }

  #take(reply: Reply): void {
    switch (reply.type) {
      case "committed":
        this.#settle(reply);
        break;
      case "failed":
        this.#beginTrouble(reply.detail);
        this.#takeBack(reply.uncertain);
        break;
      case "answer":
      case "unanswered":
        this.#calls.answer(reply);
        return;
    }
    this.#wakeWaiters();
    this.#goOn();
  }

  #settle(reply: Extract<Reply, { type: "committed" }>): void {
    const { batch, isProof } = this.#underWay ?? {};
    this.#underWay = null;
    const refused = new Map(reply.refusedHolds);
    for (const [place, hold] of (batch?.holds ?? []).entries()) {
      const detail = refused.get(place);
      if (detail === undefined) hold.resolve();
      else hold.reject(new AssertionError(`hold ${hold.record.attemptId} refused: ${detail}`));
    }
    logKeptOut(this.#log, reply.keptOut ?? []);
    if (reply.shortOfSpace !== undefined) {
      this.#beginTrouble(reply.shortOfSpace);
      // What little room there is goes to postings, without a pause between their batches.
      if (this.#queue.ledgerCount > 0) this.#trouble.cutPause();
    } else if (isProof === true) this.#endTrouble();
  }

  /** After a failed batch: what must not be lost waits again, what must not count is refused. */
  #takeBack(isUncertain: boolean): void {
    const { batch } = this.#underWay ?? {};
    this.#underWay = null;
    if (batch === undefined) return;
    this.#queue.putBack(batch.posts, batch.rows);
    for (const hold of batch.holds) {
      hold.reject(this.#refusal());
      if (isUncertain) this.post(voidOf(hold.record, this.#clock.nowMs()));
    }
    const wrong = batch.calls.filter((call) => isAboutLedger(call.message.name));
    this.#calls.reject(wrong, this.#refusal());
  }

  /** No hold is taken, and nobody is left waiting for one, until a try succeeds. */
  #beginTrouble(detail: string): void {
    if (this.#isClosed) return;
    if (detail !== this.#trouble.detail) this.#log("error", "store.trouble", { detail });
    this.#trouble.begin(detail);
    for (const hold of this.#queue.takeHolds()) hold.reject(this.#refusal());
    for (const call of this.#queue.takeLedgerCalls()) call.reject(this.#refusal());
  }

  #endTrouble(): void {
    if (this.#trouble.detail === null) return;
    this.#trouble.end();
    this.#log("info", "store.trouble_over", {});
  }

  /** A pause is over: try to write, on a new thread when the old one is gone. */
  #retry(): void {
    if (this.#link.isOpen) this.#timer.soon();
    else {
      this.open(false).then(
        () => this.#timer.soon(),
        (error: unknown) => this.#beginTrouble(String(error)),
      );
    }
  }

  #loseThread(reason: string): void {
    const detail = `${this.#file}: the writer thread stopped (${reason}) and is started again`;
    this.#beginTrouble(detail);
    // Nobody knows whether the batch was committed: its postings repeat, its holds are voided.
    this.#takeBack(true);
    this.#rejectAllCalls();
    this.#wakeWaiters();
  }

  /** After an answer: at once when somebody waits, later when there is time. */
  #goOn(): void {
    const isTrying = this.#trouble.detail !== null && this.#trouble.isPauseOver;
    if (this.#queue.isUrgent || this.#waiters.count > 0 || isTrying) this.#timer.soon();
    else if (!this.#queue.isEmpty) this.#timer.within(POSTING_WAIT_MS);
  }

  /** Tells those who wait for a flush how far it is. */
  #wakeWaiters(): void {
    const { left } = this.#queue;
    const batch = this.#underWay?.batch;
    this.#waiters.wake({
      ledger: left.ledger - (batch?.holds.length ?? 0) - (batch?.posts.length ?? 0),
      rows: left.rows - (batch?.rows.length ?? 0),
    });
  }

  #rejectAllCalls(): void {
    this.#calls.rejectAll(this.#refusal());
    for (const call of this.#queue.takeCalls()) call.reject(this.#refusal());
  }

  #refusal(): GatewayError {
    const why = this.#isClosing ? "the store is closing" : "too many writes are waiting";
    return this.#trouble.refusal(why);
  }
}

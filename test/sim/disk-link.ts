/**
 * The way from a simulated process to its database: the code of the writer thread, beside the event
 * loop instead of in a thread. Messages take simulated time both ways; faults hit between them: a
 * write that stalls, fails, ends in doubt, or a thread that dies before or after it.
 */
import type { Link, LinkEvents } from "../../src/store/link.ts";
import type { BatchMessage, FromThread, OpenMessage, ToThread } from "../../src/store/protocol.ts";
import { createThreadLoop } from "../../src/store/thread-loop.ts";
import type { Dice } from "./dice.ts";
import type { DiskFault } from "./plan.ts";
import type { Owner, World } from "./world.ts";

export type DiskEvents = {
  /** The next fault that is due, taken out of the plan; null when none is. */
  readonly takeFault: () => DiskFault | null;
  /** False when the process has died within this turn, and what it says is not heard any more. */
  readonly mayAct: () => boolean;
  /** Something may have been committed. */
  readonly wrote: (way: "batch" | "recovery") => void;
  /** How long a message travels one way; drawn for each where it is not named. */
  readonly travelMs?: number;
};

export class DiskLink implements Link {
  readonly #world: World;
  readonly #owner: Owner;
  readonly #travelMs: () => number;
  readonly #disk: DiskEvents;
  readonly #events: LinkEvents;
  #thread: Thread | null = null;

  constructor(world: World, owner: Owner, dice: Dice, disk: DiskEvents, events: LinkEvents) {
    this.#world = world;
    this.#owner = owner;
    this.#travelMs = () => disk.travelMs ?? 0.05 + dice.unit() * 1.5;
    this.#disk = disk;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#thread?.isOpen === true;
  }

  open(message: OpenMessage): Promise<Awaited<ReturnType<Link["open"]>>> {
    const opened = Promise.withResolvers<Awaited<ReturnType<Link["open"]>>>();
    const travelMs = this.#travelMs;
    const thread = new Thread(this.#world, this.#owner, travelMs, (said) => {
      if (said.type === "opened") {
        thread.isOpen = true;
        opened.resolve(said.recovery);
      } else if (said.type === "unopened") opened.reject(new Error(said.detail));
      else if (said.type === "closed") this.#closed?.resolve();
      else if (this.#thread === thread) this.#events.reply(said);
    });
    this.#thread = thread;
    thread.tell(0, () => {
      thread.loop(message);
      this.#disk.wrote("recovery");
    });
    return opened.promise;
  }

  send(text: string): void {
    const thread = this.#thread;
    if (thread === null || !this.#disk.mayAct()) return;
    thread.tell(0, () => this.#batch(thread, JSON.parse(text) as BatchMessage));
  }

  #closed: PromiseWithResolvers<void> | null = null;

  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === null) return;
    thread.isOpen = false;
    const closed = Promise.withResolvers<void>();
    this.#closed = closed;
    thread.tell(0, () => thread.loop({ type: "close" }));
    await closed.promise;
  }

  #batch(thread: Thread, batch: BatchMessage): void {
    const isWriting = batch.holds.length + batch.postings.length + batch.rows.length > 0;
    const fault = isWriting ? this.#disk.takeFault() : null;
    if (fault !== null) this.#world.note(`disk ${fault.kind}`);
    switch (fault?.kind) {
      case undefined:
        this.#write(thread, batch);
        return;
      case "stall":
        thread.tell(fault.durationMs, () => this.#write(thread, batch));
        return;
      case "late_answer":
        thread.answerDelayMs = fault.durationMs;
        this.#write(thread, batch);
        thread.answerDelayMs = 0;
        return;
      case "fail":
      case "doubt_lost":
        this.#fail(thread, batch, fault.kind === "doubt_lost");
        return;
      case "doubt_kept":
        thread.silently(() => this.#write(thread, { ...batch, calls: [] }));
        this.#fail(thread, batch, true);
        return;
      case "die_before":
        this.#die(thread);
        return;
      case "die_after":
        thread.silently(() => this.#write(thread, batch));
        this.#die(thread);
        return;
    }
  }

  #write(thread: Thread, batch: BatchMessage): void {
    thread.loop(batch);
    this.#disk.wrote("batch");
  }

  /** As when the disk refuses the commit: the batch is not there, its calls are answered. */
  #fail(thread: Thread, batch: BatchMessage, uncertain: boolean): void {
    thread.say({ type: "failed", detail: "simulated: the disk refused the write", uncertain });
    if (batch.calls.length === 0) return;
    thread.skipOne = true;
    thread.loop({ ...batch, holds: [], postings: [], rows: [], probe: false });
  }

  #die(thread: Thread): void {
    thread.isOpen = false;
    thread.isDead = true;
    this.#world.schedule(1, this.#owner, () => {
      if (this.#thread !== thread) return;
      this.#thread = null;
      this.#events.died("simulated");
    });
  }
}

/** One thread: takes messages in order, answers in order, each on its way for a while. */
class Thread {
  isDead = false;
  isOpen = false;
  answerDelayMs = 0;
  skipOne = false;
  readonly loop: (message: ToThread) => void;
  readonly #world: World;
  readonly #owner: Owner;
  readonly #travelMs: () => number;
  readonly #heard: (said: FromThread) => void;
  #isSilent = false;
  #freeAtMs = 0;
  #saidAtMs = 0;

  constructor(
    world: World,
    owner: Owner,
    travelMs: () => number,
    heard: (said: FromThread) => void,
  ) {
    this.#world = world;
    this.#owner = owner;
    this.#travelMs = travelMs;
    this.#heard = heard;
    this.loop = createThreadLoop(
      (said) => this.say(said),
      (step) => this.tell(0, step),
    );
  }

  /** Runs `work` on the thread, after what it was told before. */
  tell(extraMs: number, work: () => void): void {
    const { nowMs } = this.#world;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs + this.#travelMs()) + extraMs;
    this.#world.schedule(this.#freeAtMs - nowMs, this.#owner, () => {
      if (!this.isDead) work();
    });
  }

  say(said: FromThread): void {
    if (this.#isSilent) return;
    if (this.skipOne) {
      this.skipOne = false;
      return;
    }
    const { nowMs } = this.#world;
    const delayMs = this.#travelMs() + this.answerDelayMs;
    this.#saidAtMs = Math.max(this.#saidAtMs, nowMs + delayMs);
    this.#world.schedule(this.#saidAtMs - nowMs, this.#owner, () => {
      if (!this.isDead) this.#heard(said);
    });
  }

  silently(work: () => void): void {
    this.#isSilent = true;
    work();
    this.#isSilent = false;
  }
}

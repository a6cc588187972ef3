/**
 * The life of the gateway in a run: one process after the other on the same ledger. Processes are
 * started, stopped properly, killed between any two messages, and halted for a while; what comes into
 * the database file is read, with the way it came, and handed to the oracle.
 *
 * Invariant: at most one process lives at a time.
 */
import { join } from "node:path";
import { disassembleGateway } from "../../src/gateway/assemble.ts";
import { LedgerView } from "./ledger-view.ts";
import type { Mutant } from "./mutant.ts";
import type { Oracle } from "./oracle.ts";
import { Violation } from "./oracle-types.ts";
import type { Draw } from "./parts.ts";
import type { Crash, DiskFault, Exit, Plan } from "./plan.ts";
import { Process } from "./process.ts";
import type { Providers } from "./upstream.ts";
import type { World } from "./world.ts";

export type LifeParts = {
  readonly world: World;
  readonly plan: Plan;
  readonly folder: string;
  readonly mutant: Mutant | null;
  readonly oracle: Oracle;
  readonly providers: Providers;
  readonly drew: (uuid: string, draw: Draw) => void;
  readonly failed: (violation: Violation) => void;
  /** Something was committed. */
  readonly committed: () => void;
  /** A process is gone, and everybody who waited for it is alone. */
  readonly died: (epoch: number) => void;
};

/** A turn that was to be the last ends by then. */
const LAST_TURN_MS = 20;

export class Life {
  process: Process | null = null;
  view: LedgerView | null = null;
  /** Epochs that ended without having been stopped properly. */
  readonly crashed: Set<number>;
  /** Starts, stops and faults still to come. */
  pending = 0;
  exits = 0;
  faultsUsed = 0;
  /** From when disk faults count; null when they do not. */
  faultsFromMs: number | null = null;
  readonly #parts: LifeParts;
  readonly #faults: readonly DiskFault[];
  #viewEpoch = 0;
  #lastTurnMs = 0;
  #downMs = 0;
  #isStopping = false;

  constructor(parts: LifeParts, crashed: Set<number>) {
    this.#parts = parts;
    this.crashed = crashed;
    this.#faults = parts.plan.disk.toSorted((one, other) => one.atMs - other.atMs);
  }

  /** True when requests are taken and nothing is about to end that. */
  get isUp(): boolean {
    const { process } = this;
    if (process === null || process.isDead) return false;
    return process.admin !== null && process.effectsLeft === null;
  }

  get isHalted(): boolean {
    return (this.process?.wakesAtMs ?? 0) > this.#parts.world.nowMs;
  }

  start(before: string): void {
    const { world, plan, folder, providers, mutant, drew, failed } = this.#parts;
    const process = new Process({
      world,
      seed: plan.seed,
      epoch: (this.process?.epoch ?? 0) + 1,
      folder,
      providers,
      mutant,
      drew,
      failed,
      disk: { takeFault: () => this.#takeFault(), wrote: (way) => this.#look(way) },
    });
    this.process = process;
    process.start(before).catch((error: unknown) => failed(asViolation(error)));
  }

  startFirst(): void {
    this.start(join(this.#parts.folder, "town.db"));
  }

  /** Kills the process, at once or after so many more messages. */
  crash({ effectsLeft, downMs }: Pick<Crash, "effectsLeft" | "downMs">): void {
    const { process } = this;
    if (process === null || process.isDead || process.effectsLeft !== null) return;
    process.effectsLeft = effectsLeft;
    this.#lastTurnMs = this.#parts.world.nowMs + LAST_TURN_MS;
    this.#downMs = downMs;
    if (effectsLeft === 0) this.#die(true);
  }

  /** Stops it as the first signal does: what runs gets its time, everything is settled and flushed. */
  exit({ withinMs, downMs }: Exit): void {
    const { process } = this;
    const gateway = process?.gateway ?? null;
    if (gateway === null || process === null || !this.isUp || this.#isStopping) return;
    if (this.isHalted) return;
    this.#isStopping = true;
    this.pending += 1;
    this.#parts.world.note(`process ${process.epoch} is stopped`);
    const stop = async (): Promise<void> => {
      await gateway.lifecycle.drain(withinMs);
      await disassembleGateway(gateway);
      await gateway.store.close();
    };
    const end = (isProper: boolean): void => {
      if (isProper) this.exits += 1;
      this.#downMs = downMs;
      this.#die(!isProper);
    };
    stop().then(
      () => end(true),
      // The disk would not take everything: the next start resolves it, as after a crash.
      () => end(false),
    );
  }

  /** Ends a process whose last messages have left. */
  afterEvent(): void {
    const { process } = this;
    if (process === null || process.isDead || process.effectsLeft === null) return;
    const isOver = process.effectsLeft < 0 || this.#parts.world.nowMs > this.#lastTurnMs;
    if (isOver) this.#die(true);
  }

  #die(isCrash: boolean): void {
    const { world, providers, died } = this.#parts;
    const { process } = this;
    if (process === null) return;
    process.isDead = true;
    if (isCrash) this.crashed.add(process.epoch);
    if (this.#isStopping) this.pending -= 1;
    this.#isStopping = false;
    world.note(`process ${process.epoch} ${isCrash ? "dies" : "ends"}`);
    providers.processDied();
    died(process.epoch);
    this.pending += 1;
    world.schedule(this.#downMs, null, () => {
      this.pending -= 1;
      this.start(process.file);
    });
  }

  #takeFault(): DiskFault | null {
    const due = this.#faults[this.faultsUsed];
    if (due === undefined || this.faultsFromMs === null) return null;
    if (this.#parts.world.nowMs < this.faultsFromMs + due.atMs) return null;
    this.faultsUsed += 1;
    return due;
  }

  /** Reads what has come into the file, and how it came there. */
  #look(way: "batch" | "recovery"): void {
    const { world, oracle, failed, committed } = this.#parts;
    const { process } = this;
    if (process === null) return;
    try {
      const { epoch } = process;
      const view = this.#viewOf(process);
      const { attempts, postings } = view.news();
      if (attempts.length + postings.length === 0) return;
      for (const row of [...attempts, ...postings]) world.note(JSON.stringify(row));
      oracle.committed(attempts, postings, { way, epoch });
      committed();
    } catch (error) {
      failed(asViolation(error));
    }
  }

  /** A new process works on a copy of the file; what stands in it is in force. */
  #viewOf({ epoch, file }: Process): LedgerView {
    const { world, oracle } = this.#parts;
    if (this.view !== null && this.#viewEpoch === epoch) return this.view;
    const seen = this.view?.seen ?? { attemptSeq: 0, postingSeq: 0 };
    this.view?.close();
    this.view = new LedgerView(file, seen);
    this.#viewEpoch = epoch;
    if (epoch > 1) {
      world.order += 1;
      oracle.rules.stands(this.view.rules(), world.order);
    }
    return this.view;
  }
}

export function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Violation("no-bug", detail);
}

/**
 * A provider's gate with those who wait at it: the actor says whose turn it is, this keeps their
 * promises and their time. A provider that nothing bounds needs no actor: its attempts are only
 * counted, so that there is something to begin from when it first says that it is too much.
 *
 * Invariant: each wait ends exactly once, with a slot or with a refusal: by a turn of the gate, its
 * time, its exchange's end, or the way out of the process.
 */
import type { GateEvent, GateState, GateTerms, GateTurn } from "../../../actors/gate-contract.ts";
import {
  gateFullMs,
  gatePeak,
  gateState,
  gateTaken,
  isUnbounded,
  startGate,
  type GateHandle,
} from "../../../actors/gate.ts";
import type { Clock } from "../../base/clock.ts";
import type { PriorityClass } from "../../base/priority.ts";
import type { Refusal } from "../../base/verdict.ts";
import type { ProviderRow } from "../../store/contract.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Stoppable } from "../exchange.ts";
import type { Deadline, Watchdog } from "../watchdog.ts";

/** Who asks for a slot. */
export type Seeker = {
  readonly attemptId: string;
  readonly tenantId: string;
  readonly priorityClass: PriorityClass;
  /** Until its exchange must be over. */
  readonly withinMs: number;
  /** Ends its wait. */
  readonly run: Stoppable;
};

export type GateDeps = {
  readonly clock: Clock;
  readonly log: Log;
  readonly watchdog: Watchdog;
};

type Request = Extract<GateEvent, { type: "slot.request" }>;

type Waiting = {
  readonly request: Request;
  readonly deadline: Deadline;
  readonly tell: (refusal: Refusal | null) => void;
};

export class Gate {
  readonly #deps: GateDeps;
  readonly #waiting = new Map<string, Waiting>();
  #row: ProviderRow;
  /** null: nothing bounds the provider. */
  #actor: GateHandle | null = null;
  /** Attempts under way while there is no actor, with the time at which each began. */
  #counted = new Map<string, number>();
  #peak = 0;

  constructor(deps: GateDeps, row: ProviderRow) {
    this.#deps = deps;
    this.#row = row;
    if (row.maxConcurrent !== null) this.#actor = this.#start(this.#counted);
  }

  /** null: the slot is taken, at once or after a wait; else why not. */
  take(seeker: Seeker): Refusal | null | Promise<Refusal | null> {
    const { attemptId, tenantId, priorityClass, withinMs, run } = seeker;
    const atMs = this.#deps.clock.monotonicMs();
    if (this.#actor === null) {
      this.#counted.set(attemptId, atMs);
      this.#peak = Math.max(this.#peak, this.#counted.size);
      return null;
    }
    const deadlineMs = atMs + withinMs;
    const type = "slot.request";
    const request = { type, attemptId, tenantId, priorityClass, deadlineMs, atMs } as const;
    const verdict = this.#actor.ask(request);
    if (!verdict.allowed) return verdict.refusal;
    const { waitsUntilMs } = verdict.value;
    const waits = waitsUntilMs === null ? null : this.#wait(request, waitsUntilMs, run);
    this.#follow(verdict.value);
    return waits;
  }

  /** An attempt is over; one that has no slot gives nothing back. */
  release(attemptId: string): void {
    if (this.#actor === null) this.#counted.delete(attemptId);
    else this.#tell({ type: "slot.release", attemptId, atMs: this.#deps.clock.monotonicMs() });
  }

  /** What an attempt that has its slot says about how much the provider can take. */
  learn(attemptId: string, kind: "clean" | "congested"): void {
    const atMs = this.#deps.clock.monotonicMs();
    if (this.#actor === null) {
      if (kind === "clean") return;
      this.#actor = this.#start(this.#counted);
      this.#counted = new Map();
    }
    this.#tell({ type: "limit.outcome", attemptId, kind, atMs });
    this.#letGo();
  }

  /** How long until an attempt of theirs would be taken in, to a slot or into the queue; 0: now. */
  fullMs(who: Pick<Seeker, "tenantId" | "priorityClass">): number {
    return this.#actor === null ? 0 : gateFullMs(this.#actor, who);
  }

  state(): GateState {
    return this.#actor === null
      ? { inFlight: this.#counted.size, waiting: 0, slots: null }
      : gateState(this.#actor);
  }

  /** Follows an edit. */
  update(row: ProviderRow): void {
    this.#row = row;
    if (this.#actor === null) {
      if (row.maxConcurrent === null) return;
      this.#actor = this.#start(this.#counted);
      this.#counted = new Map();
      return;
    }
    const atMs = this.#deps.clock.monotonicMs();
    this.#tell({ type: "gate.configure", terms: termsOf(row), atMs });
    this.#letGo();
  }

  /** The process is on its way out: whoever waits is told so now. */
  drain(): void {
    if (this.#actor !== null)
      this.#tell({ type: "gate.drain", atMs: this.#deps.clock.monotonicMs() });
  }

  stop(): void {
    this.#actor?.stop();
  }

  #start(taken: ReadonlyMap<string, number>): GateHandle {
    const { id: providerId, name } = this.#row;
    const input = { providerId, ...termsOf(this.#row), taken, peak: this.#peak };
    const actor = startGate(input, (error) => {
      this.#deps.log.error("provider.gate.failed", { provider: name, error });
      if (this.#actor === actor) this.#replace(actor);
    });
    return actor;
  }

  /** What it had learned is gone; slots stay taken, and those who wait ask anew. */
  #replace(before: GateHandle): void {
    const actor = this.#start(gateTaken(before));
    this.#actor = actor;
    for (const [attemptId, { request }] of this.#waiting) {
      const verdict = actor.ask(request);
      if (!verdict.allowed) this.#end(attemptId, verdict.refusal);
      else if (verdict.value.waitsUntilMs === null) this.#end(attemptId, null);
      if (verdict.allowed) this.#follow(verdict.value);
    }
  }

  #tell(event: GateEvent): void {
    const verdict = this.#actor?.ask(event);
    if (verdict?.allowed === true) this.#follow(verdict.value);
  }

  #follow({ granted, dropped }: GateTurn): void {
    for (const attemptId of granted) this.#end(attemptId, null);
    for (const { attemptId, refusal } of dropped) this.#end(attemptId, refusal);
  }

  #wait(request: Request, untilMs: number, run: Stoppable): Promise<Refusal | null> {
    const { attemptId, atMs } = request;
    const told = Promise.withResolvers<Refusal | null>();
    const cancel = (): void => {
      if (!this.#waiting.has(attemptId)) return;
      this.#tell({ type: "slot.cancel", attemptId, atMs: this.#deps.clock.monotonicMs() });
    };
    const deadline = this.#deps.watchdog.deadline(cancel);
    deadline.arm(untilMs - atMs);
    this.#waiting.set(attemptId, { request, deadline, tell: told.resolve });
    void run.stopped.promise.then(cancel);
    return told.promise;
  }

  #end(attemptId: string, refusal: Refusal | null): void {
    const waiting = this.#waiting.get(attemptId);
    if (waiting === undefined) return;
    this.#waiting.delete(attemptId);
    waiting.deadline.disarm();
    waiting.tell(refusal);
  }

  /** Once nothing bounds it any more its attempts are only counted again. */
  #letGo(): void {
    const actor = this.#actor;
    if (actor === null || !isUnbounded(actor)) return;
    this.#counted = new Map(gateTaken(actor));
    this.#peak = gatePeak(actor);
    this.#actor = null;
    actor.stop();
  }
}

function termsOf({ maxConcurrent, terms }: ProviderRow): GateTerms {
  return { maxConcurrent, queue: terms.queue ?? null };
}

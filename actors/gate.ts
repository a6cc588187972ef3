/** A provider's gate as the gateway uses it: one question for every event, and a look at how full it is. */
import { ask } from "./ask.ts";
import type { GateEvent, GateInput, GateState, GateVerdict } from "./gate-contract.ts";
import { hasFreeSlot, slotsOf, turnMs, type GateRecord } from "./gate-record.ts";
import { gateMachine } from "./gate.machine.ts";
import { pushedOutFor, waitingCount, type Waiter } from "./policy/fair-queue.ts";
import { supervise, type OnFailure } from "./supervise.ts";

export interface GateHandle {
  /** Refuses with `internal_error` when the actor is dead or dies of it; `onFailure` was told then. */
  readonly ask: (event: GateEvent) => GateVerdict;
  readonly isAlive: () => boolean;
  readonly stop: () => void;
  /** For the functions of this file; changed by nobody but the actor. */
  readonly record: () => Readonly<GateRecord>;
  readonly isDraining: () => boolean;
}

export function startGate(input: GateInput, onFailure: OnFailure): GateHandle {
  const actor = supervise(gateMachine, input, { onFailure });
  return {
    ask: (event) => ask(actor, event),
    isAlive: () => actor.alive,
    stop: () => actor.stop(),
    record: () => actor.snapshot().context,
    isDraining: () => actor.snapshot().value === "draining",
  };
}

export function gateState(handle: GateHandle): GateState {
  const record = handle.record();
  const { taken, queue } = record;
  return { inFlight: taken.size, waiting: waitingCount(queue), slots: slotsOf(record) };
}

/** Attempts under way, with the time at which each began. */
export function gateTaken(handle: GateHandle): ReadonlyMap<string, number> {
  return handle.record().taken;
}

/** Nothing bounds it, and nobody waits. */
export function isUnbounded(handle: GateHandle): boolean {
  const record = handle.record();
  return slotsOf(record) === null && waitingCount(record.queue) === 0 && !handle.isDraining();
}

export function gatePeak(handle: GateHandle): number {
  return handle.record().limit.peak;
}

/** How long until an attempt of theirs would be taken in: 0 when it gets a slot or a place in the queue. */
export function gateFullMs(
  handle: GateHandle,
  who: Pick<Waiter, "tenantId" | "priorityClass">,
): number {
  const record = handle.record();
  const { queue, terms } = record;
  if (hasFreeSlot(record)) return 0;
  const waiting = waitingCount(queue);
  if (terms.queue !== null && !handle.isDraining()) {
    if (waiting < terms.queue.waitingMax || pushedOutFor(queue, who) !== null) return 0;
  }
  return turnMs(record, waiting + 1);
}

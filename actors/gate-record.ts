/**
 * What a provider's gate remembers and how it changes: slots taken, attempts that wait, the adaptive
 * limit. The machine's context, one mutable structure that only the machine's own actions change.
 *
 * Bounds: slots are as many as attempts in flight; those that wait are never more than the provider's
 * terms allow.
 */
import { assert } from "../src/base/assert.ts";
import { ERRORS } from "../src/base/error.ts";
import { LIMITS } from "../src/base/limits.ts";
import { allow, refuse, type Refusal } from "../src/base/verdict.ts";
import type { Replies } from "./ask.ts";
import type { GateEvent, GateInput, GateTerms, GateTurn, GateVerdict } from "./gate-contract.ts";
import {
  afterClean,
  afterCongestion,
  createAdaptiveLimit,
  type AdaptiveLimit,
} from "./policy/adaptive-limit.ts";
import {
  createFairQueue,
  dequeue,
  enqueue,
  leaveQueue,
  pushedOutFor,
  waitingCount,
  type FairQueue,
  type Waiter,
} from "./policy/fair-queue.ts";

type Of<T extends GateEvent["type"]> = Extract<GateEvent, { type: T }>;

export type GateRecord = Replies<GateTurn> & {
  readonly providerId: string;
  terms: GateTerms;
  /** Attempts that have a slot, with the time at which each got it. */
  readonly taken: Map<string, number>;
  readonly queue: FairQueue;
  readonly limit: AdaptiveLimit;
  /** Decaying average of how long a slot is kept; null before the first was given back. */
  keptMs: number | null;
};

/** Nothing is known yet of how long slots are kept. */
const RETRY_MS_UNKNOWN = 1_000;
/** Weight of the newest in the average of how long slots are kept. */
const KEPT_WEIGHT = 0.1;
const DRAINING_RETRY_MS = 5_000;

const FULL = "The provider has no free slot.";
const PUSHED_OUT = "The provider has no free slot, and too many wait for one.";
const WAITED = "The provider had no free slot in time.";

/** Most events move nobody else, and the asking attempt straight to its slot. */
const NOBODY: GateVerdict = allow({ waitsUntilMs: null, granted: [], dropped: [] });

export function createGateRecord(input: GateInput): GateRecord {
  const { providerId, maxConcurrent, queue, taken, peak } = input;
  const slots = new Map(taken);
  return {
    reply: null,
    replies: 0,
    providerId,
    terms: { maxConcurrent, queue },
    taken: slots,
    queue: createFairQueue(),
    limit: createAdaptiveLimit(Math.max(peak, slots.size)),
    keptMs: null,
  };
}

/** The tighter of the operator's bound and the provider's own; null: neither is there. */
export function slotsOf({ terms, limit }: GateRecord): number | null {
  const { maxConcurrent } = terms;
  if (maxConcurrent === null || limit.atOnce === null) return maxConcurrent ?? limit.atOnce;
  return Math.min(maxConcurrent, limit.atOnce);
}

export function hasFreeSlot(record: GateRecord): boolean {
  const slots = slotsOf(record);
  return slots === null || record.taken.size < slots;
}

/**
 * How long it takes until so many have had their turn, by the throughput that its slots have had lately
 * (Little's law); a guess of a second before any was given back.
 */
export function turnMs({ taken, keptMs }: GateRecord, place: number): number {
  if (keptMs === null || taken.size === 0) return RETRY_MS_UNKNOWN;
  return Math.min(LIMITS.slotRetryMsMax, Math.ceil((keptMs / taken.size) * place));
}

export function giveSlot(record: GateRecord, { attemptId, atMs }: Of<"slot.request">): GateVerdict {
  assert(Number.isFinite(atMs), `not a time: ${atMs}`);
  assert(!record.taken.has(attemptId), "the same attempt asked for a slot twice");
  take(record, attemptId, atMs);
  return NOBODY;
}

/** No slot is free: it waits where the terms allow it, in the place of another where it must. */
export function waitForSlot(record: GateRecord, event: Of<"slot.request">): GateVerdict {
  const { attemptId, tenantId, priorityClass, deadlineMs, atMs } = event;
  const { queue, terms } = record;
  assert(!queue.byId.has(attemptId), "the same attempt asked for a slot twice");
  const isPatient = deadlineMs > atMs;
  if (terms.queue === null || !isPatient) return { allowed: false, refusal: full(record, FULL) };
  const { waitingMax, waitMs } = terms.queue;
  const untilMs = Math.min(atMs + waitMs, deadlineMs);
  const isCrowded = waitingCount(queue) >= waitingMax;
  const pushedOut = isCrowded ? pushedOutFor(queue, event) : null;
  if (isCrowded && pushedOut === null) return { allowed: false, refusal: full(record, PUSHED_OUT) };
  const dropped = pushedOut === null ? [] : [drop(record, pushedOut, PUSHED_OUT)];
  if (pushedOut !== null) leaveQueue(queue, pushedOut.attemptId);
  enqueue(queue, { attemptId, tenantId, priorityClass, untilMs });
  return allow({ waitsUntilMs: untilMs, granted: [], dropped });
}

/** On the way out nobody waits any more; what is free may still be used by what runs. */
export function refuseDraining(): GateVerdict {
  return { allowed: false, refusal: draining() };
}

export function releaseSlot(record: GateRecord, event: Of<"slot.release">): GateVerdict {
  const { attemptId, atMs } = event;
  const sinceMs = record.taken.get(attemptId);
  if (sinceMs === undefined) return NOBODY;
  record.taken.delete(attemptId);
  const before = record.keptMs ?? atMs - sinceMs;
  record.keptMs = before + (atMs - sinceMs - before) * KEPT_WEIGHT;
  return grant(record, atMs);
}

export function cancelWait(record: GateRecord, { attemptId }: Of<"slot.cancel">): GateVerdict {
  if (!leaveQueue(record.queue, attemptId)) return NOBODY;
  const dropped = [{ attemptId, refusal: full(record, WAITED) }];
  return allow({ waitsUntilMs: null, granted: [], dropped });
}

/** Of an attempt that still has its slot; what it was told before says nothing about the provider now. */
export function learnLimit(record: GateRecord, event: Of<"limit.outcome">): GateVerdict {
  const { attemptId, kind, atMs } = event;
  const takenAtMs = record.taken.get(attemptId);
  if (takenAtMs === undefined) return NOBODY;
  if (kind === "congested") {
    afterCongestion(record.limit, record.taken.size, takenAtMs, atMs);
    return NOBODY;
  }
  afterClean(record.limit);
  return grant(record, atMs);
}

/** An operator's edit; where fewer may wait than do, the last to come go first. */
export function configure(record: GateRecord, { terms, atMs }: Of<"gate.configure">): GateVerdict {
  record.terms = terms;
  const { granted, dropped } = turnOf(grant(record, atMs));
  const more: GateTurn["dropped"][number][] = [];
  while (waitingCount(record.queue) > (terms.queue?.waitingMax ?? 0)) {
    const last = [...record.queue.byId.values()].at(-1);
    if (last === undefined) break;
    leaveQueue(record.queue, last.attemptId);
    more.push(drop(record, last, PUSHED_OUT));
  }
  return allow({ waitsUntilMs: null, granted, dropped: [...dropped, ...more] });
}

export function drainQueue(record: GateRecord): GateVerdict {
  const waiters = [...record.queue.byId.keys()];
  for (const attemptId of waiters) leaveQueue(record.queue, attemptId);
  const dropped = waiters.map((attemptId) => ({ attemptId, refusal: draining() }));
  return allow({ waitsUntilMs: null, granted: [], dropped });
}

/** Every free slot to whose turn it is. */
function grant(record: GateRecord, atMs: number): GateVerdict {
  if (waitingCount(record.queue) === 0) return NOBODY;
  const granted: string[] = [];
  const dropped: GateTurn["dropped"][number][] = [];
  while (waitingCount(record.queue) > 0 && hasFreeSlot(record)) {
    const { next, late } = dequeue(record.queue, atMs);
    for (const waiter of late) dropped.push(drop(record, waiter, WAITED));
    if (next === null) break;
    take(record, next.attemptId, atMs);
    granted.push(next.attemptId);
  }
  return allow({ waitsUntilMs: null, granted, dropped });
}

function take({ taken, limit }: GateRecord, attemptId: string, atMs: number): void {
  taken.set(attemptId, atMs);
  limit.peak = Math.max(limit.peak, taken.size);
}

function turnOf(verdict: GateVerdict): GateTurn {
  assert(verdict.allowed, "a grant is never refused");
  return verdict.value;
}

function drop(
  record: GateRecord,
  { attemptId }: Pick<Waiter, "attemptId">,
  message: string,
): GateTurn["dropped"][number] {
  return { attemptId, refusal: full(record, message) };
}

/** True when obeyed, as far as its own throughput tells: everybody who waits now has had a turn. */
function full(record: GateRecord, message: string): Refusal {
  const retryAfterMs = turnMs(record, waitingCount(record.queue) + 1);
  return refuse("provider_unavailable", message, { retryAfterMs }).refusal;
}

function draining(): Refusal {
  const retryAfterMs = DRAINING_RETRY_MS;
  return refuse("gateway_draining", ERRORS.gateway_draining.text, { retryAfterMs }).refusal;
}

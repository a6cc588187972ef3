/**
 * What goes into a provider's gate and what comes out of it, as data. Its events carry monotonic time:
 * all it is about is how long something takes.
 */
import type { PriorityClass } from "../src/base/priority.ts";
import type { Refusal, Verdict } from "../src/base/verdict.ts";

/** Attempts at once, and who may wait for a slot; null: unbounded, and nobody waits. */
export type GateTerms = {
  readonly maxConcurrent: number | null;
  readonly queue: { readonly waitingMax: number; readonly waitMs: number } | null;
};

export type GateInput = GateTerms & {
  readonly providerId: string;
  /** Attempts under way, with the time at which each began. */
  readonly taken: Iterable<readonly [attemptId: string, atMs: number]>;
  /** The most attempts that were ever under way at once. */
  readonly peak: number;
};

export type GateEvent =
  | {
      readonly type: "slot.request";
      readonly attemptId: string;
      readonly tenantId: string;
      readonly priorityClass: PriorityClass;
      /** When its exchange must be over: it never waits for longer. */
      readonly deadlineMs: number;
      readonly atMs: number;
    }
  /** An attempt has ended. One that has no slot has nothing to give back. */
  | { readonly type: "slot.release"; readonly attemptId: string; readonly atMs: number }
  /** Its client has left, or it has waited long enough. */
  | { readonly type: "slot.cancel"; readonly attemptId: string; readonly atMs: number }
  | {
      /** clean: an answer came. congested: the provider said that it is too much, or let it wait. */
      readonly type: "limit.outcome";
      readonly attemptId: string;
      readonly kind: "clean" | "congested";
      readonly atMs: number;
    }
  /** An operator's edit; slots that were given stay given. */
  | { readonly type: "gate.configure"; readonly terms: GateTerms; readonly atMs: number }
  /** The process is on its way out: whoever waits is told so, and nobody waits any more. */
  | { readonly type: "gate.drain"; readonly atMs: number };

/** What became of the attempts that an event moved; each wait ends in one of the two lists, once. */
export type GateTurn = {
  /** Of the asking attempt: null when it has its slot, else until when it waits for one. */
  readonly waitsUntilMs: number | null;
  /** Attempts whose wait has ended with a slot. */
  readonly granted: readonly string[];
  /** Attempts whose wait has ended without one, and what each is told. */
  readonly dropped: readonly { readonly attemptId: string; readonly refusal: Refusal }[];
};

export type GateVerdict = Verdict<GateTurn>;

/** How full it is. */
export type GateState = {
  readonly inFlight: number;
  readonly waiting: number;
  /** What bounds it now; null: nothing does. */
  readonly slots: number | null;
};

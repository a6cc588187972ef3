/** What an attempt is given before it starts. */
import type { AttemptScopes } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
import type { ContinuableWatch } from "../dialects/contract.ts";
import type { Candidate } from "./resolve.ts";

/** A hold in the actors of all owners, before the ledger has it. */
export type TakenHold = {
  readonly attemptId: string;
  /** Everything that it counts in. */
  readonly scopes: AttemptScopes;
  /** What each owner's budgets hold. */
  readonly heldNanoUsd: NanoUsd;
  /** Where a stream's metered cost must stop, for a budget's sake; null: nowhere. */
  readonly stopsAtHoldNanoUsd: NanoUsd | null;
  readonly outputTokensCap: number | null;
  readonly heldAtMs: number;
};

/** Whom an attempt asks, and what its provider must know of the exchange. */
export type AttemptTarget = {
  readonly candidate: Candidate;
  /** Its number for the exchange's actor. */
  readonly candidateIndex: number;
  /** An attempt of this exchange failed at the same provider before. */
  readonly isRepeat: boolean;
  /** Nobody else is left who could be asked. */
  readonly isLastResort: boolean;
};

/** What an attempt was given: its hold in the owners' actors, and who is to serve it. */
export type AttemptPlan = TakenHold &
  AttemptTarget & {
    /** When it began, not counting a wait for its slot. */
    startedMonotonicMs: number;
    /** When its credential was presented; before, when it began. */
    sentMonotonicMs: number;
    /** Watches its stream in place of a new watch; null: nothing of it is to be gone on with. */
    readonly watch: ContinuableWatch | null;
    /** The ledger has the hold, and the provider may have seen the request. */
    isHeld: boolean;
  };

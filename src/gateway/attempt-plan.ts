/** What an attempt is given before it starts. */
import type { AttemptScopes } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
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

/** What an attempt was given: its hold in the owners' actors, and who is to serve it. */
export type AttemptPlan = TakenHold & {
  readonly candidate: Candidate;
  readonly startedMonotonicMs: number;
};

/** What an attempt is given before it starts. */
import type { NanoUsd } from "../base/units.ts";
import type { Candidate } from "./resolve.ts";

/** A hold in the tenant's actor, before the ledger has it. */
export type TakenHold = {
  readonly attemptId: string;
  readonly heldNanoUsd: NanoUsd;
  readonly outputTokensCap: number | null;
  readonly heldAtMs: number;
};

/** What an attempt was given: its hold in the tenant's actor, and who is to serve it. */
export type AttemptPlan = TakenHold & {
  readonly candidate: Candidate;
  readonly startedMonotonicMs: number;
};

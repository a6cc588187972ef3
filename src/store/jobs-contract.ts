/** What the store is asked about attempts that stay open until their provider has done its work. */
import type * as schema from "../../drizzle/schema.ts";
import type { AttemptScopes } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";

export type JobRow = typeof schema.jobs.$inferSelect;

/** A job with what the ledger knows of its attempt. */
export type KnownJob = JobRow & {
  /** False: its posting is there, and only the job is still to be ended. */
  readonly isOpen: boolean;
  readonly requestId: string;
  readonly scopes: AttemptScopes;
  readonly model: string;
  /** The price in force when it was held for, as JSON. */
  readonly price: string;
  readonly heldNanoUsd: NanoUsd;
  readonly heldAtMs: number;
};

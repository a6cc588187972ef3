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

export interface JobStore {
  /** From now on recovery leaves its attempt open. Durable when it resolves. */
  readonly noteJob: (job: JobRow) => Promise<void>;
  /**
   * The attempt of a job was posted, and its request's row is brought up to that; false: the posting is not
   * there yet.
   */
  readonly endJob: (attemptId: string) => Promise<boolean>;
  readonly knownJobs: () => Promise<readonly KnownJob[]>;
  /** The request of an attempt that has been posted; null: it is open, or there is no such attempt. */
  readonly requestOfEnded: (attemptId: string) => Promise<string | null>;
}

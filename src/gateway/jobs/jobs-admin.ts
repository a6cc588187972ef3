/** What the admin use-cases know of the jobs under way: they show them, and end those that nobody will hear of. */
import type { NanoUsd } from "../../base/units.ts";
import type { Job } from "./job.ts";

export type OpenJob = {
  readonly job: Job;
  /** null: none was made since this process has started, or it was just begun. */
  readonly lastLook: {
    readonly atMs: number;
    readonly said: "running" | "unheard" | "unknown";
    /** Of what was not heard of, in a word like the outcomes of attempts. */
    readonly why: string | null;
  } | null;
  /** At the earliest; null: it is being looked at. */
  readonly nextLookAtMs: number | null;
  /** When it costs what is held for it unless it has ended before. */
  readonly givenUpAtMs: number;
};

export interface JobsAdmin {
  /** Whose attempts are open, in any order. */
  readonly openJobs: () => readonly OpenJob[];
  readonly openJob: (attemptId: string) => OpenJob | null;
  /**
   * Settles it as an operator says; false: it has ended meanwhile, or never was. Durable when it resolves;
   * when it rejects with GatewayError `ledger_unavailable`, it has ended all the same unless the process dies.
   */
  readonly end: (attemptId: string, costNanoUsd: NanoUsd, note?: string) => Promise<boolean>;
}

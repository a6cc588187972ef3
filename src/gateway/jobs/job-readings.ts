/** Jobs as metrics show them: how many are open and what is held for them, by provider and kind. */
import type { JobReading } from "../../telemetry/job-series.ts";
import type { Directory } from "../directory.ts";
import type { Job } from "./job.ts";
import type { OpenJob } from "./jobs-admin.ts";

/** Its id, where it was removed. */
export function providerNameOf({ provider }: Directory, { scopes: { providerId } }: Job): string {
  return provider(providerId)?.row.name ?? providerId;
}

export function jobReadings(directory: Directory, open: readonly OpenJob[]): readonly JobReading[] {
  const of = Map.groupBy(open, ({ job }) => `${job.kind} ${job.scopes.providerId}`);
  return [...of.values()].flatMap((jobs) => {
    const [first] = jobs;
    if (first === undefined) return [];
    const heldNanoUsd = jobs.reduce((sum, { job }) => sum + job.heldNanoUsd, 0);
    const provider = providerNameOf(directory, first.job);
    return [{ provider, kind: first.job.kind, open: jobs.length, heldNanoUsd }];
  });
}

/** The end of a job, told to everyone who must know: the ledger first, then the owners' actors. */
import type { Gateway } from "../gateway.ts";
import type { Job, JobEnd } from "./job.ts";
import { providerNameOf } from "./job-readings.ts";

const STATUS_OK = 200;

/** Called exactly once for each job whose attempt is open. */
export function settleJob(gateway: Gateway, job: Job, end: JobEnd): void {
  const { clock, directory, log, metrics, store } = gateway;
  const { attemptId, requestId, kind, scopes, heldAtMs, heldNanoUsd, model } = job;
  const { costNanoUsd, estimated, usage, outcome, note } = end;
  const atMs = clock.nowMs();
  store.ledger.post({
    attemptId,
    kind: "settle",
    amountNanoUsd: costNanoUsd,
    estimated,
    ...usage,
    status: STATUS_OK,
    outcome,
    latencyMs: Math.max(0, atMs - heldAtMs),
    postedAtMs: atMs,
  });
  const event = { type: "attempt.settle", attemptId, costNanoUsd, observed: null, atMs } as const;
  directory.owners.tell(scopes, event);
  const provider = providerNameOf(directory, job);
  metrics.jobEnded({ provider, model, kind, outcome, ...usage, costNanoUsd });
  const fields = { requestId, attemptId, outcome, costNanoUsd, heldNanoUsd, estimated, note };
  if (outcome === "ok") log.info("job.ended", fields);
  else log.warn("job.ended", fields);
}

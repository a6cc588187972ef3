/**
 * An attempt whose provider goes on after its answer: its slot and permit are given back, its hold is not. What
 * it costs is settled when the job has ended.
 */
import type { StartedJob } from "../../dialects/job-contract.ts";
import type { Admitted } from "../admit.ts";
import type { AttemptPlan } from "../attempt-plan.ts";
import { jobTokensEstimate } from "../estimate.ts";
import { NO_USAGE, type Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { credentialHash } from "../objects/keeper.ts";
import { endAtProvider } from "../settle.ts";

/** Called in place of a settlement. Resolves when it is durable; never rejects. */
export async function keepOpen(
  gateway: Gateway,
  exchange: Exchange,
  { request }: Admitted,
  plan: AttemptPlan,
  { kind, id: objectId }: StartedJob,
  status: number,
): Promise<void> {
  const { attemptId, candidate, scopes, heldNanoUsd, heldAtMs } = plan;
  const { lane, model, price, provider } = candidate;
  const latencyMs = gateway.clock.monotonicMs() - plan.startedMonotonicMs;
  endAtProvider(gateway, plan);
  const told = { provider: provider.row.name, model, outcome: "ok", costNanoUsd: 0 };
  const summary = { ...told, attemptId, status, estimated: true, usage: NO_USAGE, latencyMs };
  exchange.attempts.push(summary);
  exchange.notes.push(summary);
  gateway.metrics.attemptEnded({ ...told, durationMs: latencyMs, ...NO_USAGE });
  await gateway.jobs.begin({
    attemptId,
    requestId: exchange.id,
    kind,
    objectId,
    route: request.model,
    model,
    scopes,
    credentialPosition: lane.position,
    credentialHash: credentialHash(gateway.credentialHashSecret, lane),
    bounds: request.batch ?? null,
    inputTokensEstimate: jobTokensEstimate(request),
    price,
    heldNanoUsd,
    heldAtMs,
  });
}

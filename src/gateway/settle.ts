/**
 * Phase 5, settle: the truth about an attempt, told once to everyone who must know: the ledger,
 * the actors of all owners, the provider's actor, the metrics. The exact cost where the provider reported
 * usage, an estimate that says so where it did not.
 */
import type { OutputObserved } from "../../actors/contract.ts";
import type { InputObserved, OutcomeKind } from "../../actors/provider-contract.ts";
import { HOUSE_SCOPES } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
import type { Usage } from "../dialects/usage-contract.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import { estimatedUsage } from "./estimate.ts";
import { NO_USAGE, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { exactNanoUsd } from "./prices/cost.ts";
import { unpricedTools } from "./prices/tool-fees.ts";
import { billedUsage } from "./unit-usage.ts";

/** How an attempt ended. */
export type AttemptEnd = {
  /**
   * reported: the provider's usage. counted: ours of what was delivered. estimated: it may have
   * generated; `outputTokensSeen` null when nothing could be seen. whole: it may go on where nobody sees it, to
   * all that was held for it. nothing: it cannot have been billed.
   */
  readonly cost:
    | { readonly kind: "reported" | "counted"; readonly usage: Usage }
    | { readonly kind: "estimated"; readonly outputTokensSeen: number | null }
    | { readonly kind: "whole" | "nothing" };
  readonly outcome: string;
  readonly status: number | null;
};

/**
 * Ends `plan`'s attempt; called exactly once for each hold that the ledger took. `paidByOthersNanoUsd`:
 * the part of its cost that is posted for others who got the answer.
 */
export function settle(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  end: AttemptEnd,
  paidByOthersNanoUsd: NanoUsd = 0,
): void {
  const { clock, directory, metrics, store } = gateway;
  const { candidate } = plan;
  const atMs = clock.nowMs();
  const latencyMs = clock.monotonicMs() - plan.startedMonotonicMs;
  const usage = usageOf(gateway, admitted, plan, end);
  const isEstimated = end.cost.kind !== "reported" && end.cost.kind !== "nothing";
  const wholeNanoUsd = costOfEnd(plan, end, usage);
  const costNanoUsd = wholeNanoUsd - paidByOthersNanoUsd;
  warnOfUnpricedTools(gateway, exchange, plan, usage);

  // The ledger first: an actor that is being built then finds it there.
  store.ledger.post({
    attemptId: plan.attemptId,
    kind: end.cost.kind === "nothing" ? "void" : "settle",
    amountNanoUsd: costNanoUsd,
    estimated: isEstimated,
    ...usage,
    status: end.status,
    outcome: end.outcome,
    latencyMs: Math.round(latencyMs),
    postedAtMs: atMs,
  });
  directory.owners.tell(plan.scopes, {
    type: "attempt.settle",
    attemptId: plan.attemptId,
    costNanoUsd,
    observed: outputObserved(admitted, plan, end),
    atMs,
  });
  candidate.lane.handle.send({
    type: "attempt.end",
    attemptId: plan.attemptId,
    observed: inputObserved(admitted, plan, end),
    atMs,
  });
  candidate.provider.gate.release(plan.attemptId);

  const summary = {
    attemptId: plan.attemptId,
    provider: candidate.provider.row.name,
    model: candidate.model,
    outcome: end.outcome,
    status: end.status,
    costNanoUsd,
    estimated: isEstimated,
    usage,
    latencyMs,
  };
  exchange.attempts.push(summary);
  exchange.notes.push(summary);
  metrics.attemptEnded({
    provider: candidate.provider.row.name,
    model: candidate.model,
    outcome: end.outcome,
    durationMs: latencyMs,
    ...usage,
    costNanoUsd: wholeNanoUsd,
  });
}

/** As many names are logged at most; every one is short (see the reading of usage). */
const TOOLS_LOGGED_MAX = 8;

/** An operator is to give these tools a price: until then each call is charged what none costs. */
function warnOfUnpricedTools(
  { log }: Gateway,
  { id, served }: Exchange,
  { attemptId, candidate }: AttemptPlan,
  usage: Usage,
): void {
  if (usage.details === null) return;
  const unpriced = unpricedTools(usage, candidate.price);
  if (unpriced.length === 0) return;
  const tools = unpriced.slice(0, TOOLS_LOGGED_MAX);
  log.warn("attempt.tool_unpriced", { requestId: id, attemptId, tools, ...served });
}

/** The truth, even when it passes the hold; but an estimate never charges more than was held. */
export function costOfEnd(
  { candidate, heldNanoUsd }: AttemptPlan,
  end: AttemptEnd,
  usage: Usage,
): NanoUsd {
  if (end.cost.kind === "nothing") return 0;
  if (end.cost.kind === "whole") return heldNanoUsd;
  const costNanoUsd = exactNanoUsd(usage, candidate.price);
  return end.cost.kind === "reported" ? costNanoUsd : Math.min(costNanoUsd, heldNanoUsd);
}

function usageOf(
  gateway: Gateway,
  admitted: Admitted,
  plan: AttemptPlan,
  { cost }: AttemptEnd,
): Usage {
  if ("usage" in cost) return cost.usage;
  if (cost.kind !== "estimated") return NO_USAGE;
  const { tenantId, tokenId } = admitted.principal.scopes;
  const isHouse = tenantId === HOUSE_SCOPES.tenantId;
  const owner = isHouse ? ({ type: "everyone" } as const) : ({ type: "tenant", tenantId } as const);
  const tenant = gateway.directory.owners.ready(owner);
  const estimated = estimatedUsage(
    tenant instanceof Promise ? null : tenant,
    tokenId,
    admitted.request,
    plan.candidate,
    cost.outputTokensSeen,
  );
  return billedUsage(estimated, plan.candidate.provider.quirks);
}

/** What the next requests of this access token and model are estimated from; reported usage only. */
function outputObserved(
  { principal, request }: Admitted,
  { candidate }: AttemptPlan,
  end: AttemptEnd,
): OutputObserved | null {
  if (end.cost.kind !== "reported" || !request.generates) return null;
  const outputTokens = Math.ceil(end.cost.usage.outputTokens / request.choices);
  return { tokenId: principal.token.id, model: candidate.model, outputTokens };
}

function inputObserved(
  { request }: Admitted,
  { candidate }: AttemptPlan,
  end: AttemptEnd,
): InputObserved | null {
  // Images are bytes and tokens of another kind: they would teach a wrong factor.
  if (end.cost.kind !== "reported" || request.images > 0) return null;
  const { inputTokens } = end.cost.usage;
  if (inputTokens === 0) return null;
  return { model: candidate.model, inputBytes: request.textBytes, inputTokens };
}

/**
 * Tells the provider's actor how its attempt went: at the first content of a stream, the end of a plain
 * answer (`isWhole`), or the failure.
 */
export function reportOutcome(
  gateway: Gateway,
  plan: AttemptPlan,
  kind: OutcomeKind,
  retryAfterMs: number | null,
  isWhole = false,
): void {
  plan.candidate.lane.handle.send({
    type: "outcome.report",
    attemptId: plan.attemptId,
    kind,
    latencyMs: gateway.clock.monotonicMs() - plan.startedMonotonicMs,
    isWhole,
    retryAfterMs,
    jitter: gateway.random.unit(),
    atMs: gateway.clock.nowMs(),
  });
}

/** Gives back an attempt that the ledger never held: in the owners' actors and at the provider's. */
export function voidUnheld(gateway: Gateway, plan: AttemptPlan): void {
  giveBackHold(gateway, plan);
  endAtProvider(gateway, plan);
}

/** Gives back what an attempt that was not sent has taken at its provider. */
export function endAtProvider({ clock }: Gateway, plan: AttemptPlan): void {
  const atMs = clock.nowMs();
  plan.candidate.lane.handle.send({
    type: "attempt.end",
    attemptId: plan.attemptId,
    observed: null,
    atMs,
  });
  plan.candidate.provider.gate.release(plan.attemptId);
}

/** Gives back a hold that the ledger never had, or that is void there, in the owners' actors. */
export function giveBackHold(
  { clock, directory }: Gateway,
  { attemptId, scopes }: Pick<AttemptPlan, "attemptId" | "scopes">,
): void {
  const atMs = clock.nowMs();
  const event = {
    type: "attempt.settle",
    attemptId,
    costNanoUsd: 0,
    observed: null,
    atMs,
  } as const;
  directory.owners.tell(scopes, event);
}

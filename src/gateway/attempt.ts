/**
 * Phase 3, attempt: one call to one provider. Slot, permit, address, hold, call: what may refuse without a
 * trace comes before the hold is written, and nothing waits between the hold's durability and the
 * call, so that after a crash only the holds of the very last commit can be unsent.
 */
import type { Refusal } from "../base/verdict.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult } from "./attempt-result.ts";
import { NO_USAGE, onRelease, unlessStopped, type Exchange, type Stoppable } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { priceJson } from "./prices/price-json.ts";
import { readAnswer } from "./read-answer.ts";
import type { CredentialProblem } from "./credentials/presenter.ts";
import type { OriginProblem, Origins } from "./origin.ts";
import type { Candidate } from "./resolve.ts";
import { giveBackHold } from "./settle.ts";
import { callUpstream, isFailure, type Upstream } from "./transport.ts";
import { upstreamCall } from "./upstream-call.ts";
import type { Wire } from "./wire/wire.ts";

type Problem = OriginProblem | CredentialProblem;

/**
 * `run` is what stops it. Throws GatewayError `ledger_unavailable` when the hold is certainly not on
 * disk.
 */
export async function runAttempt(
  gateway: Gateway,
  exchange: Exchange,
  run: Stoppable,
  admitted: Admitted,
  plan: AttemptPlan,
): Promise<AttemptResult> {
  const { clock, directory, origins, store } = gateway;
  const { candidate } = plan;
  const { row } = candidate.provider;
  const { handle } = candidate.lane;
  const slot = takeSlot(gateway, exchange, run, plan);
  const full = slot instanceof Promise ? await afterWait(gateway, exchange, plan, slot) : slot;
  if (run.stoppedFor !== null) return { kind: "stopped", progress: "unheld", outputTokensSeen: 0 };
  if (full !== null) return { kind: "refused", refusal: full };
  const permit = handle.ask({
    type: "permit.request",
    attemptId: plan.attemptId,
    isRepeat: plan.isRepeat,
    isLastResort: plan.isLastResort,
    atMs: clock.nowMs(),
  });
  if (!permit.allowed) return { kind: "refused", refusal: permit.refusal };
  exchange.served = { provider: row.name, model: candidate.model };
  const checked = ready(origins, candidate);
  const problem = checked instanceof Promise ? await unlessStopped(run, checked) : checked;
  if (problem !== null) return { kind: "unreachable", why: problem.kind, detail: problem.detail };
  if (run.stoppedFor !== null) return { kind: "stopped", progress: "unheld", outputTokensSeen: 0 };
  directory.owners.noteWritten(plan.scopes.tenantId, exchange.id);
  const held = store.ledger.hold({
    attemptId: plan.attemptId,
    requestId: exchange.id,
    attemptNumber: exchange.attemptCount + 1,
    scopes: plan.scopes,
    model: candidate.model,
    price: priceJson(candidate.price),
    heldNanoUsd: plan.heldNanoUsd,
    heldAtMs: plan.heldAtMs,
  });
  if (!(await isHeldInTime(run, held))) {
    exchange.leavesHold = true;
    gateway.lifecycle.outlive(voidWhenHeld(gateway, plan, held));
    return { kind: "stopped", progress: "holding", outputTokensSeen: 0 };
  }
  plan.isHeld = true;
  exchange.attemptCount += 1;
  if (exchange.attemptCount === 1) directory.countRequest(admitted.principal.token.id);
  // The client may have left while the disk was busy: a hold that was not sent is void.
  if (run.stoppedFor !== null) return { kind: "stopped", progress: "unsent", outputTokensSeen: 0 };
  const upstream = dispatch(gateway, exchange, run, admitted, plan);
  if (admitted.shadows.length > 0 && exchange.attemptCount === 1) {
    const { request, routeId, shadows } = admitted;
    const mirrored = { requestId: exchange.id, routeId, call: exchange.call, request };
    gateway.shadows.mirror(mirrored, shadows);
  }
  return await readAnswer(gateway, exchange, admitted.request, plan, upstream);
}

/** Address and credential, before anything is held; null at once where both are known to be good. */
function ready(
  origins: Origins,
  { provider: { row }, lane: { presenter } }: Candidate,
): Problem | null | Promise<Problem | null> {
  const checked = origins.check(row);
  if (checked instanceof Promise) {
    return checked.then((problem) => problem ?? presenter?.prepare() ?? null);
  }
  return checked ?? presenter?.prepare() ?? null;
}

/** The slot is given back where the attempt ends, whatever becomes of it. Nobody waits twice at a gate. */
function takeSlot(
  { clock }: Gateway,
  { priorityClass, deadlineMs, waitedInVainAt }: Exchange,
  run: Stoppable,
  { attemptId, scopes, candidate }: AttemptPlan,
): Refusal | null | Promise<Refusal | null> {
  const { tenantId } = scopes;
  const mayWait = !waitedInVainAt.includes(candidate.provider.row.id);
  const withinMs = mayWait ? deadlineMs - clock.nowMs() : 0;
  return candidate.provider.gate.take({ attemptId, tenantId, priorityClass, withinMs, run });
}

/** How long it waited for its slot says nothing about how fast the provider is. */
async function afterWait(
  { clock }: Gateway,
  exchange: Exchange,
  plan: AttemptPlan,
  slot: Promise<Refusal | null>,
): Promise<Refusal | null> {
  const refusal = await slot;
  const { id } = plan.candidate.provider.row;
  if (refusal !== null) exchange.waitedInVainAt = [...exchange.waitedInVainAt, id];
  plan.startedMonotonicMs = clock.monotonicMs();
  return refusal;
}

/** False when it was stopped while the disk was busy. Throws what the hold threw. */
async function isHeldInTime(run: Stoppable, held: Promise<void>): Promise<boolean> {
  const stopped = run.stopped.promise.then(() => false);
  return await Promise.race([held.then(() => true), stopped]);
}

/**
 * Nobody waits for this hold any more: should it still become durable, it is void. Until then the
 * owners' actors keep it: given back at once, its money could be held by another request, and were the
 * process killed then, recovery would charge both.
 */
async function voidWhenHeld(
  gateway: Gateway,
  plan: AttemptPlan,
  held: Promise<void>,
): Promise<void> {
  const { clock, log, store } = gateway;
  const { attemptId } = plan;
  try {
    await held;
    store.ledger.post({
      attemptId,
      kind: "void",
      amountNanoUsd: 0,
      estimated: false,
      ...NO_USAGE,
      status: null,
      outcome: "not_sent",
      latencyMs: 0,
      postedAtMs: clock.nowMs(),
    });
  } catch (error) {
    // The store says itself what became of a hold that it refused.
    log.debug("hold.abandoned", { attemptId, error });
  }
  giveBackHold(gateway, plan);
}

/** From here on the provider may have seen the request. */
function dispatch(
  gateway: Gateway,
  exchange: Exchange,
  run: Stoppable,
  admitted: Admitted,
  plan: AttemptPlan,
): Upstream {
  const { candidate, outputTokensCap } = plan;
  const { row, wire } = candidate.provider;
  plan.sentMonotonicMs = gateway.clock.monotonicMs();
  const call = upstreamCall(exchange, admitted.request, candidate, outputTokensCap);
  const upstream = unwrapped(callUpstream(gateway, call), wire);
  run.stopAttempt = upstream.giveUp;
  exchange.drainsForLeftClient = row.onClientDisconnect === "drain" && !exchange.isHedged;
  const total = gateway.watchdog.deadline(() => upstream.giveUp("total"));
  total.arm(exchange.attemptTotalMs ?? row.timeoutsMs.total);
  onRelease(exchange, total.disarm);
  return upstream;
}

/** Where a company wraps its answers, they come as their dialect would have sent them. */
function unwrapped(upstream: Upstream, wire: Wire | null): Upstream {
  const unwrap = wire?.answer;
  if (unwrap === undefined) return upstream;
  const answer = upstream.answer.then((came) => (isFailure(came) ? came : unwrap(came)));
  return { ...upstream, answer };
}

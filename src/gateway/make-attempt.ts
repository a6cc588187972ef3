/**
 * One attempt with its end: runs it and settles it, unless its answer is still to be given to the
 * client, whose settlement is then the reply's business. Whatever it throws, its hold is given back.
 */
import { assertNever } from "../base/assert.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import type { Admitted } from "./admit.ts";
import { runAttempt } from "./attempt.ts";
import { noteRefused, noteUnreachable } from "./attempt-notes.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult } from "./attempt-result.ts";
import { classifyBroken, isCongestion } from "./classify.ts";
import type { Exchange, Stoppable } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { goesOn } from "./jobs/goes-on.ts";
import { noteMade } from "./objects/made.ts";
import { type AttemptEnd, endAtProvider, reportOutcome, settle, voidUnheld } from "./settle.ts";

/** `run` stops it: the exchange itself, or where two attempts run something of its own. */
export async function makeAttempt(
  gateway: Gateway,
  exchange: Exchange,
  run: Stoppable,
  admitted: Admitted,
  plan: AttemptPlan,
): Promise<AttemptResult> {
  try {
    const result = await runAttempt(gateway, exchange, run, admitted, plan);
    settleUnanswered(gateway, exchange, run, admitted, plan, result);
    if ("made" in result) void noteMade(gateway, admitted, plan, result.made ?? []);
    return result;
  } catch (error) {
    if (plan.isHeld) {
      const cost = unansweredCost(admitted.request, null, false);
      settle(gateway, exchange, admitted, plan, { cost, outcome: "internal_error", status: null });
    } else {
      voidUnheld(gateway, plan);
    }
    throw error;
  }
}

/** Somebody in between lost the answer (RFC 9110; nginx's 499; Cloudflare's 520 and 524, 2026-11). */
const LOST_ON_THE_WAY: ReadonlySet<number> = new Set([499, 502, 504, 520, 524]);

/**
 * What nobody can call back goes on, although its answer was lost; a batch that was refused is not made.
 * `isRefused`: the provider said so.
 */
function unansweredCost(
  request: ClientRequest,
  outputTokensSeen: number | null,
  isRefused: boolean,
): AttemptEnd["cost"] {
  if (isRefused && request.batch !== undefined) return { kind: "nothing" };
  return isRefused || !goesOn(request)
    ? { kind: "estimated", outputTokensSeen }
    : { kind: "whole" };
}

/** What each way of not answering means for the provider's actor and for the ledger. */
function settleUnanswered(
  gateway: Gateway,
  exchange: Exchange,
  run: Stoppable,
  admitted: Admitted,
  plan: AttemptPlan,
  result: AttemptResult,
): void {
  const { gate } = plan.candidate.provider;
  switch (result.kind) {
    case "refused":
      noteRefused(gateway, exchange, plan.candidate, result.refusal);
      voidUnheld(gateway, plan);
      return;
    case "unreachable":
      noteUnreachable(gateway, exchange, plan.candidate, result.why, plan.startedMonotonicMs);
      reportOutcome(gateway, plan, classifyBroken(result.why).kind, null);
      voidUnheld(gateway, plan);
      return;
    case "stopped": {
      if (result.progress === "unheld") {
        voidUnheld(gateway, plan);
        return;
      }
      if (result.progress === "holding") {
        endAtProvider(gateway, plan);
        return;
      }
      const { outputTokensSeen } = result;
      const cost =
        result.progress === "unsent"
          ? ({ kind: "nothing" } as const)
          : unansweredCost(admitted.request, outputTokensSeen, false);
      const outcome = run.stoppedFor ?? "stopped";
      settle(gateway, exchange, admitted, plan, { cost, outcome, status: null });
      return;
    }
    case "failed": {
      const { classification, retryAfterMs, outputTokensSeen, verbatim } = result;
      reportOutcome(gateway, plan, classification.kind, retryAfterMs);
      if (classification.kind === "refused_credential") {
        plan.candidate.lane.presenter?.refused(plan.sentMonotonicMs);
      }
      if (isCongestion(classification)) gate.learn(plan.attemptId, "congested");
      const isRefused = verbatim !== null && !LOST_ON_THE_WAY.has(verbatim.status);
      settle(gateway, exchange, admitted, plan, {
        cost:
          classification.billed === "no"
            ? { kind: "nothing" }
            : unansweredCost(admitted.request, outputTokensSeen, isRefused),
        outcome: classification.outcome,
        status: verbatim?.status ?? null,
      });
      return;
    }
    case "answer":
    case "stream":
      reportOutcome(gateway, plan, "ok", null, result.kind === "answer");
      gate.learn(plan.attemptId, "clean");
      return;
    default:
      assertNever(result);
  }
}

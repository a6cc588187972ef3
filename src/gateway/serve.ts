/**
 * From admission to an answer: attempts, waits and failovers as the exchange's actor decides them.
 * Nothing is repeated once content has come; every hold that was taken is settled before this ends,
 * or by the relay that this hands it to.
 */
import type { ExchangeEvent } from "../../actors/exchange-contract.ts";
import { startExchange, type ExchangeHandle } from "../../actors/exchange.ts";
import { assert, assertNever } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import { allow, type Refusal } from "../base/verdict.ts";
import type { Admitted } from "./admit.ts";
import { runAttempt } from "./attempt.ts";
import type { AttemptPlan, TakenHold } from "./attempt-plan.ts";
import type { AttemptResult, Failure } from "./attempt-result.ts";
import { classifyBroken } from "./classify.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { holdAgain } from "./hold.ts";
import { answerReply, failureReply, streamReply } from "./reply.ts";
import { reportOutcome, settle, voidUnheld } from "./settle.ts";

export async function serve(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
): Promise<Reply> {
  exchange.story = startExchange(
    {
      exchangeId: exchange.id,
      candidates: admitted.candidates.length,
      attemptsMax: LIMITS.attemptsMax,
      deadlineMs: exchange.deadlineMs,
      atMs: gateway.clock.nowMs(),
    },
    (error) => gateway.log.error("exchange.actor.failed", { requestId: exchange.id, error }),
  );
  return await tell(gateway, exchange, admitted, exchange.story);
}

async function tell(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  story: ExchangeHandle,
): Promise<Reply> {
  let failure: Failure = { kind: "stopped", progress: "unheld", outputTokensSeen: 0 };
  let firstHold: TakenHold | null = admitted.firstHold;
  for (;;) {
    const step = story.step();
    if (step.do === "wait") {
      await waitOrStop(gateway, exchange, step.delayMs);
      const atMs = gateway.clock.nowMs();
      const mayGoOn = exchange.stoppedFor === null && !exchange.clientGone;
      story.send({ type: mayGoOn ? "backoff.elapsed" : "client.left", atMs });
      continue;
    }
    if (step.do !== "attempt") {
      return failureReply(exchange, failure);
    }
    const plan = await planAttempt(gateway, exchange, admitted, step.candidate, firstHold);
    firstHold = null;
    if ("refusal" in plan) {
      failure = worthTelling(failure, { kind: "refused", refusal: plan.refusal });
      story.send({ type: "candidate.refused", atMs: gateway.clock.nowMs() });
      continue;
    }
    const result = await attempt(gateway, exchange, admitted, plan);
    if (result.kind === "answer") return answerReply(gateway, exchange, admitted, plan, result);
    if (result.kind === "stream") {
      story.send({ type: "content.started", atMs: gateway.clock.nowMs() });
      return streamReply(gateway, exchange, admitted, plan, result.stream);
    }
    // There is no answer any more that could be read on for a client that leaves now.
    exchange.drainsForLeftClient = false;
    logFailure(gateway, exchange, result);
    failure = worthTelling(failure, result);
    story.send(eventOf(gateway, result));
    // An answer may be read on for a client that left, but no new attempt is paid for it.
    if (exchange.clientGone) story.send({ type: "client.left", atMs: gateway.clock.nowMs() });
  }
}

/** The hold and the target of the next attempt; the first hold was taken with the admission. */
async function planAttempt(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  candidateIndex: number,
  firstHold: TakenHold | null,
): Promise<AttemptPlan | { readonly refusal: Refusal }> {
  const candidate = admitted.candidates[candidateIndex];
  assert(candidate, `the exchange's actor named candidate ${candidateIndex}, which does not exist`);
  const startedMonotonicMs = gateway.clock.monotonicMs();
  const { principal, routeId, request } = admitted;
  const wanted = { scopes: principal.scopes, routeId, request };
  const taken =
    firstHold === null ? await holdAgain(gateway, exchange, wanted, candidate) : allow(firstHold);
  if (!taken.allowed) return { refusal: taken.refusal };
  exchange.outputTokensCap = taken.value.outputTokensCap;
  return { ...taken.value, candidate, startedMonotonicMs };
}

/** Runs one attempt and settles it, unless its answer is still to be relayed. */
async function attempt(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
): Promise<AttemptResult> {
  const attemptsBefore = exchange.attemptCount;
  try {
    const result = await runAttempt(gateway, exchange, admitted, plan);
    settleUnanswered(gateway, exchange, admitted, plan, result);
    return result;
  } catch (error) {
    if (exchange.attemptCount === attemptsBefore) {
      voidUnheld(gateway, plan);
    } else {
      const cost = { kind: "estimated", outputTokensSeen: null } as const;
      settle(gateway, exchange, admitted, plan, { cost, outcome: "internal_error", status: null });
    }
    throw error;
  }
}

/** What each way of not answering means for the provider's actor and for the ledger. */
function settleUnanswered(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  result: AttemptResult,
): void {
  switch (result.kind) {
    case "refused":
      voidUnheld(gateway, plan);
      return;
    case "unreachable":
      reportOutcome(gateway, plan, "bad", null);
      voidUnheld(gateway, plan);
      return;
    case "stopped": {
      if (result.progress === "unheld") {
        voidUnheld(gateway, plan);
        return;
      }
      const { outputTokensSeen } = result;
      const cost =
        result.progress === "unsent"
          ? ({ kind: "nothing" } as const)
          : ({ kind: "estimated", outputTokensSeen } as const);
      const outcome = exchange.stoppedFor ?? "stopped";
      settle(gateway, exchange, admitted, plan, { cost, outcome, status: null });
      return;
    }
    case "failed": {
      const { classification, retryAfterMs, outputTokensSeen, verbatim } = result;
      reportOutcome(gateway, plan, classification.kind, retryAfterMs);
      settle(gateway, exchange, admitted, plan, {
        cost:
          classification.billed === "no"
            ? { kind: "nothing" }
            : { kind: "estimated", outputTokensSeen },
        outcome: classification.outcome,
        status: verbatim?.status ?? null,
      });
      return;
    }
    case "answer":
    case "stream":
      reportOutcome(gateway, plan, "ok", null);
      return;
    default:
      assertNever(result);
  }
}

function eventOf(
  gateway: Gateway,
  result: Exclude<AttemptResult, { kind: "answer" | "stream" }>,
): ExchangeEvent {
  const atMs = gateway.clock.nowMs();
  const jitter = gateway.random.unit();
  switch (result.kind) {
    case "refused":
      return { type: "candidate.refused", atMs };
    case "stopped":
      return { type: "client.left", atMs };
    case "unreachable": {
      const { retry } = classifyBroken("connect");
      return { type: "attempt.failed", retry, throttled: false, retryAfterMs: null, jitter, atMs };
    }
    case "failed": {
      const { classification, retryAfterMs } = result;
      const throttled = classification.kind === "throttled";
      const { retry } = classification;
      return { type: "attempt.failed", retry, throttled, retryAfterMs, jitter, atMs };
    }
    default:
      return assertNever(result);
  }
}

/** For operators: why an attempt failed, which no client is told. */
function logFailure(gateway: Gateway, exchange: Exchange, result: AttemptResult): void {
  if (result.kind !== "failed" && result.kind !== "unreachable") return;
  const { kind, detail } = result;
  gateway.log.warn("attempt.failed", { requestId: exchange.id, kind, detail, ...exchange.served });
}

/** A provider's own words tell the client more than that a later candidate had no room. */
function worthTelling(before: Failure, after: Failure): Failure {
  return after.kind === "refused" && before.kind === "failed" ? before : after;
}

/** Waits for a backoff, or until the exchange is stopped. */
function waitOrStop(gateway: Gateway, exchange: Exchange, delayMs: number): Promise<void> {
  if (exchange.stoppedFor !== null || exchange.clientGone) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = gateway.clock.after(delayMs, resolve);
    exchange.stopAttempt = () => {
      timer.cancel();
      resolve();
    };
  });
}

/**
 * From admission to an answer: attempts, waits and failovers as the exchange's actor decides them.
 * Nothing is repeated once content has come; every hold that was taken is settled before this ends,
 * or by the relay that this hands it to.
 */
import { startExchange, type ExchangeHandle } from "../../actors/exchange.ts";
import type { ExchangeInput } from "../../actors/exchange-contract.ts";
import { LIMITS } from "../base/limits.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptTarget, TakenHold } from "./attempt-plan.ts";
import { candidateAt } from "./candidates.ts";
import { ContinuedLegs } from "./continue.ts";
import type { Exchange, Reply } from "./exchange.ts";
import { eventOf, Failures, isUnanswered, type Unanswered } from "./failures.ts";
import type { Gateway } from "./gateway.ts";
import { goesOn } from "./jobs/goes-on.ts";
import { makeHedgedAttempt, type HedgeParts, type Over } from "./hedge.ts";
import { makeAttempt } from "./make-attempt.ts";
import { planAttempt } from "./plan-attempt.ts";
import { answerReply, streamReply } from "./reply.ts";

export async function serve(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
): Promise<Reply> {
  exchange.story = startExchange(storyInput(gateway, exchange, admitted), (error) =>
    gateway.log.error("exchange.actor.failed", { requestId: exchange.id, error }),
  );
  return await tell(gateway, exchange, admitted, exchange.story);
}

/**
 * The route's bounds; an attempt that could not finish in time is not begun. A batch is asked for once: one
 * that seems to have failed may be under way.
 */
function storyInput(
  { clock }: Gateway,
  { id, createdAtMs, deadlineMs }: Exchange,
  { candidates, request, terms: { retries } }: Admitted,
): ExchangeInput {
  const lastMs = deadlineMs - LIMITS.attemptLeastMs;
  const attemptsMax = request.batch === undefined ? LIMITS.attemptsMax : 1;
  const input = {
    exchangeId: id,
    candidates: candidates.length,
    attemptsMax,
    deadlineMs: lastMs,
    atMs: clock.nowMs(),
  };
  if (retries === undefined) return input;
  const {
    attemptsMax: routesMax = attemptsMax,
    totalMs = Infinity,
    backoffBaseMs: baseMs = LIMITS.backoffBaseMs,
    backoffMaxMs: maxMs = LIMITS.backoffMaxMs,
  } = retries;
  return {
    ...input,
    attemptsMax: Math.min(routesMax, attemptsMax),
    deadlineMs: Math.min(lastMs, createdAtMs + totalMs),
    backoff: { baseMs, maxMs },
  };
}

async function tell(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  story: ExchangeHandle,
): Promise<Reply> {
  const parts = { gateway, exchange, admitted, story, failures: new Failures() };
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
    if (step.do !== "attempt") return parts.failures.reply(exchange);
    const over = await attempt(parts, step.candidate, firstHold);
    firstHold = null;
    if ("result" in over) {
      const { plan, result } = over;
      if (result.kind === "answer") return answerReply(gateway, exchange, admitted, plan, result);
      if (result.kind === "stream") {
        story.send({ type: "content.started", atMs: gateway.clock.nowMs() });
        const { watch } = plan;
        const legs = watch && new ContinuedLegs(parts, plan, result.stream, watch);
        return streamReply(gateway, exchange, admitted, plan, result.stream, legs);
      }
      // There is no answer any more that could be read on for a client that leaves now.
      exchange.drainsForLeftClient = false;
    }
    note(parts, over, false);
    // An answer may be read on for a client that left, but no new attempt is paid for it.
    if (exchange.clientGone) story.send({ type: "client.left", atMs: gateway.clock.nowMs() });
  }
}

type Parts = Omit<HedgeParts, "targetOf" | "onOver"> & { readonly failures: Failures };

/** The attempt of a step; where the route hedges and nothing has failed yet, it may become two. */
async function attempt(
  parts: Parts,
  candidateIndex: number,
  firstHold: TakenHold | null,
): Promise<Exclude<Over, { error: unknown }>> {
  const { gateway, exchange, admitted, story } = parts;
  const { routeId, terms } = admitted;
  const target = targetOf(parts, candidateIndex);
  const plan = await planAttempt(gateway, exchange, exchange, admitted, target, firstHold);
  if ("refusal" in plan) return plan;
  exchange.outputTokensCap = plan.outputTokensCap;
  // Of two that are begun, none could be called back.
  if (terms.hedge !== undefined && routeId !== null && !goesOn(admitted.request)) {
    const atMs = gateway.clock.nowMs();
    if (firstHold !== null) gateway.hedges.countRequest(routeId, atMs);
    if (story.canHedge(atMs)) return await makeHedgedAttempt(hedgeParts(parts), terms.hedge, plan);
  }
  return { plan, result: await makeAttempt(gateway, exchange, exchange, admitted, plan) };
}

function hedgeParts(parts: Parts): HedgeParts {
  return {
    ...parts,
    targetOf: (candidateIndex) => targetOf(parts, candidateIndex),
    onOver: (over, isHedge) => note(parts, over, isHedge),
  };
}

/** Remembers what went wrong and tells the exchange's actor; `isHedge`: with the second of two. */
function note(parts: Parts, over: Over, isHedge: boolean): void {
  const { gateway, exchange, admitted, story, failures } = parts;
  if ("result" in over && isUnanswered(over.result)) {
    const { plan, result } = over;
    logFailure(gateway, exchange, plan, result);
    failures.note(result, plan.candidate);
    story.send({ ...eventOf(gateway, admitted, plan, result), ...(isHedge ? { isHedge } : {}) });
    return;
  }
  if ("refusal" in over) {
    failures.note({ kind: "refused", refusal: over.refusal }, null);
    exchange.lacksRoom ||= !isHedge;
  }
  if ("error" in over) {
    gateway.log.error("hedge.failed", { requestId: exchange.id, error: over.error });
  }
  story.send({ type: "candidate.refused", isHedge, atMs: gateway.clock.nowMs() });
}

function targetOf({ admitted, story, failures }: Parts, candidateIndex: number): AttemptTarget {
  const candidate = candidateAt(admitted, candidateIndex);
  const isRepeat = failures.hasFailedAt(candidate);
  return { candidate, candidateIndex, isRepeat, isLastResort: story.isLastCandidate() };
}

/** For operators: why an attempt failed, which no client is told. */
function logFailure(
  gateway: Gateway,
  exchange: Exchange,
  { candidate: { provider, model } }: AttemptTarget,
  result: Unanswered,
): void {
  if (result.kind !== "failed" && result.kind !== "unreachable") return;
  const { kind, detail } = result;
  const served = { provider: provider.row.name, model };
  gateway.log.warn("attempt.failed", { requestId: exchange.id, kind, detail, ...served });
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

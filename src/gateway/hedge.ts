/**
 * Two attempts for one answer: where the first is late, a second begins at the next candidate, with a
 * hold and a permit of its own. The first answer wins, content of a stream or a whole plain one; the
 * other attempt is given up at once and paid for, because it may have generated.
 *
 * Invariant: when this returns, or throws, no attempt runs but the one whose answer it returns, and
 * every other is settled.
 */
import { laneLatencyMs } from "../../actors/provider.ts";
import type { ExchangeHandle } from "../../actors/exchange.ts";
import { assert } from "../base/assert.ts";
import type { Refusal } from "../base/verdict.ts";
import type { GeneratedOutput } from "../dialects/usage-contract.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptPlan, AttemptTarget } from "./attempt-plan.ts";
import type { AttemptResult } from "./attempt-result.ts";
import { stopExchange, type Exchange, type Stoppable } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { makeAttempt } from "./make-attempt.ts";
import { noteAnswer, noteMade } from "./objects/made.ts";
import { planAttempt } from "./plan-attempt.ts";
import type { RouteTerms } from "./resolve.ts";
import { settleAnswer } from "./settle-answer.ts";

/** An attempt that is over, or whose answer is to be given to the client. */
type Ended = { readonly plan: AttemptPlan; readonly result: AttemptResult };

/** No attempt began, for the owners' budgets had no room. */
type Unheld = { readonly refusal: Refusal };

/** What came of one of two attempts; error: it was thrown, and the hold was given back. */
export type Over = Ended | Unheld | { readonly error: unknown };

/** What a hedged attempt needs of the exchange's story. */
export type HedgeParts = {
  readonly gateway: Gateway;
  readonly exchange: Exchange;
  readonly admitted: Admitted;
  readonly story: ExchangeHandle;
  readonly targetOf: (candidateIndex: number) => AttemptTarget;
  /** One of two attempts brought nothing; the other goes on. */
  readonly onOver: (over: Over, isHedge: boolean) => void;
};

type HedgeTerms = NonNullable<RouteTerms["hedge"]>;

/** While nothing is known of a lane, what is late is only guessed: so many times the least delay. */
const UNKNOWN_FACTOR = 4;

/** Makes the attempt, and where it is late another one. Throws what an attempt throws. */
export async function makeHedgedAttempt(
  parts: HedgeParts,
  terms: HedgeTerms,
  plan: AttemptPlan,
): Promise<Ended | Unheld> {
  const { gateway, exchange } = parts;
  const run = startRun(exchange);
  exchange.stopAttempt = (reason) => stopExchange(run, reason);
  const first = attempt(parts, run, plan);
  const delayMs = hedgeDelayMs(terms, plan, parts.admitted.request.stream);
  do {
    if (!(await isLate(gateway, first, delayMs))) return await first;
    // What waits for a slot or the disk is not late yet; another attempt would wait there too.
  } while (!plan.isHeld);
  const hedge = mayHedge(parts, terms) ? hedgeTarget(parts) : null;
  return hedge === null ? await first : await race(parts, { run, first }, hedge);
}

function hedgeDelayMs(
  { percentile, delayMsMin }: HedgeTerms,
  { candidate }: AttemptPlan,
  isStream: boolean,
): number {
  const learnedMs = laneLatencyMs(candidate.lane.handle, percentile, !isStream);
  return learnedMs === null ? delayMsMin * UNKNOWN_FACTOR : Math.max(delayMsMin, learnedMs);
}

async function isLate(
  { clock }: Gateway,
  first: Promise<unknown>,
  delayMs: number,
): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = clock.after(delayMs, () => late.resolve(true));
  try {
    return await Promise.race([first.then(() => false), late.promise]);
  } finally {
    timer.cancel();
  }
}

function mayHedge(
  { gateway, exchange, admitted, story }: HedgeParts,
  { percentMax }: HedgeTerms,
): boolean {
  const { request, routeId } = admitted;
  if (exchange.stoppedFor !== null || exchange.clientGone) return false;
  // Hundreds of megabytes at once to two, or a file that the loser keeps and nobody knows of, help nobody.
  if (exchange.spool !== null || exchange.call.codec.modelInHeader === true) return false;
  // The answers of both would be in it.
  if (request.objects?.some(({ kind }) => kind === "conversation") === true) return false;
  const atMs = gateway.clock.nowMs();
  if (!story.canHedge(atMs) || routeId === null) return false;
  const isCalm = gateway.shed.allows("hedge");
  if (isCalm && gateway.hedges.take(routeId, percentMax, atMs)) return true;
  gateway.metrics.hedgeRefused(isCalm ? "budget" : "load");
  return false;
}

function hedgeTarget({ gateway, story, targetOf }: HedgeParts): AttemptTarget {
  story.send({ type: "hedge.due", atMs: gateway.clock.nowMs() });
  const step = story.step();
  assert(step.do === "hedge", "a second attempt may begin");
  return targetOf(step.candidate);
}

/** An attempt on its way, and what stops it alone. */
type Running = { readonly run: Stoppable; readonly first: Promise<Ended> };

async function race(
  parts: HedgeParts,
  { run, first }: Running,
  target: AttemptTarget,
): Promise<Ended | Unheld> {
  const { exchange } = parts;
  const hedgeRun = startRun(exchange);
  exchange.isHedged = true;
  exchange.drainsForLeftClient = false;
  exchange.stopAttempt = (reason) => {
    stopExchange(run, reason);
    stopExchange(hedgeRun, reason);
  };
  const sides = [
    side(first, run, false),
    side(secondAttempt(parts, hedgeRun, target), hedgeRun, true),
  ] as const;
  const one = await Promise.race(sides);
  const otherSide = sides[one.isHedge ? 0 : 1];
  if (isAnswered(one.over)) {
    stopExchange(one.isHedge ? run : hedgeRun, "hedge_lost");
    await settleLoser(parts, (await otherSide).over);
    return takeOver(exchange, one.over, one.run);
  }
  parts.onOver(one.over, one.isHedge);
  const { over, run: left } = await otherSide;
  if ("error" in over) throw over.error;
  return "plan" in over ? takeOver(exchange, over, left) : over;
}

type Side = { readonly isHedge: boolean; readonly run: Stoppable; readonly over: Over };

/** Never rejects. */
function side(running: Promise<Ended | Unheld>, run: Stoppable, isHedge: boolean): Promise<Side> {
  return running.then(
    (over): Side => ({ isHedge, run, over }),
    (error: unknown): Side => ({ isHedge, run, over: { error } }),
  );
}

/** Of an exchange that was stopped before, it is stopped from the begin on. */
function startRun({ stoppedFor }: Exchange): Stoppable {
  const stopped = Promise.withResolvers<void>();
  if (stoppedFor !== null) stopped.resolve();
  return { stoppedFor, stopAttempt: null, stopped };
}

async function attempt(
  { gateway, exchange, admitted }: HedgeParts,
  run: Stoppable,
  plan: AttemptPlan,
): Promise<Ended> {
  return { plan, result: await makeAttempt(gateway, exchange, run, admitted, plan) };
}

async function secondAttempt(
  parts: HedgeParts,
  run: Stoppable,
  target: AttemptTarget,
): Promise<Ended | Unheld> {
  const { gateway, exchange, admitted } = parts;
  const plan = await planAttempt(gateway, exchange, run, admitted, target, null);
  return "refusal" in plan ? plan : await attempt(parts, run, plan);
}

function isAnswered(over: Over): over is Ended {
  return "plan" in over && (over.result.kind === "answer" || over.result.kind === "stream");
}

/** From here on the exchange is about this attempt alone. */
function takeOver(exchange: Exchange, ended: Ended, run: Stoppable): Ended {
  const { candidate, outputTokensCap } = ended.plan;
  const { row } = candidate.provider;
  exchange.isHedged = false;
  exchange.served = { provider: row.name, model: candidate.model };
  exchange.outputTokensCap = outputTokensCap;
  exchange.drainsForLeftClient = row.onClientDisconnect === "drain";
  exchange.stopAttempt = (reason) => stopExchange(run, reason);
  return ended;
}

/**
 * One that was given up is settled by now; one that answered in the same moment is not. What its provider
 * keeps of it is the tenant's, though nobody is told of it.
 */
async function settleLoser({ gateway, exchange, admitted }: HedgeParts, over: Over): Promise<void> {
  if ("error" in over) {
    gateway.log.warn("hedge.failed", { requestId: exchange.id, error: over.error });
    return;
  }
  if (!isAnswered(over)) return;
  const { plan, result } = over;
  const outcome = "hedge_lost";
  if (result.kind === "answer") {
    const { answer, usage } = result;
    void noteAnswer(gateway, exchange, admitted, plan, answer.body);
    const output = (): GeneratedOutput => exchange.call.codec.output(answer.body);
    const { status } = answer;
    const end = { usage, isPartial: false, output, counted: null, outcome, status };
    await settleAnswer(gateway, exchange, admitted, plan, end);
  } else if (result.kind === "stream") {
    const { watch, status } = result.stream;
    void noteMade(gateway, admitted, plan, watch.made?.() ?? []);
    const isPartial = !watch.isUsageFinal();
    const usage = watch.usage();
    const end = { usage, isPartial, output: watch.output, counted: null, outcome, status };
    await settleAnswer(gateway, exchange, admitted, plan, end);
  }
}

/**
 * An exchange without a client: the house asks, one attempt is made, and it stands in the ledger like every
 * other. It ends as soon as the way out begins, because nobody waits for it.
 */
import type { ClientRequest } from "../../dialects/contract.ts";
import type { Admitted } from "../admit.ts";
import type { AttemptPlan, TakenHold } from "../attempt-plan.ts";
import type { AttemptResult } from "../attempt-result.ts";
import { onRelease, stopExchange, type ClientCall, type Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { makeAttempt } from "../make-attempt.ts";
import { newExchange } from "../new-exchange.ts";
import type { Candidate } from "../resolve.ts";
import { HOUSE } from "./house.ts";

export type HouseCall = Pick<ClientCall, "dialect" | "codec" | "place" | "query" | "headers">;

/** What is asked for, and how long and how many bytes its answer may be. */
export type HouseAsk = {
  readonly call: HouseCall;
  readonly request: ClientRequest;
  readonly routeId: string | null;
  readonly totalMs: number;
  readonly bytesMax: number;
};

/** End it with {@link endHouse}, whatever becomes of it. */
export function beginHouse(gateway: Gateway, ask: HouseAsk): Exchange {
  const { call, request, totalMs, bytesMax } = ask;
  const exchange = newExchange(gateway, {
    ...call,
    readBody: () => Promise.resolve(request.bytes),
    declaredBytes: null,
    signal: new AbortController().signal,
    onEnd: () => undefined,
  });
  exchange.request = request;
  exchange.priorityClass = "batch";
  gateway.lifecycle.enterSpare(exchange);
  const deadline = gateway.watchdog.deadline(() => stopExchange(exchange, "deadline"));
  exchange.deadlineMs = exchange.createdAtMs + totalMs;
  deadline.arm(totalMs);
  onRelease(exchange, deadline.disarm);
  let readBytes = 0;
  exchange.onRead = (bytes) => {
    readBytes += bytes;
    if (readBytes > bytesMax) stopExchange(exchange, "deadline");
  };
  return exchange;
}

/** An attempt that is settled already unless its result is an answer or a stream. */
export type HouseAttempt = {
  readonly admitted: Admitted;
  readonly plan: AttemptPlan;
  readonly result: AttemptResult;
};

/** `hold` was taken by the caller. Throws what an attempt throws. */
export async function attemptForHouse(
  gateway: Gateway,
  exchange: Exchange,
  { request, routeId }: Pick<HouseAsk, "request" | "routeId">,
  candidate: Candidate,
  hold: TakenHold,
): Promise<HouseAttempt> {
  const admitted: Admitted = {
    principal: HOUSE,
    request,
    routeId,
    terms: {},
    candidates: [candidate],
    fallbacks: { context_window: [], content_filter: [] },
    shadows: [],
    firstHold: hold,
  };
  const startedMonotonicMs = gateway.clock.monotonicMs();
  const plan: AttemptPlan = {
    ...hold,
    candidate,
    candidateIndex: 0,
    isRepeat: false,
    isLastResort: false,
    startedMonotonicMs,
    sentMonotonicMs: startedMonotonicMs,
    watch: null,
    isHeld: false,
  };
  const result = await makeAttempt(gateway, exchange, exchange, admitted, plan);
  return { admitted, plan, result };
}

export function endHouse(gateway: Gateway, exchange: Exchange): void {
  exchange.isConcluded = true;
  exchange.release();
  gateway.lifecycle.leave(exchange);
}

/** An exchange of which nothing is known yet but its call. */
import { newId } from "../base/ids.ts";
import { LIMITS } from "../base/limits.ts";
import type { ClientCall, Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

const NOWHERE: readonly string[] = [];

export function newExchange({ clock, random }: Gateway, call: ClientCall): Exchange {
  const createdAtMs = clock.nowMs();
  return {
    id: newId("request", random),
    call,
    createdAtMs,
    startedMonotonicMs: clock.monotonicMs(),
    deadlineMs: createdAtMs + LIMITS.streamTotalMs,
    attemptTotalMs: null,
    setDeadline: () => undefined,
    principal: null,
    priorityClass: "default",
    request: null,
    spool: null,
    requestRate: null,
    tokenRate: null,
    ratesAtMs: createdAtMs,
    outputTokensCap: null,
    attempts: [],
    notes: [],
    attemptCount: 0,
    leavesHold: false,
    waitedInVainAt: NOWHERE,
    served: null,
    firstTokenMs: null,
    clientGone: false,
    isHedged: false,
    lacksRoom: false,
    drainsForLeftClient: false,
    onClientLeft: () => undefined,
    onRead: () => undefined,
    share: null,
    answeredBy: null,
    status: 500,
    errorCode: null,
    refusal: null,
    clientStream: null,
    story: null,
    stopAttempt: null,
    stoppedFor: null,
    stopped: Promise.withResolvers(),
    isAdmitted: false,
    isConcluded: false,
    release: () => undefined,
  };
}

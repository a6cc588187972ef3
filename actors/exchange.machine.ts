/**
 * One client request, from its first attempt to its end: what is to be done next.
 *
 *   idle        exchange.begin    → attempting
 *   attempting  attempt.failed    → attempting (another candidate) | backingOff | settling
 *               candidate.refused → attempting (another candidate) | backingOff | settling
 *               hedge.due         → hedging, when a second attempt may begin
 *               content.started   → relaying
 *   hedging     attempt.failed, candidate.refused → attempting, with the other attempt in hand
 *               content.started   → relaying
 *   backingOff  backoff.elapsed   → attempting | settling (the deadline has passed)
 *   relaying    attempt.failed    → continuing, where somebody can go on with it | settling
 *   continuing  attempt.failed, candidate.refused → continuing (another candidate) | settling
 *               content.started   → relaying
 *   settling    exchange.settled  → idle, ready for another request
 *   all where attempts run            answer.ended → settling
 *   all but idle and settling         client.left  → settling
 *
 * Invariant: at most `attemptsMax` attempts over all candidates, at most two at once, none begun after
 * the deadline, and after content none but one that goes on with it. Whatever happens, the way ends in
 * settling. Nothing of a request is left to the next.
 */
import { setup } from "xstate";
import { assert } from "../src/base/assert.ts";
import type { ExchangeEvent, ExchangeInput } from "./exchange-contract.ts";
import { DEFAULT_BACKOFF } from "./policy/backoff.ts";
import {
  courseAfterFailure,
  courseAfterHedge,
  courseAfterRefusal,
  courseHedged,
  hedgeOf,
  mayContinue,
  moveAfterFailure,
  moveAfterRefusal,
  type Course,
  type Move,
} from "./policy/retry.ts";

type Failed = Extract<ExchangeEvent, { type: "attempt.failed" }>;
type Refused = Extract<ExchangeEvent, { type: "candidate.refused" }>;

/** What the machine takes: `exchange.ts` begins, everything else comes from the gateway. */
export type ExchangeMachineEvent =
  | ExchangeEvent
  | { readonly type: "exchange.begin"; readonly input: ExchangeInput };

/** Owned by the machine and changed by its actions only; what others need is in `exchange.ts`. */
export type ExchangeRecord = { course: Course; delayMs: number; failed: boolean };

const NO_COURSE: Course = {
  range: { first: 0, end: 0 },
  attemptsMax: 0,
  deadlineMs: 0,
  backoff: DEFAULT_BACKOFF,
  candidate: 0,
  hedge: null,
  tried: [0],
  failures: 0,
  lastFailure: null,
  excluded: [],
};

function begin(record: ExchangeRecord, input: ExchangeInput): void {
  const { candidates, attemptsMax, deadlineMs, backoff = DEFAULT_BACKOFF } = input;
  assert(candidates >= 1 && attemptsMax >= 1, "an exchange needs a candidate and an attempt");
  assert(Number.isFinite(deadlineMs), `not a time: ${deadlineMs}`);
  const range = { first: 0, end: candidates };
  record.course = { ...NO_COURSE, range, attemptsMax, deadlineMs, backoff };
  record.delayMs = 0;
  record.failed = false;
}

/** The same answer for the same event, so guards and action may each ask. */
function moveAfter({ course }: ExchangeRecord, event: Failed | Refused): Move {
  assert(Number.isFinite(event.atMs), `not a time: ${event.atMs}`);
  if (event.type === "candidate.refused") return moveAfterRefusal(course, event.atMs);
  assert(event.jitter >= 0 && event.jitter < 1, `not in [0, 1): ${event.jitter}`);
  return moveAfterFailure(course, event, event.atMs);
}

/** Follows the course: counts the failure or remembers the refusal, takes the next candidate. */
function advance(record: ExchangeRecord, event: Failed | Refused): void {
  const move = moveAfter(record, event);
  const { course } = record;
  record.course =
    event.type === "attempt.failed"
      ? courseAfterFailure(course, event, move)
      : courseAfterRefusal(course, move);
  if (move.do === "wait") record.delayMs = move.delayMs;
  if (move.do === "stop") record.failed = true;
}

/** One of two attempts is over; the other is in hand from now on. */
function handOver(record: ExchangeRecord, event: Failed | Refused): void {
  const { isHedge = false } = event;
  const failure = event.type === "attempt.failed" ? event : null;
  record.course = courseAfterHedge(record.course, { isHedge, failure });
}

function beginHedge(record: ExchangeRecord, atMs: number): void {
  const hedge = hedgeOf(record.course, atMs);
  assert(hedge !== null, "a hedge without a candidate");
  record.course = courseHedged(record.course, hedge);
}

/** Somebody can go on with what is broken, and it may be tried. */
function canGoOn({ course }: ExchangeRecord, event: Failed | Refused): boolean {
  const { continueAt = null, atMs, type } = event;
  if (continueAt === null) return false;
  return type === "candidate.refused" ? atMs < course.deadlineMs : mayContinue(course, atMs);
}

function goOn(record: ExchangeRecord, event: Failed | Refused): void {
  const { course } = record;
  const failures = event.type === "attempt.failed" ? course.failures + 1 : course.failures;
  record.course = { ...course, failures, candidate: event.continueAt ?? course.candidate };
}

const exchangeSetup = setup({
  types: {
    context: {} as ExchangeRecord,
    events: {} as ExchangeMachineEvent,
  },
  actions: {
    fail: ({ context }) => {
      context.failed = true;
    },
    countLoser: ({ context }) => {
      context.course = { ...context.course, failures: context.course.failures + 1 };
    },
    forget: ({ context }) => {
      context.course = NO_COURSE;
    },
  },
});

export const exchangeMachine = exchangeSetup.createMachine({
  id: "exchange",
  context: () => ({ course: NO_COURSE, delayMs: 0, failed: false }),
  initial: "idle",
  states: {
    idle: {
      on: {
        "exchange.begin": {
          target: "attempting",
          actions: ({ context, event }) => begin(context, event.input),
        },
      },
    },
    attempting: {
      on: {
        "attempt.failed": [
          {
            guard: ({ context, event }) => moveAfter(context, event).do === "attempt",
            actions: ({ context, event }) => advance(context, event),
          },
          {
            guard: ({ context, event }) => moveAfter(context, event).do === "wait",
            target: "backingOff",
            actions: ({ context, event }) => advance(context, event),
          },
          { target: "settling", actions: ({ context, event }) => advance(context, event) },
        ],
        "candidate.refused": [
          {
            guard: ({ context, event }) => moveAfter(context, event).do === "attempt",
            actions: ({ context, event }) => advance(context, event),
          },
          {
            guard: ({ context, event }) => moveAfter(context, event).do === "wait",
            target: "backingOff",
            actions: ({ context, event }) => advance(context, event),
          },
          { target: "settling", actions: ({ context, event }) => advance(context, event) },
        ],
        "hedge.due": {
          guard: ({ context, event }) => hedgeOf(context.course, event.atMs) !== null,
          target: "hedging",
          actions: ({ context, event }) => beginHedge(context, event.atMs),
        },
        "content.started": { target: "relaying" },
        "answer.ended": { target: "settling" },
        "client.left": { target: "settling", actions: "fail" },
      },
    },
    hedging: {
      on: {
        "attempt.failed": {
          target: "attempting",
          actions: ({ context, event }) => handOver(context, event),
        },
        "candidate.refused": {
          target: "attempting",
          actions: ({ context, event }) => handOver(context, event),
        },
        // The attempt that lost is over as well.
        "content.started": { target: "relaying", actions: "countLoser" },
        "answer.ended": { target: "settling" },
        "client.left": { target: "settling", actions: "fail" },
      },
    },
    backingOff: {
      on: {
        "backoff.elapsed": [
          {
            guard: ({ context, event }) => event.atMs < context.course.deadlineMs,
            target: "attempting",
          },
          { target: "settling", actions: "fail" },
        ],
        "client.left": { target: "settling", actions: "fail" },
      },
    },
    relaying: {
      on: {
        "attempt.failed": [
          {
            guard: ({ context, event }) => canGoOn(context, event),
            target: "continuing",
            actions: ({ context, event }) => goOn(context, event),
          },
          { target: "settling", actions: "fail" },
        ],
        "answer.ended": { target: "settling" },
        "client.left": { target: "settling", actions: "fail" },
      },
    },
    continuing: {
      on: {
        "attempt.failed": [
          {
            guard: ({ context, event }) => canGoOn(context, event),
            actions: ({ context, event }) => goOn(context, event),
          },
          { target: "settling", actions: "fail" },
        ],
        "candidate.refused": [
          {
            guard: ({ context, event }) => canGoOn(context, event),
            actions: ({ context, event }) => goOn(context, event),
          },
          { target: "settling", actions: "fail" },
        ],
        "content.started": { target: "relaying" },
        "answer.ended": { target: "settling" },
        "client.left": { target: "settling", actions: "fail" },
      },
    },
    settling: { on: { "exchange.settled": { target: "idle", actions: "forget" } } },
  },
});

/**
 * One client request, from its first attempt to its end: what is to be done next.
 *
 *   idle        exchange.begin    → attempting
 *   attempting  attempt.failed    → attempting (another candidate) | backingOff | settling
 *               candidate.refused → attempting (another candidate) | backingOff | settling
 *               content.started   → relaying
 *   backingOff  backoff.elapsed   → attempting | settling (the deadline has passed)
 *   relaying    attempt.failed    → settling: nothing is retried after content
 *   settling    exchange.settled  → idle, ready for another request
 *   attempting, relaying              answer.ended → settling
 *   attempting, backingOff, relaying  client.left  → settling
 *
 * Invariant: at most `attemptsMax` attempts over all candidates, none after content, none begun after
 * the deadline. Whatever happens, the way ends in settling. Nothing of a request is left to the next.
 */
import { setup } from "xstate";
import { assert } from "../src/base/assert.ts";
import type { ExchangeEvent, ExchangeInput } from "./exchange-contract.ts";
import { moveAfterFailure, moveAfterRefusal, type Course, type Move } from "./policy/retry.ts";

type Failed = Extract<ExchangeEvent, { type: "attempt.failed" }>;
type Refused = Extract<ExchangeEvent, { type: "candidate.refused" }>;

/** What the machine takes: `exchange.ts` begins, everything else comes from the gateway. */
export type ExchangeMachineEvent =
  | ExchangeEvent
  | { readonly type: "exchange.begin"; readonly input: ExchangeInput };

/** Owned by the machine and changed by its actions only; what others need is in `exchange.ts`. */
export type ExchangeRecord = { course: Course; delayMs: number; failed: boolean };

const NO_COURSE: Course = {
  candidates: 0,
  attemptsMax: 0,
  deadlineMs: 0,
  candidate: 0,
  failures: 0,
  lastFailure: null,
  refused: [],
};

function begin(record: ExchangeRecord, input: ExchangeInput): void {
  const { candidates, attemptsMax, deadlineMs } = input;
  assert(candidates >= 1 && attemptsMax >= 1, "an exchange needs a candidate and an attempt");
  assert(Number.isFinite(deadlineMs), `not a time: ${deadlineMs}`);
  record.course = { ...NO_COURSE, candidates, attemptsMax, deadlineMs };
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
  const candidate = move.do === "stop" ? course.candidate : move.candidate;
  record.course =
    event.type === "attempt.failed"
      ? { ...course, candidate, failures: course.failures + 1, lastFailure: event }
      : { ...course, candidate, refused: [...course.refused, course.candidate] };
  if (move.do === "wait") record.delayMs = move.delayMs;
  if (move.do === "stop") record.failed = true;
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
        "content.started": { target: "relaying" },
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
        "attempt.failed": { target: "settling", actions: "fail" },
        "answer.ended": { target: "settling" },
        "client.left": { target: "settling", actions: "fail" },
      },
    },
    settling: { on: { "exchange.settled": { target: "idle", actions: "forget" } } },
  },
});

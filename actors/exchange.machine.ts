/**
 * One client request, from its first attempt to its end: what is to be done next.
 *
 *   attempting  attempt.failed    → attempting (another candidate) | backingOff | settling
 *               candidate.refused → attempting (another candidate) | backingOff | settling
 *               content.started   → relaying
 *   backingOff  backoff.elapsed   → attempting | settling (the deadline has passed)
 *   relaying    attempt.failed    → settling: nothing is retried after content
 *   settling    exchange.settled  → ended
 *   attempting, relaying              answer.ended → settling
 *   attempting, backingOff, relaying  client.left  → settling
 *
 * Invariant: at most `attemptsMax` attempts over all candidates, none after content, none begun after
 * the deadline. Whatever happens, the way ends in settling.
 */
import { setup } from "xstate";
import { assert } from "../src/base/assert.ts";
import type { ExchangeEvent, ExchangeInput } from "./contract.ts";
import { moveAfterFailure, moveAfterRefusal, type Course, type Move } from "./policy/retry.ts";

type Failed = Extract<ExchangeEvent, { type: "attempt.failed" }>;
type Refused = Extract<ExchangeEvent, { type: "candidate.refused" }>;

/** Owned by the machine and changed by its actions only; what others need is in `exchange.ts`. */
export type ExchangeRecord = { course: Course; delayMs: number; failed: boolean };

function createExchangeRecord(input: ExchangeInput): ExchangeRecord {
  const { candidates, attemptsMax, deadlineMs } = input;
  assert(candidates >= 1 && attemptsMax >= 1, "an exchange needs a candidate and an attempt");
  assert(Number.isFinite(deadlineMs), `not a time: ${deadlineMs}`);
  const course: Course = {
    candidates,
    attemptsMax,
    deadlineMs,
    candidate: 0,
    failures: 0,
    lastFailure: null,
    refused: [],
  };
  return { course, delayMs: 0, failed: false };
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
    events: {} as ExchangeEvent,
    input: {} as ExchangeInput,
  },
  actions: {
    fail: ({ context }) => {
      context.failed = true;
    },
  },
});

export const exchangeMachine = exchangeSetup.createMachine({
  id: "exchange",
  context: ({ input }) => createExchangeRecord(input),
  initial: "attempting",
  states: {
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
    settling: { on: { "exchange.settled": { target: "ended" } } },
    ended: {},
  },
});

/**
 * A lane of a provider (a credential and a family of models): its breaker and its rests. An open
 * breaker refuses attempts.
 *
 *   closed         outcome.report [one failure too many]  → open
 *   open           permit.request [its time has passed]   → half_open, and the permit is given
 *                  permit.request [a last resort, at most one each second] → a permit all the same
 *                  outcome.report [a last resort was answered] → half_open
 *   half_open      outcome.report [a probe failed]        → open, for twice as long
 *                  outcome.report [the third success]     → closed, with a slow start
 *   forced_open    permit.request → refused, whoever asks
 *   forced_closed  outcome.report → counted, moves nothing
 *   all            permit.request [may pass] → a permit; else refused at once, never queued
 *                  attempt.end
 *                  breaker.force → forced_open, forced_closed, or from there closed
 *
 * Each change of state is a new generation; an outcome counts only in the one that permitted its
 * attempt. Throttled answers, an empty account and a refused credential never trip the breaker: they
 * begin a rest, during which every state refuses. Time passes by the events' own times, there are no
 * timers.
 */
import { setup } from "xstate";
import { leaveReply } from "./ask.ts";
import {
  answersLastResort,
  closeBreaker,
  completesProbes,
  endAttempt,
  failsProbe,
  forceBreaker,
  halfOpenBreaker,
  openBreaker,
  recordOutcome,
  trips,
} from "./provider-attempts.ts";
import type { BreakerForced, ProviderEvent, ProviderInput } from "./provider-contract.ts";
import {
  giveLastResort,
  givePermit,
  mayPass,
  mayPassClosed,
  mayPassOpen,
  refusePermit,
} from "./provider-permits.ts";
import {
  createProviderRecord,
  isOpenTimeOver,
  probesLeft,
  type ProviderRecord,
} from "./provider-record.ts";

type Args<T extends ProviderEvent["type"]> = {
  readonly context: ProviderRecord;
  readonly event: Extract<ProviderEvent, { type: T }>;
};

/** Where an operator's word leads; one that changes nothing is ignored. */
function forced<T extends string>(to: BreakerForced | null, target: T) {
  return {
    guard: ({ context, event }: Args<"breaker.force">) => event.to === to && context.forced !== to,
    target,
    actions: ({ context, event }: Args<"breaker.force">) => forceBreaker(context, event),
  };
}

export const providerMachine = setup({
  types: {
    context: {} as ProviderRecord,
    events: {} as ProviderEvent,
    input: {} as ProviderInput,
  },
}).createMachine({
  id: "provider",
  context: ({ input }) => createProviderRecord(input),
  initial: "starting",
  on: {
    // Each state lets attempts through in its own way first; what comes here may not pass.
    "permit.request": {
      actions: ({ context, event }) => leaveReply(context, refusePermit(context, event)),
    },
    "outcome.report": { actions: ({ context, event }) => recordOutcome(context, event) },
    "attempt.end": { actions: ({ context, event }) => endAttempt(context, event) },
    "breaker.force": [
      forced("open", ".forced_open"),
      forced("closed", ".forced_closed"),
      forced(null, ".closed"),
    ],
  },
  states: {
    // Left before the first event comes.
    starting: {
      always: [
        { guard: ({ context }) => context.forced === "open", target: "forced_open" },
        { guard: ({ context }) => context.forced === "closed", target: "forced_closed" },
        { target: "closed" },
      ],
    },
    closed: {
      on: {
        "permit.request": {
          guard: ({ context, event }) => mayPassClosed(context, event),
          actions: ({ context, event }) => leaveReply(context, givePermit(context, event, false)),
        },
        "outcome.report": {
          guard: ({ context, event }) => trips(context, event),
          target: "open",
          actions: ({ context, event }) => {
            recordOutcome(context, event);
            openBreaker(context, event);
          },
        },
      },
    },
    open: {
      on: {
        "permit.request": [
          {
            guard: ({ context, event }) =>
              isOpenTimeOver(context, event.atMs) && mayPass(context, event),
            target: "half_open",
            actions: ({ context, event }) => {
              halfOpenBreaker(context);
              leaveReply(context, givePermit(context, event, true));
            },
          },
          {
            guard: ({ context, event }) => mayPassOpen(context, event),
            actions: ({ context, event }) => leaveReply(context, giveLastResort(context, event)),
          },
        ],
        "outcome.report": {
          guard: ({ context, event }) => answersLastResort(context, event),
          target: "half_open",
          actions: ({ context, event }) => {
            recordOutcome(context, event);
            halfOpenBreaker(context);
          },
        },
      },
    },
    half_open: {
      on: {
        "permit.request": {
          guard: ({ context, event }) =>
            probesLeft(context, event.atMs) > 0 && mayPass(context, event),
          actions: ({ context, event }) => leaveReply(context, givePermit(context, event, true)),
        },
        "outcome.report": [
          {
            guard: ({ context, event }) => failsProbe(context, event),
            target: "open",
            actions: ({ context, event }) => {
              recordOutcome(context, event);
              openBreaker(context, event);
            },
          },
          {
            guard: ({ context, event }) => completesProbes(context, event),
            target: "closed",
            actions: ({ context, event }) => {
              recordOutcome(context, event);
              closeBreaker(context, event.atMs);
            },
          },
        ],
      },
    },
    forced_open: {},
    forced_closed: {
      on: {
        "permit.request": {
          guard: ({ context, event }) => mayPass(context, event),
          actions: ({ context, event }) => leaveReply(context, givePermit(context, event, false)),
        },
      },
    },
  },
});

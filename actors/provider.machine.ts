/**
 * A provider: its breaker, its cooldown and its slots. An open breaker refuses attempts.
 *
 *   closed     outcome.report [one failure too many]  → open
 *   open       permit.request [its time has passed]   → half_open, and the permit is given
 *   half_open  outcome.report [a probe failed]        → open, for twice as long
 *              outcome.report [the third success]     → closed
 *   all        permit.request [may pass] → a permit; else refused at once, never queued
 *              attempt.end
 *
 * Each change of state is a new generation; an outcome counts only in the one that permitted its
 * attempt. Throttled answers never trip the breaker: they start a cooldown, during which every state
 * refuses. Time passes by the events' own times, there are no timers.
 */
import { setup } from "xstate";
import { leaveReply } from "./ask.ts";
import type { ProviderEvent, ProviderInput } from "./provider-contract.ts";
import {
  closeBreaker,
  completesProbes,
  endAttempt,
  failsProbe,
  givePermit,
  halfOpenBreaker,
  openBreaker,
  recordOutcome,
  refusePermit,
  trips,
} from "./provider-attempts.ts";
import {
  createProviderRecord,
  hasFreeSlot,
  isCooling,
  isOpenTimeOver,
  probesLeft,
  type ProviderRecord,
} from "./provider-record.ts";

/** What holds in every state: no cooldown, and a slot. */
function mayPass(record: ProviderRecord, atMs: number): boolean {
  return !isCooling(record, atMs) && hasFreeSlot(record);
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
  initial: "closed",
  on: {
    // Each state lets attempts through in its own way first; what comes here may not pass.
    "permit.request": {
      actions: ({ context, event }) => leaveReply(context, refusePermit(context, event)),
    },
    "outcome.report": { actions: ({ context, event }) => recordOutcome(context, event) },
    "attempt.end": { actions: ({ context, event }) => endAttempt(context, event) },
  },
  states: {
    closed: {
      on: {
        "permit.request": {
          guard: ({ context, event }) => mayPass(context, event.atMs),
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
        "permit.request": {
          guard: ({ context, event }) =>
            isOpenTimeOver(context, event.atMs) && mayPass(context, event.atMs),
          target: "half_open",
          actions: ({ context, event }) => {
            halfOpenBreaker(context);
            leaveReply(context, givePermit(context, event, true));
          },
        },
      },
    },
    half_open: {
      on: {
        "permit.request": {
          guard: ({ context, event }) =>
            probesLeft(context, event.atMs) > 0 && mayPass(context, event.atMs),
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
              closeBreaker(context);
            },
          },
        ],
      },
    },
  },
});

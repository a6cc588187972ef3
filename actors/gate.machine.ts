/**
 * A provider's gate: how many attempts run at once, and who waits for a slot.
 *
 *   free      only the operator's bound holds
 *             limit.outcome [congested]       → limited
 *   limited   the provider's own bound holds as well: lowered by complaints, raised by clean outcomes
 *             limit.outcome [clean, outgrown] → free
 *   draining  whoever waited was told so; what runs may still take what is free
 *   free, limited  gate.drain                 → draining
 *   all       slot.request → a slot at once; else a place in the queue, or refused
 *             slot.release, slot.cancel, gate.configure
 *
 * Every event is answered with all whose wait it has ended. There are no timers: who keeps the waiters
 * cancels those whose time is over.
 *
 * Invariant: where anybody waits no slot is free, and each who waits is told exactly once.
 */
import { setup } from "xstate";
import { leaveReply } from "./ask.ts";
import type { GateEvent, GateInput } from "./gate-contract.ts";
import {
  cancelWait,
  configure,
  createGateRecord,
  drainQueue,
  giveSlot,
  hasFreeSlot,
  learnLimit,
  refuseDraining,
  releaseSlot,
  waitForSlot,
  type GateRecord,
} from "./gate-record.ts";
import { isOutgrown } from "./policy/adaptive-limit.ts";

/** Only what has a slot can tell anything about it. */
function tells({ taken }: GateRecord, { attemptId }: { readonly attemptId: string }): boolean {
  return taken.has(attemptId);
}

export const gateMachine = setup({
  types: {
    context: {} as GateRecord,
    events: {} as GateEvent,
    input: {} as GateInput,
  },
}).createMachine({
  id: "gate",
  context: ({ input }) => createGateRecord(input),
  initial: "free",
  on: {
    "slot.request": [
      {
        guard: ({ context }) => hasFreeSlot(context),
        actions: ({ context, event }) => leaveReply(context, giveSlot(context, event)),
      },
      { actions: ({ context, event }) => leaveReply(context, waitForSlot(context, event)) },
    ],
    "slot.release": {
      actions: ({ context, event }) => leaveReply(context, releaseSlot(context, event)),
    },
    "slot.cancel": {
      actions: ({ context, event }) => leaveReply(context, cancelWait(context, event)),
    },
    "limit.outcome": {
      actions: ({ context, event }) => leaveReply(context, learnLimit(context, event)),
    },
    "gate.configure": {
      actions: ({ context, event }) => leaveReply(context, configure(context, event)),
    },
    "gate.drain": {
      target: ".draining",
      actions: ({ context }) => leaveReply(context, drainQueue(context)),
    },
  },
  states: {
    free: {
      on: {
        "limit.outcome": [
          {
            guard: ({ context, event }) => event.kind === "congested" && tells(context, event),
            target: "limited",
            actions: ({ context, event }) => leaveReply(context, learnLimit(context, event)),
          },
          { actions: ({ context, event }) => leaveReply(context, learnLimit(context, event)) },
        ],
      },
    },
    limited: {
      on: {
        "limit.outcome": [
          {
            guard: ({ context, event }) =>
              event.kind === "clean" && tells(context, event) && isOutgrown(context.limit),
            target: "free",
            actions: ({ context, event }) => leaveReply(context, learnLimit(context, event)),
          },
          { actions: ({ context, event }) => leaveReply(context, learnLimit(context, event)) },
        ],
      },
    },
    draining: {
      on: {
        "slot.request": [
          {
            guard: ({ context }) => hasFreeSlot(context),
            actions: ({ context, event }) => leaveReply(context, giveSlot(context, event)),
          },
          { actions: ({ context }) => leaveReply(context, refuseDraining()) },
        ],
      },
    },
  },
});

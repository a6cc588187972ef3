/**
 * A tenant, or another owner of rules (an end user, everyone): what exchanges may take of it, and
 * what they have taken.
 *
 *   active     exchange.admit, attempt.hold → a verdict, all or nothing
 *              tenant.suspend               → suspended
 *   suspended  exchange.admit, attempt.hold → refused, nothing is taken
 *              tenant.activate              → active
 *   both       attempt.settle, exchange.end, exchange.undo: what began, ends
 *
 * Invariant: posted + held + free = amount for every budget; every slot, hold and model token that
 * was taken belongs to an exchange or attempt of the record.
 */
import { setup } from "xstate";
import { refuse } from "../src/base/verdict.ts";
import { leaveReply } from "./ask.ts";
import type { TenantEvent, TenantInput } from "./contract.ts";
import { admitExchange, holdAttempt } from "./tenant-admit.ts";
import { createTenantRecord } from "./tenant-build.ts";
import type { TenantRecord } from "./tenant-record.ts";
import { endExchange, settleAttempt, undoExchange } from "./tenant-resolve.ts";

export const tenantMachine = setup({
  types: {
    context: {} as TenantRecord,
    events: {} as TenantEvent,
    input: {} as TenantInput,
  },
  actions: {
    refuseSuspended: ({ context }) => {
      leaveReply(context, refuse("tenant_suspended", "This tenant is suspended."));
    },
  },
  guards: {
    beginsSuspended: ({ context }) => context.beginsSuspended,
  },
}).createMachine({
  id: "tenant",
  context: ({ input }) => createTenantRecord(input),
  initial: "starting",
  on: {
    "attempt.settle": { actions: ({ context, event }) => settleAttempt(context, event) },
    "exchange.end": { actions: ({ context, event }) => endExchange(context, event) },
    "exchange.undo": { actions: ({ context, event }) => undoExchange(context, event) },
  },
  states: {
    // Left before the first event comes.
    starting: {
      always: [{ guard: "beginsSuspended", target: "suspended" }, { target: "active" }],
    },
    active: {
      on: {
        "exchange.admit": {
          actions: ({ context, event }) => leaveReply(context, admitExchange(context, event)),
        },
        "attempt.hold": {
          actions: ({ context, event }) => leaveReply(context, holdAttempt(context, event)),
        },
        "tenant.suspend": { target: "suspended" },
      },
    },
    suspended: {
      on: {
        "exchange.admit": { actions: "refuseSuspended" },
        "attempt.hold": { actions: "refuseSuspended" },
        "tenant.activate": { target: "active" },
      },
    },
  },
});

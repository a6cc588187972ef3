/**
 * The mutants: gateways that are wrong in one way each, all of them ways in which money gateways have
 * been wrong. A simulator that does not find them would not find their like in the product.
 */
import type { TenantEvent } from "../../actors/contract.ts";
import type { TenantHandle, TenantQuestion } from "../../actors/tenant.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import type { PostingRecord, Store } from "../../src/store/contract.ts";
import { DISK_MUTANTS } from "./mutants-disk.ts";
import type { Mutant } from "./mutant.ts";

type Ledger = Store["ledger"];

function withLedger(store: Store, change: (ledger: Ledger) => Partial<Ledger>): Store {
  return { ...store, ledger: { ...store.ledger, ...change(store.ledger) } };
}

/** Changes what the owners' actors are told; null is not told at all. */
function retelling(gateway: Gateway, retell: (event: TenantEvent) => TenantEvent | null): void {
  const { owners } = gateway.directory;
  const tell = owners.tell.bind(owners);
  owners.tell = (scopes, event) => {
    const told = retell(event);
    if (told !== null) tell(scopes, told);
  };
}

type Ask = TenantHandle["ask"];

/** Changes how the owners' actors are asked; `isTenant` is true for the first of them. */
function asking(gateway: Gateway, change: (ask: Ask, isTenant: boolean) => Ask): void {
  const { owners } = gateway.directory;
  const allReady = owners.allReady.bind(owners);
  const changed = (handle: TenantHandle, isTenant: boolean): TenantHandle => ({
    ...handle,
    ask: change((question) => handle.ask(question), isTenant),
  });
  owners.allReady = (scopes) => {
    const asked = allReady(scopes);
    if (asked instanceof Promise) return asked;
    const [tenant, ...others] = asked;
    return [changed(tenant, true), ...others.map((other) => changed(other, false))];
  };
}

/** Settlements that `isFree` picks are posted and told as if they had cost nothing. */
function freeing(
  name: string,
  says: string,
  isFree: (record: PostingRecord) => boolean,
): () => Mutant {
  return () => {
    const freed = new Set<string>();
    return {
      name,
      says,
      store: (store) =>
        withLedger(store, (ledger) => ({
          post: (record) => {
            if (record.kind !== "settle" || !isFree(record)) {
              ledger.post(record);
              return;
            }
            freed.add(record.attemptId);
            ledger.post({ ...record, kind: "void", amountNanoUsd: 0 });
          },
        })),
      gateway: (gateway) =>
        retelling(gateway, (event) =>
          event.type === "attempt.settle" && freed.has(event.attemptId)
            ? { ...event, costNanoUsd: 0 }
            : event,
        ),
    };
  };
}

/** A question about less than the worst case. */
function quarter(question: TenantQuestion): TenantQuestion {
  const options = question.options.map((option) => ({
    ...option,
    nanoUsd: Math.ceil(option.nanoUsd / 4),
  }));
  return { ...question, options };
}

export const MUTANTS: Readonly<Record<string, () => Mutant>> = {
  ...DISK_MUTANTS,

  "leaked-hold": () => {
    const left = new Set<string>();
    return {
      name: "leaked-hold",
      says: "the hold of a client that left is never given back in the actor",
      store: (store) =>
        withLedger(store, (ledger) => ({
          post: (record) => {
            if (record.outcome === "client_gone") left.add(record.attemptId);
            ledger.post(record);
          },
        })),
      gateway: (gateway) =>
        retelling(gateway, (event) =>
          event.type === "attempt.settle" && left.has(event.attemptId) ? null : event,
        ),
    };
  },

  "free-on-disconnect": freeing(
    "free-on-disconnect",
    "a client that leaves pays nothing",
    ({ outcome }) => outcome === "client_gone",
  ),

  "free-on-timeout": freeing(
    "free-on-timeout",
    "a provider that did not answer in time is taken to have done nothing",
    ({ outcome }) => outcome.startsWith("timeout"),
  ),

  "free-without-usage": freeing(
    "free-without-usage",
    "an answer without usage costs nothing",
    ({ outcome, estimated }) => estimated && outcome === "ok",
  ),

  "expected-instead-of-worst": () => ({
    name: "expected-instead-of-worst",
    says: "a quarter of the worst case is held, because answers are usually short",
    gateway: (gateway) => asking(gateway, (ask) => (question) => ask(quarter(question))),
  }),

  "dispatch-before-durable": () => ({
    name: "dispatch-before-durable",
    says: "the request is sent while its hold is still on the way to the disk",
    store: (store) =>
      withLedger(store, (ledger) => ({
        hold: (record) => {
          ledger.hold(record).catch(() => undefined);
          return Promise.resolve();
        },
      })),
  }),

  "stale-sums": () => ({
    name: "stale-sums",
    says: "an actor that is built anew starts from the sums that were read first",
    store: (store) => {
      const first = new Map<string, ReturnType<Store["ownerState"]>>();
      return {
        ...store,
        ownerState: async (owner, windows) => {
          const key = JSON.stringify(owner);
          const now = store.ownerState(owner, windows);
          const { postedNanoUsd } = await (first.get(key) ?? now);
          if (!first.has(key)) first.set(key, now);
          return { ...(await now), postedNanoUsd };
        },
      };
    },
  }),

  "edit-resets-usage": () => ({
    name: "edit-resets-usage",
    says: "a budget that is edited begins at zero again",
    store: (store) => {
      let isEdited = false;
      return {
        ...store,
        update: (noun, id, change, ifVersion) => {
          isEdited ||= noun === "budgets";
          return store.update(noun, id, change, ifVersion);
        },
        ownerState: async (owner, windows) => {
          const state = await store.ownerState(owner, windows);
          return isEdited ? { ...state, postedNanoUsd: {} } : state;
        },
      };
    },
  }),

  "retry-without-hold": () => ({
    name: "retry-without-hold",
    says: "a further attempt runs on the first one's admission, and the budget is not asked",
    gateway: (gateway) =>
      asking(gateway, (ask, isTenant) => (question) => {
        // Only the tenant's own actor is asked to admit an exchange; what it holds later is a retry.
        if (!isTenant || question.type === "exchange.admit") return ask(question);
        const [option] = question.options;
        if (option === undefined) return ask(question);
        const { nanoUsd: heldNanoUsd, outputTokensCap } = option;
        const none = { requests: null, tokens: null, stopsAtHold: false };
        return { allowed: true, value: { heldNanoUsd, outputTokensCap, optionIndex: 0, ...none } };
      }),
  }),

  "leaked-slot": () => {
    const repeated = new Set<string>();
    return {
      name: "leaked-slot",
      says: "an exchange that needed a second attempt never frees its slot",
      gateway: (gateway) => {
        asking(gateway, (ask, isTenant) => (question) => {
          if (isTenant && question.type === "attempt.hold") repeated.add(question.exchangeId);
          return ask(question);
        });
        retelling(gateway, (event) =>
          event.type === "exchange.end" && repeated.has(event.exchangeId) ? null : event,
        );
      },
    };
  },

  "project-forgotten": () => ({
    name: "project-forgotten",
    says: "the budgets of the project are not asked",
    gateway: (gateway) =>
      asking(
        gateway,
        (ask) => (question) =>
          ask({ ...question, scopes: { ...question.scopes, projectId: null } }),
      ),
  }),

  "everyone-forgotten": () => ({
    name: "everyone-forgotten",
    says: "budgets that span tenants, and those of end users, are not asked",
    gateway: ({ directory: { owners } }) => {
      const allReady = owners.allReady.bind(owners);
      owners.allReady = (scopes) => {
        const asked = allReady(scopes);
        return asked instanceof Promise ? asked : [asked[0]];
      };
    },
  }),

  "refusal-keeps-holds": () => ({
    name: "refusal-keeps-holds",
    says: "when a later owner refuses, those who had agreed keep their holds",
    gateway: (gateway) => {
      const { owners } = gateway.directory;
      const allReady = owners.allReady.bind(owners);
      owners.allReady = (scopes) => {
        const asked = allReady(scopes);
        if (asked instanceof Promise) return asked;
        const [tenant, ...others] = asked;
        return [{ ...tenant, send: () => true }, ...others];
      };
    },
  }),

  "rounds-down": () => ({
    name: "rounds-down",
    says: "a nano-dollar is lost with each reported cost",
    store: (store) =>
      withLedger(store, (ledger) => ({
        post: (record) => {
          const isReported = record.kind === "settle" && !record.estimated;
          const amountNanoUsd = Math.max(0, record.amountNanoUsd - (isReported ? 1 : 0));
          ledger.post({ ...record, amountNanoUsd });
        },
      })),
  }),
};

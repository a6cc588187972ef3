/**
 * What goes into the actors and what comes out: inputs, events and verdict values, as data. Events
 * carry `atMs`, stamped where they enter; nothing in this folder reads a clock or draws a number.
 */
import type { AttemptScopes, ScopeChain } from "../src/base/scope.ts";
import type { NanoUsd } from "../src/base/units.ts";
import type { Verdict } from "../src/base/verdict.ts";
import type { LearnedOutputs } from "./policy/learned-output.ts";
import type { BudgetRule, LimitRule, RequestAllowance } from "./rules.ts";

export type {
  BudgetAlert,
  BudgetCredit,
  BudgetRule,
  LimitRule,
  RequestAllowance,
} from "./rules.ts";

// ---- tenant: what it is built from -------------------------------------------------------------

/** A hold without a posting, as the ledger knows it. */
export type OpenHold = {
  readonly attemptId: string;
  readonly exchangeId: string;
  readonly scopes: AttemptScopes;
  readonly heldNanoUsd: NanoUsd;
  readonly heldAtMs: number;
};

/** Fill of one limit's buckets, carried over when the actor is rebuilt after an edit. */
export type BucketFill = {
  readonly limitId: string;
  readonly requests: { readonly level: number; readonly atMs: number } | null;
  readonly tokens: { readonly level: number; readonly atMs: number } | null;
};

/** An exchange in flight that owns slots; given again when the actor is rebuilt. */
export type SlotOwner = {
  readonly exchangeId: string;
  readonly scopes: ScopeChain;
  /** Model tokens its admission took; without it token rates are not corrected when it ends. */
  readonly tokens?: number;
};

export type TenantInput = {
  /** Whose rules these are (`ownerKey`): a tenant, an end user of one, or everyone. */
  readonly ownerKey: string;
  /** The tenant that every question must come from; null where the owner spans tenants. */
  readonly tenantId: string | null;
  readonly status: "active" | "suspended";
  readonly budgets: readonly BudgetRule[];
  readonly limits: readonly LimitRule[];
  readonly allowances: readonly RequestAllowance[];
  /**
   * Posted in the window that contains `atMs`, by budget id; a budget without an entry has 0. Resets
   * are not taken off.
   */
  readonly postedNanoUsd: Readonly<Record<string, NanoUsd>>;
  readonly openHolds: readonly OpenHold[];
  /**
   * The latest time at which the ledger has money of this owner. Past `atMs` it means that the clock
   * was set back: windows from there to here are read anew when they come.
   */
  readonly ledgerReachesMs?: number | null;
  readonly slotOwners: readonly SlotOwner[];
  readonly fills: readonly BucketFill[];
  /** What the actor before this one has learned, handed over as a whole; null at the first start. */
  readonly learnedOutputs: LearnedOutputs | null;
  readonly atMs: number;
};

// ---- tenant: events --------------------------------------------------------------------------

/**
 * One way to run an attempt, in order of preference, and its worst case: one token for each byte of
 * input, so that the amount of a budget holds by construction.
 */
export type HoldOption = {
  readonly nanoUsd: NanoUsd;
  /** What every hard budget must have left, where that is more: what is free asks for room, too. */
  readonly roomNanoUsd?: NanoUsd;
  /** null when the request goes out as it is. */
  readonly outputTokensCap: number | null;
};

/** Output tokens of one choice, as its provider reported them. */
export type OutputObserved = {
  readonly tokenId: string;
  readonly model: string;
  readonly outputTokens: number;
};

export type TenantEvent =
  | {
      /** All or nothing: request rate, token rate, slots, request allowance and the first hold. */
      readonly type: "exchange.admit";
      readonly exchangeId: string;
      readonly attemptId: string;
      readonly scopes: AttemptScopes;
      /** Model tokens held against token rates until the exchange ends. */
      readonly tokens: number;
      readonly options: readonly HoldOption[];
      readonly atMs: number;
    }
  | {
      /** A further attempt of an admitted exchange: budgets only. */
      readonly type: "attempt.hold";
      readonly exchangeId: string;
      readonly attemptId: string;
      readonly scopes: AttemptScopes;
      readonly options: readonly HoldOption[];
      readonly atMs: number;
    }
  | {
      /** The truth about an attempt: `costNanoUsd` 0 is a void. Twice the same id is once. */
      readonly type: "attempt.settle";
      readonly attemptId: string;
      readonly costNanoUsd: NanoUsd;
      /** Teaches the output size of this access token and model; null teaches nothing. */
      readonly observed: OutputObserved | null;
      readonly atMs: number;
    }
  | {
      /** Frees slots and corrects token rates to what was really used. */
      readonly type: "exchange.end";
      readonly exchangeId: string;
      readonly tokensUsed: number;
      readonly atMs: number;
    }
  | {
      /** Gives everything back as if never asked: another part refused before dispatch. */
      readonly type: "exchange.undo";
      readonly exchangeId: string;
      readonly atMs: number;
    }
  | { readonly type: "tenant.suspend"; readonly atMs: number }
  | { readonly type: "tenant.activate"; readonly atMs: number };

/** For the `x-ratelimit-*` headers: the tightest rule of the chain, null when there is none. */
export type RateState = {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the bucket is full again. */
  readonly resetMs: number;
};

export type AdmitValue = {
  readonly heldNanoUsd: NanoUsd;
  readonly outputTokensCap: number | null;
  /** Place of the option that was held. */
  readonly optionIndex: number;
  /** True when a budget of the chain wants a stream stopped that reaches this hold. */
  readonly stopsAtHold: boolean;
  readonly requests: RateState | null;
  readonly tokens: RateState | null;
};

/** `attempt.hold` answers with the same value; its rates are null. */
export type TenantVerdict = Verdict<AdmitValue>;

/** What the admin API and the metrics show of one budget, now. */
export type BudgetState = {
  readonly budgetId: string;
  /** With the credits in force; null: unlimited. */
  readonly amountNanoUsd: NanoUsd | null;
  /** Less what resets took back. */
  readonly postedNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
  readonly windowStartedAtMs: number;
  /** null for a window that never ends. */
  readonly windowEndsAtMs: number | null;
};

/** What the admin API shows of one limit, now. */
export type LimitState = {
  readonly limitId: string;
  readonly requestsRemaining: number | null;
  readonly tokensRemaining: number | null;
  readonly inFlight: number;
};

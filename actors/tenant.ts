/**
 * A tenant's actor as the rest of the program uses it: questions with a verdict, facts without one,
 * and plain views of what it remembers. Views look, they change nothing; they work on a dead actor
 * too, whose record is as it was before the event it died of.
 */
import type { ScopeChain } from "../src/base/scope.ts";
import { ask } from "./ask.ts";
import type {
  BucketFill,
  BudgetAlert,
  BudgetState,
  LimitState,
  RateState,
  TenantEvent,
  TenantInput,
  TenantVerdict,
} from "./contract.ts";
import { allowanceTokens, learnedAllowance } from "./policy/learned-output.ts";
import { fillOf, remainingTokens, resetMs } from "./policy/token-bucket.ts";
import { supervise, type OnFailure } from "./supervise.ts";
import { tightestRate } from "./tenant-rates.ts";
import { limitsOf, type TenantRecord } from "./tenant-record.ts";
import { accountAt, knowsTime } from "./tenant-windows.ts";
import { tenantMachine } from "./tenant.machine.ts";

/** The events that are answered. */
export type TenantQuestion = Extract<TenantEvent, { type: "exchange.admit" | "attempt.hold" }>;

export interface TenantHandle {
  /** Refuses with `internal_error` when the actor is dead or dies of it; `onFailure` was told then. */
  readonly ask: (question: TenantQuestion) => TenantVerdict;
  /** False when the event was not taken; `onFailure` was told then. */
  readonly send: (event: TenantEvent) => boolean;
  /** The alerts found since they were last taken; each is given once. */
  readonly takeAlerts: () => readonly BudgetAlert[];
  readonly isAlive: () => boolean;
  readonly stop: () => void;
  /** For the functions of this file; changed by nobody but the actor. */
  readonly record: () => Readonly<TenantRecord>;
}

const NO_ALERTS: readonly BudgetAlert[] = [];

/** Throws when the input makes no sense, such as a time zone that does not exist. */
export function startTenant(input: TenantInput, onFailure: OnFailure): TenantHandle {
  const actor = supervise(tenantMachine, input, { onFailure });
  return {
    ask: (question) => ask(actor, question),
    send: (event) => actor.send(event),
    takeAlerts: () => {
      const { alerts } = actor.snapshot().context;
      return alerts.length === 0 ? NO_ALERTS : alerts.splice(0);
    },
    isAlive: () => actor.alive,
    stop: () => actor.stop(),
    record: () => actor.snapshot().context,
  };
}

/** Every budget of the tenant in the window that contains `atMs`. */
export function tenantBudgets(handle: TenantHandle, atMs: number): BudgetState[] {
  return handle.record().budgets.map((budget) => {
    const account = accountAt(budget, atMs);
    const { amountNanoUsd, postedNanoUsd, heldNanoUsd, startMs, endMs } = account;
    return {
      budgetId: budget.budgetId,
      amountNanoUsd,
      postedNanoUsd,
      heldNanoUsd,
      windowStartedAtMs: startMs,
      windowEndsAtMs: endMs,
    };
  });
}

export function tenantLimits(handle: TenantHandle, atMs: number): LimitState[] {
  return handle.record().limits.map(({ limitId, requests, tokens, inFlight }) => ({
    limitId,
    requestsRemaining: requests === null ? null : remainingTokens(requests, atMs),
    tokensRemaining: tokens === null ? null : remainingTokens(tokens, atMs),
    inFlight,
  }));
}

/** The rates of a chain as the headers of an answer tell them, refusals included. */
export function tenantRates(
  handle: TenantHandle,
  scopes: ScopeChain,
  atMs: number,
): { readonly requests: RateState | null; readonly tokens: RateState | null } {
  const limits = limitsOf(handle.record(), scopes);
  return {
    requests: tightestRate(limits, "requests", atMs),
    tokens: tightestRate(limits, "tokens", atMs),
  };
}

/** The fills of all buckets, for the actor that takes over. */
export function tenantFills(handle: TenantHandle): BucketFill[] {
  return handle.record().limits.map(({ limitId, requests, tokens }) => ({
    limitId,
    requests: requests === null ? null : fillOf(requests),
    tokens: tokens === null ? null : fillOf(tokens),
  }));
}

/** Output tokens to which an answer may be capped when its worst case does not fit. */
export function learnedOutputTokens(handle: TenantHandle, tokenId: string, model: string): number {
  return allowanceTokens(handle.record().learnedOutputs, tokenId, model);
}

/** What was learned of them; null: too little to tell. */
export function knownOutputTokens(
  handle: TenantHandle,
  tokenId: string,
  model: string,
): number | null {
  return learnedAllowance(handle.record().learnedOutputs, tokenId, model);
}

/**
 * False when the clock has gone to where this actor does not know what was spent, such as a window
 * before it was built: then hard budgets refuse, and a new actor must be built from the ledger.
 */
export function tenantKnows(handle: TenantHandle, atMs: number): boolean {
  return knowsTime(handle.record(), atMs);
}

/** True when forgetting the actor loses nothing but what it has learned. */
export function isTenantIdle(handle: TenantHandle, atMs: number): boolean {
  const { exchanges, holds, limits } = handle.record();
  if (exchanges.size > 0 || holds.size > 0) return false;
  return limits.every(
    ({ requests, tokens }) =>
      (requests === null || resetMs(requests, atMs) === 0) &&
      (tokens === null || resetMs(tokens, atMs) === 0),
  );
}

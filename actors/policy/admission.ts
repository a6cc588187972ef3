/**
 * The decision about an exchange, all or nothing: every rate, allowance, slot and budget of its
 * chain, from the narrowest scope to the widest, is looked at before anything is taken, in the order in which
 * refusals are told: request rate, token rate, request allowance, slots, budget.
 *
 * Nothing here takes anything. Who asked takes, when the answer is yes.
 */
import type { ScopeRef } from "../../src/base/scope.ts";
import { refuse, type Refusal, type Verdict } from "../../src/base/verdict.ts";
import type { NanoUsd } from "../../src/base/units.ts";
import { hasRoom, type BudgetAccount } from "./budget.ts";
import { chooseHold, type PricedOption } from "./hold-options.ts";
import { refuseAllowance, refuseBudget, refuseConcurrency, refuseRate } from "./refusal.ts";
import { waitMs, type Bucket } from "./token-bucket.ts";

export type ChainLimit = {
  readonly limitId: string;
  readonly scope: ScopeRef;
  readonly requests: Bucket | null;
  readonly tokens: Bucket | null;
  readonly maxConcurrent: number | null;
  readonly inFlight: number;
  /** Model tokens taken for exchanges in flight. */
  readonly tokensHeld: number;
};

/** A budget of the chain, its account as of now. */
export type ChainBudget = {
  readonly budgetId: string;
  readonly scope: ScopeRef;
  readonly account: BudgetAccount;
};

export type ChainAllowance = {
  readonly tokenId: string;
  readonly requestsMax: number;
  readonly requestsUsed: number;
};

export type Ask<O extends PricedOption> = {
  readonly limits: readonly ChainLimit[];
  readonly budgets: readonly ChainBudget[];
  readonly allowance: ChainAllowance | null;
  readonly tokens: number;
  readonly options: readonly O[];
  readonly atMs: number;
};

export type Hold<O> = {
  readonly option: O;
  readonly optionIndex: number;
  readonly heldNanoUsd: NanoUsd;
};

const RATE_KINDS = ["requests", "tokens"] as const;

/** May the exchange run, and by which of its options? */
export function decideAdmission<O extends PricedOption>(ask: Ask<O>): Verdict<Hold<O>> {
  const refusal = refuseByRate(ask) ?? refuseByAllowance(ask) ?? refuseBySlots(ask);
  return refusal === null ? decideHold(ask) : { allowed: false, refusal };
}

/** May a further attempt be held? Rates and slots were taken with the exchange. */
export function decideHold<O extends PricedOption>({
  budgets,
  options,
  atMs,
}: Pick<Ask<O>, "budgets" | "options" | "atMs">): Verdict<Hold<O>> {
  const choice = chooseHold(options, budgets);
  if (choice === null) return refuse("internal_error", "The attempt has no way to run.");
  if (choice.fits) return { allowed: true, value: choice };
  const { askedNanoUsd } = choice;
  const { budgetId: ruleId, scope, account } = choice.budget;
  const retryAfterMs = windowsLeftMs(budgets, askedNanoUsd, atMs);
  const refusal = refuseBudget({ ruleId, scope, account, askedNanoUsd, retryAfterMs });
  return { allowed: false, refusal };
}

/** Until the last window ends of those that have no room; null when one of them never ends. */
function windowsLeftMs(
  budgets: readonly ChainBudget[],
  askedNanoUsd: NanoUsd,
  atMs: number,
): number | null {
  let longest = 0;
  for (const { account } of budgets) {
    if (hasRoom(account, askedNanoUsd)) continue;
    if (account.endMs === null) return null;
    longest = Math.max(longest, account.endMs - atMs);
  }
  return longest;
}

/** Told is the first rule that refuses; the time to come back is when the last of them allows. */
function refuseByRate(ask: Ask<PricedOption>): Refusal | null {
  for (const kind of RATE_KINDS) {
    const asked = kind === "requests" ? 1 : ask.tokens;
    for (const limit of ask.limits) {
      const bucket = limit[kind];
      if (bucket === null) continue;
      const wait = waitMs(bucket, asked, ask.atMs);
      if (wait === 0) continue;
      return refuseRate({
        kind,
        ruleId: limit.limitId,
        scope: limit.scope,
        bucket,
        held: kind === "tokens" ? limit.tokensHeld : 0,
        asked,
        waitMs: wait,
        retryAfterMs: longestWaitMs(ask),
        atMs: ask.atMs,
      });
    }
  }
  return null;
}

/** Until every rate of the chain allows it; null when one never will. */
function longestWaitMs({ limits, tokens, atMs }: Ask<PricedOption>): number | null {
  let longest = 0;
  for (const limit of limits) {
    const forRequest = limit.requests === null ? 0 : waitMs(limit.requests, 1, atMs);
    const forTokens = limit.tokens === null ? 0 : waitMs(limit.tokens, tokens, atMs);
    if (forRequest === null || forTokens === null) return null;
    longest = Math.max(longest, forRequest, forTokens);
  }
  return longest;
}

function refuseByAllowance({ allowance }: Ask<PricedOption>): Refusal | null {
  if (allowance === null || allowance.requestsUsed < allowance.requestsMax) return null;
  return refuseAllowance(allowance.tokenId, allowance.requestsMax, allowance.requestsUsed);
}

function refuseBySlots({ limits }: Ask<PricedOption>): Refusal | null {
  for (const { limitId: ruleId, scope, maxConcurrent, inFlight } of limits) {
    if (maxConcurrent !== null && inFlight >= maxConcurrent) {
      return refuseConcurrency({ ruleId, scope }, maxConcurrent, inFlight);
    }
  }
  return null;
}

/**
 * The wording and the facts of a tenant's refusals: which rule of which scope, what was used, held
 * and asked, and when to come back. The public sentence names the scope's kind, never its id.
 */
import type { ScopeRef, ScopeType } from "../../src/base/scope.ts";
import { formatUsd, type NanoUsd } from "../../src/base/units.ts";
import type { Refusal, RefusalReason } from "../../src/base/verdict.ts";
import type { BudgetAccount } from "./budget.ts";
import { raisedAmount } from "./credits.ts";
import { usedTokens, type Bucket } from "./token-bucket.ts";
import type { WindowKind } from "./window.ts";

/** Slots free when somebody else's request ends; nobody knows when. */
const SLOT_RETRY_MS = 1_000;

const SCOPE_NAMES: Readonly<Record<ScopeType, string>> = {
  token: "access token",
  end_user: "end user",
  project: "project",
  tenant: "tenant",
  route: "model",
  provider: "provider",
  global: "gateway",
};
const WINDOW_NAMES: Readonly<Record<WindowKind, string>> = {
  hour: "hourly budget",
  day: "daily budget",
  week: "weekly budget",
  month: "monthly budget",
  total: "budget",
};

type Rule = { readonly ruleId: string; readonly scope: ScopeRef };

export type RateRefusal = Rule & {
  readonly kind: "requests" | "tokens";
  readonly bucket: Bucket;
  /** Part of what was used that requests in flight hold. */
  readonly held: number;
  readonly asked: number;
  /** Until this rule lets it pass, and until all rates do; null for never. */
  readonly waitMs: number | null;
  readonly retryAfterMs: number | null;
  readonly atMs: number;
};

export function refuseRate(refusal: RateRefusal): Refusal {
  const { kind, bucket, scope, ruleId, held, asked, waitMs, retryAfterMs, atMs } = refusal;
  const unit = kind === "requests" ? "requests" : "model tokens";
  return withRetry(
    {
      code: "rate_limit_exceeded",
      message: `The limit of ${bucket.perMinute} ${unit} per minute of this ${SCOPE_NAMES[scope.type]} is reached.`,
      reason: {
        kind,
        scope,
        ruleId,
        limit: bucket.perMinute,
        posted: Math.max(0, usedTokens(bucket, atMs) - held),
        held,
        asked,
        freesAtMs: waitMs === null ? null : atMs + waitMs,
      },
    },
    retryAfterMs,
  );
}

export function refuseAllowance(tokenId: string, requestsMax: number, used: number): Refusal {
  const scope: ScopeRef = { type: "token", id: tokenId };
  return {
    code: "rate_limit_exceeded",
    message: `This access token has used its ${requestsMax} requests.`,
    reason: reasonOf("max_requests", { ruleId: tokenId, scope }, requestsMax, used),
  };
}

export function refuseConcurrency(rule: Rule, maxConcurrent: number, inFlight: number): Refusal {
  return {
    code: "concurrency_limit_exceeded",
    message: `This ${SCOPE_NAMES[rule.scope.type]} already runs ${inFlight} requests; ${maxConcurrent} may run at once.`,
    retryAfterMs: SLOT_RETRY_MS,
    reason: reasonOf("concurrency", rule, maxConcurrent, inFlight),
  };
}

/** The rules that count whole requests: each asks for one, and time alone frees none. */
function reasonOf(
  kind: "max_requests" | "concurrency",
  { scope, ruleId }: Rule,
  limit: number,
  posted: number,
): RefusalReason {
  return { kind, scope, ruleId, limit, posted, held: 0, asked: 1, freesAtMs: null };
}

export type BudgetRefusal = Rule & {
  readonly account: BudgetAccount;
  readonly askedNanoUsd: NanoUsd;
  /** Until the windows of all budgets that refuse have ended; null for never. */
  readonly retryAfterMs: number | null;
};

export function refuseBudget(refusal: BudgetRefusal): Refusal {
  const { ruleId, scope, account, askedNanoUsd, retryAfterMs } = refusal;
  const { terms, amountNanoUsd, postedNanoUsd, heldNanoUsd } = account;
  return withRetry(
    {
      code: "budget_exceeded",
      message: budgetSentence(refusal),
      reason: {
        kind: "budget",
        scope,
        ruleId,
        limit: amountNanoUsd ?? terms.amountNanoUsd ?? 0,
        posted: postedNanoUsd,
        held: heldNanoUsd,
        asked: askedNanoUsd,
        freesAtMs: freesAtMs(account, askedNanoUsd),
      },
    },
    retryAfterMs,
  );
}

/** What all tenants spend together is the operator's business: no sums where a budget spans them. */
function budgetSentence({ scope, account, askedNanoUsd }: BudgetRefusal): string {
  const { terms, amountNanoUsd, postedNanoUsd, heldNanoUsd } = account;
  const window = WINDOW_NAMES[terms.window];
  const whose = SCOPE_NAMES[scope.type];
  const isShared = scope.type === "route" || scope.type === "provider" || scope.type === "global";
  if (isShared) return `The ${window} of this ${whose} does not cover this request.`;
  return (
    `The ${window} of ${formatUsd(amountNanoUsd ?? 0)} USD of this ${whose} does not cover this ` +
    `request: ${formatUsd(postedNanoUsd)} spent, ${formatUsd(heldNanoUsd)} held by running ` +
    `requests, up to ${formatUsd(askedNanoUsd)} asked.`
  );
}

/** The end of the window, unless the request would not fit into the next, empty one either. */
function freesAtMs({ terms, endMs }: BudgetAccount, askedNanoUsd: NanoUsd): number | null {
  if (endMs === null) return null;
  const next = raisedAmount(terms.amountNanoUsd, terms.topUps, endMs);
  return next === null || askedNanoUsd <= next ? endMs : null;
}

function withRetry(refusal: Refusal, retryAfterMs: number | null): Refusal {
  return retryAfterMs === null ? refusal : { ...refusal, retryAfterMs };
}

/**
 * The wording and the facts of a tenant's refusals: which rule of which scope, what was used, held
 * and asked, and when to come back. The public sentence names the scope's kind, never its id.
 */
import type { ScopeRef } from "../../src/base/scope.ts";
import { formatUsd, type NanoUsd } from "../../src/base/units.ts";
import type { Refusal, RefusalReason } from "../../src/base/verdict.ts";
import { boundOf, type BudgetAccount } from "./budget.ts";
import { usedTokens, type Bucket } from "./token-bucket.ts";
import type { WindowKind } from "./window.ts";

/** Slots free when somebody else's request ends; nobody knows when. */
const SLOT_RETRY_MS = 1_000;

const SCOPE_NAMES = { token: "access token", project: "project", tenant: "tenant" } as const;
const WINDOW_NAMES: Readonly<Record<WindowKind, string>> = {
  day: "daily budget",
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

/** Comes back when the window ends, unless the request would not fit into an empty one either. */
export function refuseBudget(
  { ruleId, scope }: Rule,
  account: BudgetAccount,
  askedNanoUsd: NanoUsd,
  atMs: number,
): Refusal {
  const { terms, endMs, postedNanoUsd, heldNanoUsd } = account;
  const limit = boundOf(terms);
  return withRetry(
    {
      code: "budget_exceeded",
      message:
        `The ${WINDOW_NAMES[terms.window]} of ${formatUsd(limit)} USD of this ` +
        `${SCOPE_NAMES[scope.type]} does not cover this request: ${formatUsd(postedNanoUsd)} spent, ` +
        `${formatUsd(heldNanoUsd)} held by running requests, up to ${formatUsd(askedNanoUsd)} asked.`,
      reason: {
        kind: "budget",
        scope,
        ruleId,
        limit,
        posted: postedNanoUsd,
        held: heldNanoUsd,
        asked: askedNanoUsd,
        freesAtMs: askedNanoUsd <= limit ? endMs : null,
      },
    },
    endMs === null ? null : Math.max(0, endMs - atMs),
  );
}

function withRetry(refusal: Refusal, retryAfterMs: number | null): Refusal {
  return retryAfterMs === null ? refusal : { ...refusal, retryAfterMs };
}

/**
 * The rules that an owner's actor keeps, as operators set them: budgets with their credits, limits
 * and request allowances; and what a budget says when a threshold is passed.
 */
import type { ScopeRef } from "../src/base/scope.ts";
import type { NanoUsd } from "../src/base/units.ts";
import type { WindowTerms } from "./policy/window.ts";

/** What an operator added to a budget for a while. */
export type BudgetCredit = {
  readonly id: string;
  /** top_up raises the amount; reset takes back what had been posted before it. */
  readonly kind: "top_up" | "reset";
  readonly amountNanoUsd: NanoUsd;
  readonly startsAtMs: number;
  /** null: until the window that contains its start ends; of a total budget, for ever. */
  readonly expiresAtMs: number | null;
};

export type BudgetRule = WindowTerms & {
  readonly id: string;
  readonly scope: ScopeRef;
  /** null means unlimited: spend is counted, nothing is refused. 0 blocks everything priced. */
  readonly amountNanoUsd: NanoUsd | null;
  /** A soft budget counts and never refuses. */
  readonly mode: "hard" | "soft";
  /** What becomes of a stream whose metered cost reaches its hold. */
  readonly onHoldReached: "stop" | "finish_and_bill";
  /** Millionths of the amount at which to alert, once per window; of an unlimited budget never. */
  readonly alertThresholdsPpm: readonly number[];
  readonly credits: readonly BudgetCredit[];
};

/** A budget's window passed a threshold; told by the settlement (or the build) that found it. */
export type BudgetAlert = {
  readonly budgetId: string;
  readonly scope: ScopeRef;
  readonly windowStartMs: number;
  readonly thresholdPpm: number;
  /** With its credits, as of then. */
  readonly amountNanoUsd: NanoUsd;
  readonly postedNanoUsd: NanoUsd;
  readonly atMs: number;
};

export type LimitRule = {
  readonly id: string;
  readonly scope: ScopeRef;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly maxConcurrent: number | null;
  /** Requests that may come at once after a quiet time; one minute's worth when null. */
  readonly burst: number | null;
};

/** A token's life-long request allowance. */
export type RequestAllowance = {
  readonly tokenId: string;
  readonly requestsMax: number;
  readonly requestsUsed: number;
};

/**
 * What a tenant's actor remembers. The record is the machine's context: one mutable structure that
 * only the machine's own actions change (`tenant-admit.ts`, `tenant-resolve.ts`), because copying
 * thousands of holds for every event would cost more than the event. Everybody else reads.
 *
 * Bounds: rules, allowances and tokens are as many as are configured; exchanges and holds as many as
 * are in flight; learned outputs and the windows of a budget have bounds of their own.
 */
import {
  isLimitScope,
  limitScopeIdOf,
  scopeIdOf,
  type AttemptScopes,
  type ScopeChain,
  type ScopeRef,
  type ScopeType,
} from "../src/base/scope.ts";
import type { NanoUsd } from "../src/base/units.ts";
import type { Replies } from "./ask.ts";
import type { AdmitValue, BudgetAlert } from "./contract.ts";
import { reserve, type BudgetAccount } from "./policy/budget.ts";
import type { LearnedOutputs } from "./policy/learned-output.ts";
import type { Bucket } from "./policy/token-bucket.ts";

export type LimitEntry = {
  readonly limitId: string;
  readonly scope: ScopeRef;
  readonly maxConcurrent: number | null;
  requests: Bucket | null;
  tokens: Bucket | null;
  /** Exchanges of the scope that run now. */
  inFlight: number;
  /** Model tokens taken for them. */
  tokensHeld: number;
};

export type BudgetEntry = {
  readonly budgetId: string;
  readonly scope: ScopeRef;
  /** A stream that reaches its hold is ended for this budget's sake. */
  readonly stopsAtHold: boolean;
  /** Of the window that was looked at last. */
  account: BudgetAccount;
  /** Of other windows, those that hold money. */
  readonly others: BudgetAccount[];
  readonly alerts: AlertEntry;
};

/** What a budget has to tell, and what it has told. */
export type AlertEntry = {
  readonly thresholdsPpm: readonly number[];
  /** Posted sums at which the thresholds pass, of the amount they were reckoned for. */
  marks: { readonly amountNanoUsd: number; readonly nanoUsd: readonly number[] } | null;
  /** How many thresholds were told, by the start of the window. */
  readonly told: Map<number, number>;
  /** In the window from `startMs` nothing is to be told below `belowNanoUsd`; a shortcut. */
  quiet: { readonly startMs: number; readonly belowNanoUsd: number } | null;
};

export type AllowanceEntry = {
  readonly tokenId: string;
  readonly requestsMax: number;
  requestsUsed: number;
};

/** Money held for an attempt, in the windows that admitted it. */
export type HoldEntry = {
  readonly shares: readonly HoldShare[];
};

/** What one budget took of a hold: all of it, but where its sum can count no more. */
export type HoldShare = {
  readonly budget: BudgetEntry;
  readonly windowStartMs: number;
  readonly heldNanoUsd: NanoUsd;
};

export type ExchangeEntry = {
  readonly scopes: ScopeChain;
  readonly limits: readonly LimitEntry[];
  /** Asked of the token rates; null when it was admitted by a predecessor that did not say. */
  readonly tokens: number | null;
  /** It took rates, slots and the request allowance here, not holds alone. */
  readonly isAdmitted: boolean;
  readonly attemptIds: string[];
};

/** Rules by the type and id of their scope, from the narrowest type to the widest. */
export type ByScope<T> = ReadonlyMap<ScopeType, ReadonlyMap<string, readonly T[]>>;

export type TenantRecord = Replies<AdmitValue> & {
  readonly ownerKey: string;
  /** The tenant that every question must come from; null where the owner spans tenants. */
  readonly tenantId: string | null;
  readonly beginsSuspended: boolean;
  readonly limits: readonly LimitEntry[];
  readonly budgets: readonly BudgetEntry[];
  readonly limitsByScope: ByScope<LimitEntry>;
  readonly budgetsByScope: ByScope<BudgetEntry>;
  readonly allowances: Map<string, AllowanceEntry>;
  readonly exchanges: Map<string, ExchangeEntry>;
  readonly holds: Map<string, HoldEntry>;
  /** From here up to but without `knownUntilMs` the ledger's sums are known (`tenant-windows.ts`). */
  knownFromMs: number;
  knownUntilMs: number;
  /** Not taken by anybody yet. */
  readonly alerts: BudgetAlert[];
  readonly learnedOutputs: LearnedOutputs;
};

/** The limits that an exchange runs under, in the order in which they are checked. */
export function limitsOf({ limitsByScope }: TenantRecord, scopes: ScopeChain): LimitEntry[] {
  const found: LimitEntry[] = [];
  for (const [type, byId] of limitsByScope) {
    if (isLimitScope(type)) collect(found, byId, limitScopeIdOf(scopes, type));
  }
  return found;
}

/** The budgets that an attempt counts in, in the order in which they are checked. */
export function budgetsOf({ budgetsByScope }: TenantRecord, scopes: AttemptScopes): BudgetEntry[] {
  const found: BudgetEntry[] = [];
  for (const [type, byId] of budgetsByScope) collect(found, byId, scopeIdOf(scopes, type));
  return found;
}

function collect<T>(found: T[], byId: ReadonlyMap<string, readonly T[]>, id: string | null): void {
  const rules = id === null ? undefined : byId.get(id);
  if (rules !== undefined) for (const rule of rules) found.push(rule);
}

/** Takes a hold from the current window of each budget. */
export function takeHold(budgets: readonly BudgetEntry[], nanoUsd: NanoUsd): HoldEntry {
  const shares: HoldShare[] = [];
  for (const budget of budgets) {
    const { account } = budget;
    budget.account = reserve(account, nanoUsd);
    const heldNanoUsd = budget.account.heldNanoUsd - account.heldNanoUsd;
    shares.push({ budget, windowStartMs: account.startMs, heldNanoUsd });
  }
  return { shares };
}

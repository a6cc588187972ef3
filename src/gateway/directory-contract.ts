/**
 * What the admin use-cases know of the directory, the working copy of everything configured: it
 * takes committed writes, and shows the live state that actors remember.
 */
import type { BudgetState, LimitState } from "../../actors/contract.ts";
import type { LaneHealth, LaneService, ProviderHealth } from "../../actors/provider-contract.ts";
import type { Verdict } from "../base/verdict.ts";
import type { BudgetRow, Noun, Rows } from "../store/contract.ts";
import type { Explained, ExplainAsk } from "./choose/explained.ts";

/** A lane of a provider, as operators see it. */
export type LaneState = {
  readonly id: string;
  readonly family: string;
  /** Place of its credential among the provider's, from 1; null where it needs none. */
  readonly position: number | null;
  readonly health: LaneHealth;
  readonly service: LaneService;
};

export interface DirectoryAdmin {
  /**
   * Takes a committed write (`row`) or removal (null) into force; resolves when the next exchange
   * runs under it. Usage is never touched: a tenant's actor is rebuilt from the ledger.
   */
  readonly changed: <N extends Noun>(noun: N, id: string, row: Rows[N] | null) => Promise<void>;
  /**
   * Live state of a budget, whose end user's account where it is a default for each; loads the owner
   * when it is not in memory. null: the budget is not in force at this moment, or not for this end user.
   */
  readonly budgetState: (row: BudgetRow, endUserId: string | null) => Promise<BudgetState | null>;
  /** Live states of a tenant's budgets; loads the tenant when it is not in memory. */
  readonly budgetStates: (tenantId: string) => Promise<readonly BudgetState[]>;
  readonly limitStates: (tenantId: string) => Promise<readonly LimitState[]>;
  /** How a route would serve a request; null: there is no such route (any more). */
  readonly explain: (asked: ExplainAsk) => Promise<Verdict<Explained> | null>;
  readonly providerHealth: (providerId: string) => ProviderHealth;
  /** Each lane of a provider that has been asked for, now. */
  readonly providerLanes: (providerId: string) => readonly LaneState[];
  /** Requests that an access token has made, counting those whose rows are still on their way. */
  readonly requestCount: (tokenId: string) => number;
}

/** What is kept beside the ledger: alerts, models without a price, learned sizes, its state as a whole. */
import type * as schema from "../../drizzle/schema.ts";

export type AlertRecord = Omit<typeof schema.alerts.$inferSelect, "seq">;
export type AlertRow = typeof schema.alerts.$inferSelect;
export type AlertFilter = { readonly budgetId?: string };

export type UnpricedModel = typeof schema.unpricedModels.$inferSelect;
/** Requests for it that are not counted yet; `lastSeenAtMs`: of the last of them. */
export type UnpricedCount = Omit<UnpricedModel, "firstSeenAtMs">;
export type LearnedRow = typeof schema.learned.$inferSelect;

/** What operators see of the ledger as a whole. */
export type LedgerState = {
  readonly attempts: number;
  readonly postings: number;
  /** Last links of the two chains, in hexadecimal: kept elsewhere, they prove that nothing was cut off. */
  readonly attemptsHead: string;
  readonly postingsHead: string;
  /**
   * Why hard budgets refuse: the ledger is older than what was spent since. null: it is not. The
   * bound is the most that may have been spent unseen, where it can be told.
   */
  readonly frozen: { readonly detail: string; readonly sinceMs: number } | null;
};

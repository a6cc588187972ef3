/** What is asked of the history, requests and usage, and what it answers. */
import type * as schema from "../../drizzle/schema.ts";
import type { NanoUsd } from "../base/units.ts";

/** Filters of the request log; an absent one does not filter. */
export type RequestFilter = {
  readonly tenantId?: string;
  readonly projectId?: string;
  readonly tokenId?: string;
  readonly endUserId?: string;
  readonly route?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly status?: number;
  readonly errorCode?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
};

export type AttemptDetail = {
  readonly attempt: typeof schema.attempts.$inferSelect;
  /** The prices it was made under, as JSON. */
  readonly price: string;
  /** Every ledger entry of the attempt after the hold, in order. */
  readonly postings: readonly (typeof schema.postings.$inferSelect)[];
};

export type RequestDetail = {
  /** null when the row dropped but the ledger knows the exchange. */
  readonly request: typeof schema.requests.$inferSelect | null;
  readonly attempts: readonly AttemptDetail[];
};

export type UsageGroup = "tenant" | "project" | "token" | "model" | "provider" | "day";

export type UsageQuery = {
  readonly groupBy: readonly UsageGroup[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly tenantId?: string;
  readonly projectId?: string;
  readonly tokenId?: string;
};

export type UsageRow = {
  /** Only the members that were grouped by. */
  readonly group: Readonly<Partial<Record<UsageGroup, string>>>;
  readonly requests: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: NanoUsd;
};

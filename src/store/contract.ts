/**
 * What the rest of the program knows of the store: the ledger's two verbs, the request log, and the
 * calls to the writer thread. No SQL, no table and no thread shows through.
 */
import type * as schema from "../../drizzle/schema.ts";
import type { AttemptScopes, Owner, ScopeRef } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
import type { RefusalReason } from "../base/verdict.ts";
import type { RequestDetail, RequestFilter, UsageQuery, UsageRow } from "./history-contract.ts";
import type { KeyClaim, KeyStep } from "./idempotency-contract.ts";
import type { JobStore } from "./jobs-contract.ts";
import type { ObjectQuery, ObjectRow, ObjectStep } from "./objects-contract.ts";
import type {
  AlertFilter,
  AlertRecord,
  AlertRow,
  LearnedRow,
  LedgerState,
  UnpricedCount,
  UnpricedModel,
} from "./money-contract.ts";

/** The worst case of one attempt, written before it is made. */
export type HoldRecord = {
  readonly attemptId: string;
  readonly requestId: string;
  /** 1 for an exchange's first attempt, which also counts the request for its access token. */
  readonly attemptNumber: number;
  readonly scopes: AttemptScopes;
  /** The upstream's name of the model. */
  readonly model: string;
  /** Prices in force, as JSON, so that the attempt can be priced again in ten years. */
  readonly price: string;
  readonly heldNanoUsd: NanoUsd;
  readonly heldAtMs: number;
};

export type PostingKind = "settle" | "void" | "expire";

/** How one attempt ended. Exactly one per hold; a second one for the same attempt is ignored. */
export type PostingRecord = {
  readonly attemptId: string;
  readonly kind: PostingKind;
  readonly amountNanoUsd: NanoUsd;
  /** True when the amount is not from the provider's own report. */
  readonly estimated: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  /** Tokens and calls beyond these; null when there were none. */
  readonly details: schema.PostedDetails | null;
  /** HTTP status of the provider; null when none came. */
  readonly status: number | null;
  /** Short word for how it ended: `ok`, `status_429`, `timeout_first_byte`, `client_gone`, … */
  readonly outcome: string;
  readonly latencyMs: number;
  readonly postedAtMs: number;
};

/** One row per exchange, written whatever happened; may drop under pressure, counted. */
export type RequestRecord = {
  readonly id: string;
  readonly createdAtMs: number;
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly tokenId: string | null;
  readonly endUserId: string | null;
  /** Public name the client asked for. */
  readonly route: string | null;
  readonly provider: string | null;
  /** The upstream model that served it. */
  readonly model: string | null;
  readonly status: number;
  readonly errorCode: string | null;
  readonly stream: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: NanoUsd;
  readonly estimated: boolean;
  readonly attemptCount: number;
  readonly latencyMs: number;
  readonly firstTokenMs: number | null;
  readonly clientGone: boolean;
  readonly refusal: RefusalReason | null;
  /** What was tried, in order; null where the one attempt was answered. */
  readonly attemptNotes: readonly AttemptNote[] | null;
  /** The request whose answer this one got without an attempt of its own. */
  readonly answeredBy: string | null;
};

export interface Ledger {
  /**
   * Resolves once the hold is on disk. Rejects with GatewayError `ledger_unavailable` when it is
   * certain that it is not, and never will be.
   */
  readonly hold: (record: HoldRecord) => Promise<void>;
  /** Takes a posting for good: it is written with a later batch and retried until it is durable. */
  readonly post: (record: PostingRecord) => void;
  /** Holds and postings not yet durable. */
  readonly queued: () => number;
  /** Holds that are not durable yet. */
  readonly waitingHolds: () => WaitingHolds;
}

/** How many, and how long the oldest of them has waited; 0 when none does. */
export type WaitingHolds = { readonly count: number; readonly oldestMs: number };

export interface RequestLog {
  /** Never waits and never fails; past the bound the row drops and is counted. */
  readonly record: (row: RequestRecord) => void;
  readonly droppedCount: () => number;
}

export type StoreHealth =
  | { readonly ok: true }
  /** `detail` says what is wrong with which file and what would help. */
  | { readonly ok: false; readonly detail: string };

/** Sums and open holds from which an owner's actor is built. */
export type OwnerLedgerState = {
  readonly postedNanoUsd: Readonly<Record<string, NanoUsd>>;
  readonly openHolds: readonly {
    readonly attemptId: string;
    readonly requestId: string;
    readonly scopes: AttemptScopes;
    readonly heldNanoUsd: NanoUsd;
    readonly heldAtMs: number;
  }[];
  /**
   * The latest time at which the ledger has money in the asked scopes; null: it has none. Later than
   * now when the clock was ahead.
   */
  readonly reachesMs: number | null;
  /** Requests made so far by a tenant's access tokens, by token id; absent means 0. */
  readonly requestCounts: Readonly<Record<string, number>>;
};

/** The span of one budget's window whose postings are summed; `endMs` null means no end. */
export type WindowSum = {
  readonly budgetId: string;
  readonly scope: ScopeRef;
  readonly startMs: number;
  readonly endMs: number | null;
};

// ---- configured rows -------------------------------------------------------------------------

export type AttemptNote = schema.AttemptNote;
export type TenantRow = typeof schema.tenants.$inferSelect;
export type ProjectRow = typeof schema.projects.$inferSelect;
export type TokenRow = typeof schema.tokens.$inferSelect;
export type ProviderRow = typeof schema.providers.$inferSelect;
export type RouteRow = typeof schema.routes.$inferSelect;
export type PriceRow = typeof schema.prices.$inferSelect;
export type BudgetRow = typeof schema.budgets.$inferSelect;
export type LimitRow = typeof schema.limits.$inferSelect;
export type CreditRow = typeof schema.credits.$inferSelect;

/** The row type of each noun that operators configure. */
export type Rows = {
  tenants: TenantRow;
  projects: ProjectRow;
  tokens: TokenRow;
  providers: ProviderRow;
  routes: RouteRow;
  prices: PriceRow;
  budgets: BudgetRow;
  limits: LimitRow;
  credits: CreditRow;
};
export type Noun = keyof Rows;
/** Nouns that other rows name by id and that operators know by name. */
export type NamedNoun = "tenants" | "projects" | "tokens" | "providers";

/** Everything configured, from which the directory is built at start. */
export type Configuration = { readonly [N in Noun]: readonly Rows[N][] };

/** Why a write was not made; `detail` names the member or what uses the row. */
export type WriteRefusal = {
  readonly ok: false;
  readonly why: "not_found" | "stale" | "conflict" | "in_use" | "reference";
  readonly detail: string;
};
export type Written<T> = { readonly ok: true; readonly row: T } | WriteRefusal;

export type Page<T> = { readonly rows: readonly T[]; readonly nextCursor: string | null };

export type PageQuery = {
  readonly limit: number;
  /** Opaque, from the page before. */
  readonly cursor: string | null;
};

/** What start-up recovery found and did with attempts that a crash left without a posting. */
export type Recovery = {
  /** Posted at their hold as `expire`, estimated. */
  readonly expired: number;
  /** Of these, in the last commit before the crash, so perhaps never sent (`outcome: "maybe_unsent"`). */
  readonly maybeUnsent: number;
};

/**
 * The embedded store. Every call runs on the writer thread and sees every hold and posting taken
 * before it. Reads and edits of single configured rows and pages of them run in the order they were
 * made; calls that take longer run beside them. Holds and postings pass by all calls but
 * `ownerState`, which keeps its exact place among them.
 */
export interface Store extends JobStore {
  readonly ledger: Ledger;
  readonly requestLog: RequestLog;
  readonly health: () => StoreHealth;
  /** The ledger was found to be older than the spend: hard budgets refuse until it is accepted. */
  readonly isFrozen: () => boolean;
  /** What recovery did when this store was started. */
  readonly recovery: Recovery;

  readonly configuration: () => Promise<Configuration>;
  readonly insert: <N extends Noun>(noun: N, row: Rows[N]) => Promise<Written<Rows[N]>>;
  readonly get: <N extends Noun>(noun: N, id: string) => Promise<Rows[N] | null>;
  /** Names by id, of all that exist; one call, however many there are. */
  readonly names: (noun: NamedNoun, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** In the order of ids, oldest first; `where` compares columns for equality. */
  readonly page: <N extends Noun>(
    noun: N,
    where: Partial<Rows[N]>,
    query: PageQuery,
  ) => Promise<Page<Rows[N]>>;
  /** Changes only what is named and counts the version up; `ifVersion` refuses a stale edit. */
  readonly update: <N extends Noun>(
    noun: N,
    id: string,
    change: Partial<Omit<Rows[N], "id" | "version" | "createdAtMs">>,
    ifVersion: number | null,
  ) => Promise<Written<Rows[N]>>;
  /** Refuses with `in_use` and what uses it. A deleted row's history stays. */
  readonly remove: <N extends Noun>(noun: N, id: string) => Promise<Written<Rows[N]>>;

  /** As of all holds and postings taken before the call, and of none taken after it. */
  readonly ownerState: (owner: Owner, windows: readonly WindowSum[]) => Promise<OwnerLedgerState>;
  /** Posted in each window, in their order, as of all postings taken before the call. */
  readonly windowSums: (windows: readonly WindowSum[]) => Promise<readonly NanoUsd[]>;

  /** Stores an alert; false when this window had passed this threshold before. */
  readonly recordAlert: (alert: AlertRecord) => Promise<boolean>;
  /** Newest first. */
  readonly alertPage: (filter: AlertFilter, query: PageQuery) => Promise<Page<AlertRow>>;
  /** Counts requests for a model that nobody has a price of where it was asked for. */
  readonly countUnpriced: (count: UnpricedCount) => Promise<void>;
  readonly unpricedModels: () => Promise<readonly UnpricedModel[]>;
  readonly saveLearned: (rows: readonly LearnedRow[]) => Promise<void>;
  readonly learned: () => Promise<readonly LearnedRow[]>;

  /** One commit for all steps; each is answered at its place, null where there is nothing to tell. */
  readonly stepKeys: (steps: readonly KeyStep[]) => Promise<readonly (KeyClaim | null)[]>;
  /** Deletes idempotency keys that have expired, `rowsMax` at most; resolves with how many. */
  readonly expireKeys: (nowMs: number, rowsMax: number) => Promise<number>;

  /** One commit for all steps. */
  readonly stepObjects: (steps: readonly ObjectStep[]) => Promise<void>;
  /** Those that the tenant has, in any order; few enough for one look. */
  readonly findObjects: (
    tenantId: string,
    ids: readonly string[],
    nowMs: number,
  ) => Promise<readonly ObjectRow[]>;
  readonly listObjects: (query: ObjectQuery) => Promise<readonly ObjectRow[]>;
  /** Deletes what has expired, `rowsMax` at most; resolves with how many. */
  readonly expireObjects: (nowMs: number, rowsMax: number) => Promise<number>;

  readonly ledgerState: () => Promise<LedgerState>;
  /** An operator takes the ledger as it is: hard budgets work again from the next admission on. */
  readonly acceptLedger: () => Promise<LedgerState>;

  /** Sees all rows recorded before the call, and waits until they are written. */
  readonly requestPage: (
    filter: RequestFilter,
    query: PageQuery,
  ) => Promise<Page<typeof schema.requests.$inferSelect>>;
  /** Waits for rows like `requestPage`. */
  readonly requestDetail: (requestId: string) => Promise<RequestDetail | null>;
  readonly usage: (query: UsageQuery) => Promise<readonly UsageRow[]>;

  readonly setting: (name: string) => Promise<string | null>;
  readonly setSetting: (name: string, value: string) => Promise<void>;

  /** Resolves when everything taken so far is durable or has dropped by its own rules. */
  readonly flush: () => Promise<void>;
  /** Flushes, checkpoints, stops the thread. */
  readonly close: () => Promise<void>;
}

/**
 * The words in which the simulator tells the oracle what happened. Only facts that somebody outside
 * the gateway can see: what a provider received and generated, what is in the database file, what an
 * operator or a client asked and was told. Nothing of the product is imported here.
 */

export type ProviderName = "near" | "far";
export type ModelName = "fast" | "safe" | "wide";

/** A provider's own price list, in pico-dollars per token. */
export type Rates = {
  readonly inputPicoUsd: number;
  readonly outputPicoUsd: number;
  readonly cachedPicoUsd: number | null;
  /** Longest answer that the model gives; null when nobody tells. */
  readonly outputMax: number | null;
};

/** What an operator says that a model costs. */
export type PriceTerms = Pick<Rates, "inputPicoUsd" | "outputPicoUsd" | "cachedPicoUsd"> & {
  /** The model's name. */
  readonly id: string;
};

export type ScopeKind =
  | "token"
  | "end_user"
  | "project"
  | "tenant"
  | "route"
  | "provider"
  | "global";

export type WindowName = "hour" | "day" | "week" | "month" | "total";

/** What an operator added to a budget: more to spend for a while, or what was spent taken back. */
export type Credit = {
  readonly kind: "top_up" | "reset";
  readonly amountNanoUsd: number;
  readonly startsAtMs: number;
  /** null: with the window in which it starts. */
  readonly expiresAtMs: number | null;
};

export type BudgetTerms = {
  readonly id: string;
  readonly scopeKind: ScopeKind;
  /** An end user by the client's own word; `*` is an account for each. */
  readonly scopeId: string;
  /** null where the scope spans tenants. */
  readonly tenantId: string | null;
  readonly amountNanoUsd: number | null;
  readonly window: WindowName;
  readonly timeZone: string;
  readonly mode: "hard" | "soft";
  readonly credits: readonly Credit[];
};

export type LimitTerms = {
  readonly id: string;
  readonly scopeKind: "token" | "project" | "tenant";
  readonly scopeId: string;
  readonly tenantId: string;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly maxConcurrent: number | null;
  readonly burst: number | null;
};

/** Who asks. */
export type Asker = {
  readonly tokenId: string;
  readonly projectId: string | null;
  readonly tenantId: string;
};

/** When something was decided: by true order, true time and the wall clock of that moment. */
export type Moment = {
  readonly order: number;
  readonly trueMs: number;
  readonly wallMs: number;
  readonly epoch: number;
};

/** One client request as its client knows it. */
export type ExchangeFacts = {
  readonly number: number;
  readonly asker: Asker;
  readonly epoch: number;
  /** The id that the gateway drew for it. */
  readonly requestId: string;
  isOver: boolean;
  /** The client went away before the end; when, by order. */
  leftAtOrder: number | null;
};

/** One call as the provider knows it. The provider changes it while it works. */
export type CallFacts = {
  readonly number: number;
  readonly exchange: ExchangeFacts;
  readonly epoch: number;
  readonly provider: ProviderName;
  readonly model: string;
  readonly scriptKind: string;
  /** Tokens of what it received. */
  readonly inputSize: number;
  /** What it charges for, by its own count. */
  inputTokens: number;
  cachedTokens: number;
  generatedTokens: number;
  /** Output tokens whose text was handed to the gateway before it hung up. */
  deliveredTokens: number;
  /** The usage it put on the wire and that reached the gateway; null: none. */
  reported: { input: number; output: number; cached: number } | null;
  /** It told the truth: never more than asked for, and what it reports is what it charges. */
  readonly isHonest: boolean;
  /** The gateway's end of the connection is closed, or the answer is complete. */
  isClosed: boolean;
  /** The gateway closed it before the answer was complete. */
  isHungUp: boolean;
};

/** A row of the ledger's hold side. */
export type AttemptRow = {
  readonly seq: number;
  readonly id: string;
  readonly requestId: string;
  readonly number: number;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly tokenId: string;
  readonly endUserId: string | null;
  readonly routeId: string | null;
  readonly providerId: string;
  readonly model: string;
  readonly heldNanoUsd: number;
  readonly heldAtMs: number;
};

/** A row of its posting side. */
export type PostingRow = {
  readonly seq: number;
  readonly attemptId: string;
  readonly kind: string;
  readonly amountNanoUsd: number;
  readonly estimated: number;
  readonly outcome: string;
};

/** How rows came into the ledger: with a batch of a process, or by its recovery at start. */
export type Provenance = { readonly way: "batch" | "recovery"; readonly epoch: number };

/** One attempt as the oracle follows it from its hold to its posting. */
export type Followed = {
  readonly row: AttemptRow;
  readonly admitted: Moment;
  readonly arrived: Provenance;
  /** Number of the commit in which it came. */
  readonly commit: number;
  /** Prices that may have been in force when it was admitted. */
  readonly prices: readonly PriceTerms[];
  posting: {
    readonly row: PostingRow;
    readonly arrived: Provenance;
    readonly commit: number;
  } | null;
  call: CallFacts | null;
};

export type OracleParts = {
  readonly rates: Readonly<Record<string, Rates>>;
  readonly providerIds: Readonly<Record<string, string>>;
  /** When an id was drawn; undefined for one that nobody drew. */
  readonly momentOf: (id: string) => Moment | undefined;
  /** Epochs whose process crashed. */
  readonly crashed: ReadonlySet<number>;
};

/** What the gateway shows of a budget. */
export type ShownBudget = {
  readonly budgetId: string;
  readonly postedNanoUsd: number;
  readonly heldNanoUsd: number;
  readonly windowStartedAtMs: number;
  readonly windowEndsAtMs: number | null;
};

/** An invariant does not hold. */
export class Violation extends Error {
  override name = "Violation";
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

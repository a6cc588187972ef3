/**
 * Every table, its columns and the invariant it keeps. Two halves: what operators configure
 * (versioned rows, edited through the admin API) and what happened (the append-only ledger, its
 * sums, and the request log). Money is integer nano-dollars, prices integer pico-dollars per token.
 */
import { sql } from "drizzle-orm";
import {
  blob,
  check,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type { DialectName } from "../src/base/dialect.ts";
import type { JobKind, ObjectKind } from "../src/base/object-kind.ts";
import type { PriorityClass } from "../src/base/priority.ts";
import type { LimitScopeType, ScopeType } from "../src/base/scope.ts";
import type { RefusalReason } from "../src/base/verdict.ts";

export type Metadata = Readonly<Record<string, string>>;

export type ProviderTimeouts = {
  readonly connect: number;
  readonly first_byte: number;
  readonly first_token: number;
  readonly idle: number;
  readonly total: number;
};

export type StrategyName =
  | "priority"
  | "weighted"
  | "fastest"
  | "cheapest"
  | "reliable"
  | "least_busy";

/** What a tenant or an access token asks for where a request does not; absent: nothing of its own. */
export type ServiceTerms = {
  /** Of tenants only: in place of a route's own strategy. */
  readonly strategy?: StrategyName;
  readonly priorityClass?: PriorityClass;
};

/** How a credential is presented where the operator chose it; `name` of a header, `scope` of a token. */
export type ProviderAuthentication = {
  readonly kind: "bearer" | "header" | "azure_entra" | "aws_sigv4" | "google_service_account";
  readonly name?: string;
  readonly scope?: string;
};

/** Whose server a provider is, how it is protected and held to account; an absent member has its default. */
export type ProviderTerms = {
  /** Id of its company in the catalogue. */
  readonly company?: string;
  /** What its company's addresses and requests leave to the operator, by name. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** In place of its company's or its dialect's own. */
  readonly authentication?: ProviderAuthentication;
  /** The only surfaces that it may be asked on. */
  readonly surfaces?: readonly string[];
  /** Further credentials, sealed like the first; attempts rotate over all of them. */
  readonly moreCredentialsSealed?: readonly string[];
  /** An operator's word instead of what the breakers have learned. */
  readonly breakerForced?: "open" | "closed";
  /** A stream that brings less than this over `overMs` is given up. */
  readonly throughputMin?: { readonly tokensPerSecond: number; readonly overMs: number };
  /** Attempts that may wait for a slot, and for how long. */
  readonly queue?: { readonly waitingMax: number; readonly waitMs: number };
};

/** Which requests a target is for; every named member must hold. */
export type TargetCondition = {
  /** Any of these is among the request's tags. */
  readonly tags?: readonly string[];
  /** A header of the request has this value; its name in lower case. */
  readonly header?: { readonly name: string; readonly value: string };
  readonly inputTokensMin?: number;
  readonly inputTokensMax?: number;
  /** The request has input of one of these kinds. */
  readonly modalities?: readonly ("text" | "image" | "audio" | "file")[];
  /** Whether the request offers tools. */
  readonly tools?: boolean;
};

export type RouteTarget = {
  /** The provider's id; names may change. */
  readonly providerId: string;
  readonly model: string;
  readonly weight: number;
  readonly priority: number;
  /**
   * Absent: it serves. context_window, content_filter: only after another target refused for that
   * reason. shadow: gets copies of requests, whose answers nobody sees.
   */
  readonly use?: "context_window" | "content_filter" | "shadow";
  /** Of a serving target: its share of conversations, for which it comes first; of a shadow: of requests. */
  readonly percent?: number;
  readonly when?: TargetCondition;
  /** How the model can be asked to go on with an answer that it has begun; absent: it cannot. */
  readonly continues?: "prefix" | "continue_final_message";
};

/** How a route serves beyond its targets; an absent member has its default. */
export type RouteTerms = {
  readonly retries?: {
    readonly attemptsMax?: number;
    readonly backoffBaseMs?: number;
    readonly backoffMaxMs?: number;
    /** From the request's arrival to the begin of its last attempt. */
    readonly totalMs?: number;
    /** Only these statuses are repeated; absent: what the classification says. */
    readonly statuses?: readonly number[];
    /** Broken streams are continued where the target's model can do it. */
    readonly continueStreams?: boolean;
  };
  /** Requests of one end user, or with one value of the header, keep to one target. */
  readonly sticky?:
    | { readonly by: "end_user" }
    | { readonly by: "header"; readonly header: string };
  readonly hedge?: {
    /** A second attempt begins when the first token is later than this share of them. */
    readonly percentile: number;
    readonly delayMsMin: number;
    /** Share of the route's requests that may be hedged. */
    readonly percentMax: number;
  };
  /** Who pays for an answer that several got. */
  readonly singleFlight?: { readonly cost: "first" | "split" };
  /** Streams number their events and can be taken up again. */
  readonly resumable?: boolean;
  /** Silence of a stream after which a comment is sent; 0: never. */
  readonly keepAliveMs?: number;
};

/** One thing that was tried for a request, for its row; `attempts` and `postings` are the ledger's. */
export type AttemptNote = {
  readonly provider: string;
  readonly model: string;
  /** Short word: an attempt's outcome, or why none was made. */
  readonly outcome: string;
  readonly status: number | null;
  readonly latencyMs: number;
};

/** Where a window begins within its calendar unit; absent members: Monday, day 1, midnight. */
export type WindowAnchor = {
  readonly hour?: number;
  /** 1 Monday … 7 Sunday; of a week only. */
  readonly weekday?: number;
  /** 1…31, of a month only; a shorter month begins on its last day. */
  readonly day?: number;
};

/** Pico-dollars per token of requests with more input than `aboveInputTokens`. */
export type PriceTierRow = {
  readonly aboveInputTokens: number;
  readonly inputPicoUsd: number;
  readonly outputPicoUsd: number;
  readonly cachedInputPicoUsd: number | null;
  readonly cacheWritePicoUsd: number | null;
};

/** Tokens and calls beyond the four common counts, where a provider reported any. */
export type PostedDetails = {
  readonly cacheWriteTokens: number;
  readonly cacheWrite1hTokens: number;
  readonly audioInputTokens: number;
  readonly cachedAudioInputTokens: number;
  readonly imageInputTokens: number;
  readonly audioOutputTokens: number;
  readonly imageOutputTokens: number;
  readonly toolCalls: Readonly<Record<string, number>>;
  /** What was used that is no token, by unit; absent where there is none of it. */
  readonly units?: Readonly<Record<string, number>>;
};

/** Every configured row has a version that counts its edits, for `if-match`. */
const versioned = {
  version: integer().notNull().default(1),
  createdAtMs: integer("created_at_ms").notNull(),
};

const metadata = text({ mode: "json" }).$type<Metadata>().notNull();

const serviceTerms = text({ mode: "json" })
  .$type<ServiceTerms>()
  .notNull()
  .default(sql`'{}'`);

export const tenants = sqliteTable("tenants", {
  id: text().primaryKey(),
  name: text().notNull(),
  status: text().$type<"active" | "suspended">().notNull(),
  terms: serviceTerms,
  metadata,
  ...versioned,
});

export const projects = sqliteTable(
  "projects",
  {
    id: text().primaryKey(),
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenants.id),
    name: text().notNull(),
    metadata,
    ...versioned,
  },
  (table) => [index("projects_by_tenant").on(table.tenantId)],
);

/** Access tokens. Only a keyed hash and the last four characters are here, never the token. */
export const tokens = sqliteTable(
  "tokens",
  {
    id: text().primaryKey(),
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenants.id),
    projectId: text("project_id").references(() => projects.id),
    name: text().notNull(),
    /** HMAC-SHA256 in hexadecimal. */
    hash: text().notNull(),
    /** The hash before the last rotation, valid until `previousUntilMs`. */
    previousHash: text("previous_hash"),
    previousUntilMs: integer("previous_until_ms"),
    hint: text().notNull(),
    expiresAtMs: integer("expires_at_ms"),
    maxRequests: integer("max_requests"),
    /** null: every model. */
    allowedModels: text("allowed_models", { mode: "json" }).$type<readonly string[]>(),
    terms: serviceTerms,
    metadata,
    revokedAtMs: integer("revoked_at_ms"),
    /** Counted in the transaction that holds an exchange's first attempt. */
    requestCount: integer("request_count").notNull().default(0),
    lastUsedAtMs: integer("last_used_at_ms"),
    ...versioned,
  },
  (table) => [
    uniqueIndex("tokens_by_hash").on(table.hash),
    index("tokens_by_tenant").on(table.tenantId),
  ],
);

export const providers = sqliteTable(
  "providers",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    dialect: text().$type<DialectName>().notNull(),
    baseUrl: text("base_url").notNull(),
    /** AES-256-GCM, bound to this row by its additional data; null for servers without one. */
    credentialSealed: text("credential_sealed"),
    allowPrivateNetwork: integer("allow_private_network", { mode: "boolean" }).notNull(),
    timeoutsMs: text("timeouts_ms", { mode: "json" }).$type<ProviderTimeouts>().notNull(),
    maxConcurrent: integer("max_concurrent"),
    onClientDisconnect: text("on_client_disconnect").$type<"abort" | "drain">().notNull(),
    terms: text({ mode: "json" })
      .$type<ProviderTerms>()
      .notNull()
      .default(sql`'{}'`),
    enabled: integer({ mode: "boolean" }).notNull(),
    /** The built-in simulated provider, whose base URL is set anew at each start. */
    simulated: integer({ mode: "boolean" }).notNull(),
    ...versioned,
  },
  (table) => [uniqueIndex("providers_by_name").on(table.name)],
);

/** A public model name; a tenant's own route wins over the one for all tenants. */
export const routes = sqliteTable(
  "routes",
  {
    id: text().primaryKey(),
    model: text().notNull(),
    tenantId: text("tenant_id").references(() => tenants.id),
    strategy: text().$type<StrategyName>().notNull(),
    targets: text({ mode: "json" }).$type<readonly RouteTarget[]>().notNull(),
    terms: text({ mode: "json" })
      .$type<RouteTerms>()
      .notNull()
      .default(sql`'{}'`),
    ...versioned,
  },
  (table) => [
    // NULLs are distinct to a unique index, so the routes for all tenants need one of their own.
    uniqueIndex("routes_by_model")
      .on(table.model)
      .where(sql`${table.tenantId} is null`),
    uniqueIndex("routes_by_tenant_model")
      .on(table.tenantId, table.model)
      .where(sql`${table.tenantId} is not null`),
  ],
);

/** Operator prices; one that is set wins over the catalogue. 0 is a price. */
export const prices = sqliteTable(
  "prices",
  {
    id: text().primaryKey(),
    providerId: text("provider_id")
      .notNull()
      .references(() => providers.id),
    model: text().notNull(),
    inputPicoUsd: integer("input_pico_usd").notNull(),
    outputPicoUsd: integer("output_pico_usd").notNull(),
    /** null: cached input costs what input costs. */
    cachedInputPicoUsd: integer("cached_input_pico_usd"),
    /** null: writing to the provider's cache (5 minutes, 1 hour) costs what input costs. */
    cacheWritePicoUsd: integer("cache_write_pico_usd"),
    cacheWrite1hPicoUsd: integer("cache_write_1h_pico_usd"),
    /** null: reasoning costs what output costs. */
    reasoningPicoUsd: integer("reasoning_pico_usd"),
    /** null: tokens of this kind cost what text of their direction costs. */
    audioInputPicoUsd: integer("audio_input_pico_usd"),
    audioOutputPicoUsd: integer("audio_output_pico_usd"),
    imageInputPicoUsd: integer("image_input_pico_usd"),
    imageOutputPicoUsd: integer("image_output_pico_usd"),
    /** Of one picture, second of sound, character and search unit; null: it is not paid by that. */
    imagePicoUsd: integer("image_pico_usd"),
    audioSecondPicoUsd: integer("audio_second_pico_usd"),
    characterPicoUsd: integer("character_pico_usd"),
    searchUnitPicoUsd: integer("search_unit_pico_usd"),
    /** Per request, whatever its size. */
    requestPicoUsd: integer("request_pico_usd"),
    /** Per call of a server-side tool, by tool. */
    toolCallPicoUsd: text("tool_call_pico_usd", { mode: "json" }).$type<
      Readonly<Record<string, number>>
    >(),
    /** Rates of long requests, in the order of their bounds. */
    tiers: text({ mode: "json" }).$type<readonly PriceTierRow[]>(),
    /** What a batch request costs, in thousandths of the whole; null: batches cost the whole. */
    batchPermille: integer("batch_permille"),
    /** Bounds of the model, where the operator knows them. */
    contextTokensMax: integer("context_tokens_max"),
    outputTokensMax: integer("output_tokens_max"),
    effectiveAtMs: integer("effective_at_ms").notNull(),
    ...versioned,
  },
  (table) => [
    uniqueIndex("prices_by_model").on(table.providerId, table.model),
    check("prices_input", sql`${table.inputPicoUsd} >= 0`),
    check("prices_output", sql`${table.outputPicoUsd} >= 0`),
    check("prices_cached_input", sql`${table.cachedInputPicoUsd} >= 0`),
  ],
);

export const budgets = sqliteTable(
  "budgets",
  {
    id: text().primaryKey(),
    scopeType: text("scope_type").$type<ScopeType>().notNull(),
    /** What the scope's type names; an end user by the client's own word for them, `*` for each. */
    scopeId: text("scope_id").notNull(),
    /** The tenant that the scope lies in; null for scopes that span tenants. */
    tenantId: text("tenant_id").references(() => tenants.id),
    /** null: unlimited, 0: blocks everything priced. */
    amountNanoUsd: integer("amount_nano_usd"),
    window: text().$type<"hour" | "day" | "week" | "month" | "total">().notNull(),
    timeZone: text("time_zone").notNull(),
    anchor: text({ mode: "json" }).$type<WindowAnchor>(),
    mode: text().$type<"hard" | "soft">().notNull(),
    /** What becomes of a stream whose metered cost reaches its hold. */
    onHoldReached: text("on_hold_reached").$type<"stop" | "finish_and_bill">().notNull(),
    alertThresholds: text("alert_thresholds", { mode: "json" })
      .$type<readonly number[]>()
      .notNull(),
    ...versioned,
  },
  (table) => [
    index("budgets_by_tenant").on(table.tenantId),
    // A null amount passes: null is neither true nor false.
    check("budgets_amount", sql`${table.amountNanoUsd} >= 0`),
  ],
);

/**
 * What operators add to a budget for a while: `top_up` raises the amount, `reset` takes back what was
 * posted before it. Postings are never touched.
 */
export const credits = sqliteTable(
  "credits",
  {
    id: text().primaryKey(),
    budgetId: text("budget_id")
      .notNull()
      .references(() => budgets.id),
    kind: text().$type<"top_up" | "reset">().notNull(),
    amountNanoUsd: integer("amount_nano_usd").notNull(),
    /** The end user whose account it is for, where the budget is a default for each; else null. */
    endUserId: text("end_user_id"),
    startsAtMs: integer("starts_at_ms").notNull(),
    /** null: for as long as the budget's window. */
    expiresAtMs: integer("expires_at_ms"),
    note: text(),
    ...versioned,
  },
  (table) => [
    index("credits_by_budget").on(table.budgetId),
    check("credits_amount", sql`${table.amountNanoUsd} >= 0`),
  ],
);

/** Thresholds that a budget's window has passed: once each, whatever crashed in between. */
export const alerts = sqliteTable(
  "alerts",
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    budgetId: text("budget_id").notNull(),
    scopeType: text("scope_type").$type<ScopeType>().notNull(),
    scopeId: text("scope_id").notNull(),
    windowStartMs: integer("window_start_ms").notNull(),
    /** Fraction of the amount in millionths. */
    thresholdPpm: integer("threshold_ppm").notNull(),
    amountNanoUsd: integer("amount_nano_usd").notNull(),
    postedNanoUsd: integer("posted_nano_usd").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (table) => [
    uniqueIndex("alerts_once").on(
      table.budgetId,
      table.scopeId,
      table.windowStartMs,
      table.thresholdPpm,
    ),
  ],
);

export const limits = sqliteTable(
  "limits",
  {
    id: text().primaryKey(),
    scopeType: text("scope_type").$type<LimitScopeType>().notNull(),
    scopeId: text("scope_id").notNull(),
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenants.id),
    requestsPerMinute: integer("requests_per_minute"),
    tokensPerMinute: integer("tokens_per_minute"),
    maxConcurrent: integer("max_concurrent"),
    burst: integer(),
    ...versioned,
  },
  (table) => [index("limits_by_tenant").on(table.tenantId)],
);

/**
 * Requests that came with an Idempotency-Key: one row per access token and key, written before the
 * first attempt. Without an answer it is running, or a crash has interrupted it. Answers are sealed.
 */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    tokenId: text("token_id").notNull(),
    /** Keyed hashes of the client's key and of what it came with. */
    keyHash: text("key_hash").notNull(),
    bodyHash: text("body_hash").notNull(),
    requestId: text("request_id").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
    status: integer(),
    headers: text({ mode: "json" }).$type<Readonly<Record<string, string>>>(),
    bodySealed: blob("body_sealed", { mode: "buffer" }),
    tenantId: text("tenant_id").notNull().default(""),
    /** What the answer counts of the bytes that its tenant may have kept; 0 where it is not kept. */
    keptBytes: integer("kept_bytes").notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.tokenId, table.keyHash] }),
    index("idempotency_keys_by_expiry").on(table.expiresAtMs),
    index("idempotency_keys_kept")
      .on(table.tenantId, table.createdAtMs)
      .where(sql`kept_bytes > 0`),
  ],
);

/** The sum of `kept_bytes` of each tenant that has any. */
export const keptAnswers = sqliteTable("kept_answers", {
  tenantId: text("tenant_id").primaryKey(),
  bytes: integer().notNull(),
});

/**
 * What providers keep for tenants under ids of their own: whose it is, and where it is kept. An id that
 * is not here exists for nobody, whatever the provider would answer.
 */
export const objects = sqliteTable(
  "objects",
  {
    tenantId: text("tenant_id").notNull(),
    /** As its provider named it. */
    id: text().notNull(),
    kind: text().$type<ObjectKind>().notNull(),
    /** Counts the tenant's objects of this kind, so that its oldest ones can make room. */
    number: integer().notNull(),
    tokenId: text("token_id").notNull(),
    providerId: text("provider_id").notNull(),
    /** Place of the credential among the provider's, from 1, and its keyed hash; null: it needs none. */
    credentialPosition: integer("credential_position"),
    credentialHash: text("credential_hash"),
    /** The public name under which it was asked for, and the upstream's; null: it is of no model. */
    route: text(),
    model: text(),
    /** The provider's own JSON about it, for lists; never content. null: its kind is not listed. */
    detail: text(),
    /** Of a file that was uploaded for batches, as JSON: what its lines can cost; else null. */
    batch: text(),
    createdAtMs: integer("created_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    // An id that a provider gave to two tenants is nobody's.
    uniqueIndex("objects_by_provider").on(table.providerId, table.id),
    uniqueIndex("objects_by_number").on(table.tenantId, table.kind, table.number),
    index("objects_by_expiry").on(table.expiresAtMs),
  ],
);

/**
 * What providers go on with after they have answered: of each the open attempt, and by what its end is
 * learned. A row whose attempt is not open any more says nothing.
 */
export const jobs = sqliteTable("jobs", {
  attemptId: text("attempt_id").primaryKey(),
  kind: text().$type<JobKind>().notNull(),
  /** As its provider named it. */
  objectId: text("object_id").notNull(),
  /** The public name under which it was asked for. */
  route: text().notNull(),
  /** As of `objects`. */
  credentialPosition: integer("credential_position"),
  credentialHash: text("credential_hash"),
  /** Of a batch, as JSON: what its lines can cost together. */
  bounds: text(),
  /** For what ends without telling its usage: the likely tokens of all its input. */
  inputTokensEstimate: integer("input_tokens_estimate").notNull(),
});

/** Single values: the admin token's hash, the schema's origin. */
export const settings = sqliteTable("settings", {
  name: text().primaryKey(),
  value: text().notNull(),
});

/** Each price that attempts were made under, once: its JSON, so that they can be priced again in ten years. */
export const priceVersions = sqliteTable(
  "price_versions",
  {
    seq: integer().primaryKey(),
    price: text().notNull(),
  },
  (table) => [uniqueIndex("price_versions_by_price").on(table.price)],
);

/**
 * What was learned about sizes of answers and inputs, and of how providers serve, so that a restart need
 * not begin anew.
 */
export const learned = sqliteTable(
  "learned",
  {
    kind: text().$type<"output" | "input" | "service">().notNull(),
    /** An access token for `output`, a provider for `input` and `service`. */
    ownerId: text("owner_id").notNull(),
    model: text().notNull(),
    state: text({ mode: "json" }).$type<unknown>().notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.ownerId, table.model] })],
);

/** Models that clients asked for where nobody has a price of what is given there. */
export const unpricedModels = sqliteTable(
  "unpriced_models",
  {
    providerId: text("provider_id").notNull(),
    model: text().notNull(),
    /** Where they were asked for; none where that was counted before it was noted. */
    surfaces: text({ mode: "json" }).$type<readonly string[]>().notNull().default([]),
    requests: integer().notNull(),
    firstSeenAtMs: integer("first_seen_at_ms").notNull(),
    lastSeenAtMs: integer("last_seen_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.providerId, table.model] })],
);

/**
 * The hold side of the ledger: one row per attempt, inserted before the attempt is made, never
 * changed. No foreign keys: history outlives what it names.
 */
export const attempts = sqliteTable(
  "attempts",
  {
    /** In the order of writing, which is the order of `commitNumber`. */
    seq: integer().primaryKey(),
    id: text().notNull(),
    requestId: text("request_id").notNull(),
    number: integer().notNull(),
    tenantId: text("tenant_id").notNull(),
    projectId: text("project_id"),
    tokenId: text("token_id").notNull(),
    endUserId: text("end_user_id"),
    routeId: text("route_id"),
    providerId: text("provider_id").notNull(),
    model: text().notNull(),
    /** Of `price_versions`. */
    priceVersion: integer("price_version").notNull(),
    heldNanoUsd: integer("held_nano_usd").notNull(),
    heldAtMs: integer("held_at_ms").notNull(),
    /**
     * Number of the commit that made it durable. Every hold of an earlier commit was dispatched
     * before the next commit was composed, so at recovery only the last one may hold unsent attempts.
     */
    commitNumber: integer("commit_number").notNull(),
    /** SHA-256 over the row before it and this row: nothing can be changed or taken out unseen. */
    chain: blob({ mode: "buffer" }).notNull(),
  },
  (table) => [
    uniqueIndex("attempts_by_id").on(table.id),
    index("attempts_by_request").on(table.requestId),
    check("attempts_held", sql`${table.heldNanoUsd} >= 0`),
  ],
);

/**
 * Attempts without a terminal posting: inserted with the attempt, deleted with its posting. As
 * small as what is in flight, so that recovery never searches the history.
 */
export const openAttempts = sqliteTable("open_attempts", {
  attemptSeq: integer("attempt_seq").primaryKey(),
  tenantId: text("tenant_id").notNull(),
  /** Here as well, so that a first-seen end user costs no look at every attempt under way. */
  endUserId: text("end_user_id"),
});

/** The other side of the ledger: append-only; a correction is a new row that names the old one. */
export const postings = sqliteTable(
  "postings",
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    attemptId: text("attempt_id").notNull(),
    kind: text().$type<"settle" | "void" | "expire" | "correct">().notNull(),
    /** Negative only for a correction. */
    amountNanoUsd: integer("amount_nano_usd").notNull(),
    estimated: integer({ mode: "boolean" }).notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    cachedInputTokens: integer("cached_input_tokens").notNull(),
    reasoningTokens: integer("reasoning_tokens").notNull(),
    details: text({ mode: "json" }).$type<PostedDetails>(),
    status: integer(),
    outcome: text().notNull(),
    latencyMs: integer("latency_ms").notNull(),
    postedAtMs: integer("posted_at_ms").notNull(),
    /** The posting that a correction corrects. */
    corrects: integer(),
    /** SHA-256 over the posting before it and this one. */
    chain: blob({ mode: "buffer" }).notNull(),
  },
  (table) => [
    // One terminal posting per attempt: settling twice cannot happen, it fails.
    uniqueIndex("postings_terminal")
      .on(table.attemptId)
      .where(sql`${table.kind} <> 'correct'`),
    // Costs nothing while there are no corrections, and finds those of an attempt when there are.
    index("postings_corrections")
      .on(table.attemptId)
      .where(sql`${table.kind} = 'correct'`),
    check("postings_amount", sql`${table.kind} = 'correct' or ${table.amountNanoUsd} >= 0`),
  ],
);

/**
 * Posted money per scope and quarter of an hour of admission: every window of every time zone is a
 * sum over these, because all zones are offset by multiples of 15 minutes. Written in the same
 * transaction as the posting. The migration makes it `WITHOUT ROWID`, which the schema cannot say: a
 * window is then one stretch of the tree and not a look-up for each slot.
 */
export const spend = sqliteTable(
  "spend",
  {
    scopeType: text("scope_type").$type<ScopeType>().notNull(),
    scopeId: text("scope_id").notNull(),
    slotStartMs: integer("slot_start_ms").notNull(),
    postedNanoUsd: integer("posted_nano_usd").notNull(),
  },
  (table) => [primaryKey({ columns: [table.scopeType, table.scopeId, table.slotStartMs] })],
);

/**
 * Usage per UTC day and every grouping of the usage API, summed as postings are written. The migration
 * makes it `WITHOUT ROWID`, like `spend`.
 */
export const usageDays = sqliteTable(
  "usage_days",
  {
    dayStartMs: integer("day_start_ms").notNull(),
    tenantId: text("tenant_id").notNull(),
    projectId: text("project_id").notNull(),
    tokenId: text("token_id").notNull(),
    providerId: text("provider_id").notNull(),
    model: text().notNull(),
    requests: integer().notNull(),
    attempts: integer().notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    cachedInputTokens: integer("cached_input_tokens").notNull(),
    reasoningTokens: integer("reasoning_tokens").notNull(),
    costNanoUsd: integer("cost_nano_usd").notNull(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.dayStartMs,
        table.tenantId,
        table.projectId,
        table.tokenId,
        table.providerId,
        table.model,
      ],
    }),
  ],
);

/** One row per exchange. Written behind; unlike the ledger, rows here may drop under pressure. */
export const requests = sqliteTable(
  "requests",
  {
    id: text().primaryKey(),
    createdAtMs: integer("created_at_ms").notNull(),
    tenantId: text("tenant_id"),
    projectId: text("project_id"),
    tokenId: text("token_id"),
    endUserId: text("end_user_id"),
    route: text(),
    provider: text(),
    model: text(),
    status: integer().notNull(),
    errorCode: text("error_code"),
    stream: integer({ mode: "boolean" }).notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    cachedInputTokens: integer("cached_input_tokens").notNull(),
    reasoningTokens: integer("reasoning_tokens").notNull(),
    costNanoUsd: integer("cost_nano_usd").notNull(),
    estimated: integer({ mode: "boolean" }).notNull(),
    attemptCount: integer("attempt_count").notNull(),
    latencyMs: integer("latency_ms").notNull(),
    firstTokenMs: integer("first_token_ms"),
    clientGone: integer("client_gone", { mode: "boolean" }).notNull(),
    refusal: text({ mode: "json" }).$type<RefusalReason>(),
    /** What was tried, in order; null where the one attempt was answered. */
    attemptNotes: text("attempt_notes", { mode: "json" }).$type<readonly AttemptNote[]>(),
    /** The request whose answer this one got without an attempt of its own; null: it had its own. */
    answeredBy: text("answered_by"),
  },
  (table) => [
    // Ids sort by time, so the primary key alone serves "newest first"; these serve the filters.
    index("requests_by_tenant").on(table.tenantId, table.id),
    index("requests_by_token").on(table.tokenId, table.id),
  ],
);

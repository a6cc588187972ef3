/**
 * Every table, its columns and the invariant it keeps. Two halves: what operators configure
 * (versioned rows, edited through the admin API) and what happened (the append-only ledger, its
 * sums, and the request log). Money is integer nano-dollars, prices integer pico-dollars per token.
 */
import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type { ScopeType } from "../src/base/scope.ts";
import type { RefusalReason } from "../src/base/verdict.ts";

export type Metadata = Readonly<Record<string, string>>;

export type ProviderTimeouts = {
  readonly connect: number;
  readonly first_byte: number;
  readonly idle: number;
  readonly total: number;
};

export type RouteTarget = {
  /** The provider's id; names may change. */
  readonly providerId: string;
  readonly model: string;
  readonly weight: number;
  readonly priority: number;
};

/** Every configured row has a version that counts its edits, for `if-match`. */
const versioned = {
  version: integer().notNull().default(1),
  createdAtMs: integer("created_at_ms").notNull(),
};

const metadata = text({ mode: "json" }).$type<Metadata>().notNull();

export const tenants = sqliteTable("tenants", {
  id: text().primaryKey(),
  name: text().notNull(),
  status: text().$type<"active" | "suspended">().notNull(),
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
    dialect: text().$type<"openai">().notNull(),
    baseUrl: text("base_url").notNull(),
    /** AES-256-GCM, bound to this row by its additional data; null for servers without one. */
    credentialSealed: text("credential_sealed"),
    allowPrivateNetwork: integer("allow_private_network", { mode: "boolean" }).notNull(),
    timeoutsMs: text("timeouts_ms", { mode: "json" }).$type<ProviderTimeouts>().notNull(),
    maxConcurrent: integer("max_concurrent"),
    onClientDisconnect: text("on_client_disconnect").$type<"abort" | "drain">().notNull(),
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
    strategy: text().$type<"priority">().notNull(),
    targets: text({ mode: "json" }).$type<readonly RouteTarget[]>().notNull(),
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
    scopeId: text("scope_id").notNull(),
    /** The tenant that the scope lies in. */
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenants.id),
    /** null: unlimited, 0: blocks everything priced. */
    amountNanoUsd: integer("amount_nano_usd"),
    window: text().$type<"day" | "month" | "total">().notNull(),
    timeZone: text("time_zone").notNull(),
    mode: text().$type<"hard" | "soft">().notNull(),
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

export const limits = sqliteTable(
  "limits",
  {
    id: text().primaryKey(),
    scopeType: text("scope_type").$type<ScopeType>().notNull(),
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

/** Single values: the admin token's hash, the schema's origin. */
export const settings = sqliteTable("settings", {
  name: text().primaryKey(),
  value: text().notNull(),
});

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
    providerId: text("provider_id").notNull(),
    model: text().notNull(),
    price: text().notNull(),
    heldNanoUsd: integer("held_nano_usd").notNull(),
    heldAtMs: integer("held_at_ms").notNull(),
    /**
     * Number of the commit that made it durable. Every hold of an earlier commit was dispatched
     * before the next commit was composed, so at recovery only the last one may hold unsent attempts.
     */
    commitNumber: integer("commit_number").notNull(),
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
    status: integer(),
    outcome: text().notNull(),
    latencyMs: integer("latency_ms").notNull(),
    postedAtMs: integer("posted_at_ms").notNull(),
    /** The posting that a correction corrects. */
    corrects: integer(),
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
 * transaction as the posting.
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

/** Usage per UTC day and every grouping of the usage API, summed as postings are written. */
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
  },
  (table) => [
    // Ids sort by time, so the primary key alone serves "newest first"; these serve the filters.
    index("requests_by_tenant").on(table.tenantId, table.id),
    index("requests_by_token").on(table.tokenId, table.id),
  ],
);

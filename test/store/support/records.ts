/** Builders of everything the store takes, valid as they are; a test names only what it is about. */
import { newId, type IdKind } from "../../../src/base/ids.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { AttemptScopes } from "../../../src/base/scope.ts";
import type {
  BudgetRow,
  CreditRow,
  HoldRecord,
  LimitRow,
  PostingRecord,
  PriceRow,
  ProjectRow,
  ProviderRow,
  RequestRecord,
  RouteRow,
  TenantRow,
  TokenRow,
} from "../../../src/store/contract.ts";

export const NOW_MS = Date.UTC(2026, 4, 20, 10, 7);

export function id(kind: IdKind): string {
  return newId(kind, systemRandom);
}

const versioned = { version: 1, createdAtMs: NOW_MS };

export function tenantRow(more: Partial<TenantRow> = {}): TenantRow {
  return {
    id: id("tenant"),
    name: "Acme",
    status: "active",
    terms: {},
    metadata: {},
    ...versioned,
    ...more,
  };
}

export function projectRow(tenantId: string, more: Partial<ProjectRow> = {}): ProjectRow {
  return { id: id("project"), tenantId, name: "Search", metadata: {}, ...versioned, ...more };
}

export function tokenRow(tenantId: string, more: Partial<TokenRow> = {}): TokenRow {
  return {
    id: id("token"),
    tenantId,
    projectId: null,
    name: "CI",
    hash: systemRandom.uuid(),
    previousHash: null,
    previousUntilMs: null,
    hint: "a1b2",
    expiresAtMs: null,
    maxRequests: null,
    allowedModels: null,
    terms: {},
    metadata: {},
    revokedAtMs: null,
    requestCount: 0,
    lastUsedAtMs: null,
    ...versioned,
    ...more,
  };
}

export function providerRow(more: Partial<ProviderRow> = {}): ProviderRow {
  const rowId = id("provider");
  return {
    id: rowId,
    name: rowId.slice(-12),
    dialect: "openai",
    baseUrl: "https://api.example.com/v1",
    credentialSealed: null,
    allowPrivateNetwork: false,
    timeoutsMs: { connect: 1, first_byte: 2, first_token: 3, idle: 3, total: 4 },
    maxConcurrent: null,
    onClientDisconnect: "abort",
    terms: {},
    enabled: true,
    simulated: false,
    ...versioned,
    ...more,
  };
}

export function routeRow(providerId: string, more: Partial<RouteRow> = {}): RouteRow {
  return {
    id: id("route"),
    model: "gpt-small",
    tenantId: null,
    strategy: "priority",
    terms: {},
    targets: [{ providerId, model: "gpt-4o-mini", weight: 1, priority: 1 }],
    ...versioned,
    ...more,
  };
}

export function priceRow(providerId: string, more: Partial<PriceRow> = {}): PriceRow {
  return {
    id: id("price"),
    providerId,
    model: "gpt-4o-mini",
    inputPicoUsd: 150_000,
    outputPicoUsd: 600_000,
    cachedInputPicoUsd: null,
    cacheWritePicoUsd: null,
    cacheWrite1hPicoUsd: null,
    reasoningPicoUsd: null,
    audioInputPicoUsd: null,
    audioOutputPicoUsd: null,
    imageInputPicoUsd: null,
    imageOutputPicoUsd: null,
    imagePicoUsd: null,
    audioSecondPicoUsd: null,
    characterPicoUsd: null,
    searchUnitPicoUsd: null,
    requestPicoUsd: null,
    toolCallPicoUsd: null,
    tiers: null,
    batchPermille: null,
    contextTokensMax: null,
    outputTokensMax: null,
    effectiveAtMs: NOW_MS,
    ...versioned,
    ...more,
  };
}

export function budgetRow(tenantId: string, more: Partial<BudgetRow> = {}): BudgetRow {
  return {
    id: id("budget"),
    scopeType: "tenant",
    scopeId: tenantId,
    tenantId,
    amountNanoUsd: 1_000_000_000,
    window: "day",
    timeZone: "UTC",
    anchor: null,
    mode: "hard",
    onHoldReached: "stop",
    alertThresholds: [0.8],
    ...versioned,
    ...more,
  };
}

export function limitRow(tenantId: string, more: Partial<LimitRow> = {}): LimitRow {
  return {
    id: id("limit"),
    scopeType: "tenant",
    scopeId: tenantId,
    tenantId,
    requestsPerMinute: 60,
    tokensPerMinute: null,
    maxConcurrent: null,
    burst: null,
    ...versioned,
    ...more,
  };
}

export function creditRow(budgetId: string, more: Partial<CreditRow> = {}): CreditRow {
  return {
    id: id("credit"),
    budgetId,
    kind: "top_up",
    amountNanoUsd: 1_000,
    endUserId: null,
    startsAtMs: NOW_MS,
    expiresAtMs: null,
    note: null,
    ...versioned,
    ...more,
  };
}

export function attemptScopes(more: Partial<AttemptScopes> = {}): AttemptScopes {
  return {
    tokenId: "tok_1",
    projectId: null,
    tenantId: "ten_1",
    endUserId: null,
    routeId: null,
    providerId: "prv_1",
    ...more,
  };
}

export function holdRecord(more: Partial<HoldRecord> = {}): HoldRecord {
  return {
    attemptId: id("attempt"),
    requestId: id("request"),
    attemptNumber: 1,
    scopes: attemptScopes(),
    model: "gpt-4o-mini",
    price: '{"input":150000}',
    heldNanoUsd: 5_000,
    heldAtMs: NOW_MS,
    ...more,
  };
}

export function postingRecord(attemptId: string, more: Partial<PostingRecord> = {}): PostingRecord {
  return {
    attemptId,
    kind: "settle",
    amountNanoUsd: 3_000,
    estimated: false,
    inputTokens: 100,
    outputTokens: 20,
    cachedInputTokens: 10,
    reasoningTokens: 5,
    details: null,
    status: 200,
    outcome: "ok",
    latencyMs: 812,
    postedAtMs: NOW_MS + 1_000,
    ...more,
  };
}

export function requestRecord(more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: id("request"),
    createdAtMs: NOW_MS,
    tenantId: "ten_1",
    projectId: null,
    tokenId: "tok_1",
    endUserId: null,
    route: "gpt-small",
    provider: "openai",
    model: "gpt-4o-mini",
    status: 200,
    errorCode: null,
    stream: false,
    inputTokens: 100,
    outputTokens: 20,
    cachedInputTokens: 10,
    reasoningTokens: 5,
    costNanoUsd: 3_000,
    estimated: false,
    attemptCount: 1,
    latencyMs: 812,
    firstTokenMs: null,
    clientGone: false,
    refusal: null,
    attemptNotes: null,
    answeredBy: null,
    ...more,
  };
}

/** Inputs and events that the tests of the actors share. Times are counted from `START_MS`. */
import { assert } from "../../src/base/assert.ts";
import type { AttemptScopes } from "../../src/base/scope.ts";
import type {
  SlotOwner,
  BudgetRule,
  HoldOption,
  LimitRule,
  TenantEvent,
  TenantInput,
} from "../../actors/contract.ts";
import { createProviderCommons } from "../../actors/provider-commons.ts";
import type { ProviderEvent, ProviderInput } from "../../actors/provider-contract.ts";
import {
  startProvider,
  type ProviderHandle,
  type ProviderQuestion,
} from "../../actors/provider.ts";
import type { OnFailure } from "../../actors/supervise.ts";
import { startTenant, type TenantHandle, type TenantQuestion } from "../../actors/tenant.ts";

/** A noon in UTC, twelve hours before a day ends. */
export const START_MS = Date.UTC(2026, 4, 10, 12);
export const DAY_MS = 86_400_000;

export const SCOPES = {
  tokenId: "tok_1",
  projectId: "prj_1",
  tenantId: "ten_1",
  endUserId: null,
  routeId: "rte_1",
  providerId: "prv_1",
} as const satisfies AttemptScopes;

export function budgetRule(more: Partial<BudgetRule>): BudgetRule {
  return {
    id: "bud_1",
    scope: { type: "token", id: "tok_1" },
    amountNanoUsd: 1_000,
    window: "day",
    timeZone: "UTC",
    anchor: null,
    mode: "hard",
    onHoldReached: "stop",
    alertThresholdsPpm: [],
    credits: [],
    ...more,
  };
}

export function limitRule(more: Partial<LimitRule>): LimitRule {
  return {
    id: "lim_1",
    scope: { type: "token", id: "tok_1" },
    requestsPerMinute: null,
    tokensPerMinute: null,
    maxConcurrent: null,
    burst: null,
    ...more,
  };
}

export function tenantInput(more: Partial<TenantInput>): TenantInput {
  return {
    ownerKey: "ten_1",
    tenantId: "ten_1",
    status: "active",
    budgets: [],
    limits: [],
    allowances: [],
    postedNanoUsd: {},
    openHolds: [],
    slotOwners: [],
    fills: [],
    learnedOutputs: null,
    atMs: START_MS,
    ...more,
  };
}

/** An actor of which every failure fails the test, unless somebody else wants to hear of it. */
export function tenant(more: Partial<TenantInput>, onFailure: OnFailure = rethrow): TenantHandle {
  return startTenant(tenantInput(more), onFailure);
}

function rethrow(error: unknown): never {
  throw error;
}

/** One way to run that costs the same by both bounds. */
export function costing(nanoUsd: number): HoldOption[] {
  return [{ nanoUsd, outputTokensCap: null }];
}

type Of<T extends TenantEvent["type"]> = Extract<TenantEvent, { type: T }>;
type Admit = Of<"exchange.admit">;

/** Exchange `req_<name>` with attempt `att_<name>`. */
export function admit(name: string, more: Partial<Admit> = {}): Admit {
  return {
    type: "exchange.admit",
    exchangeId: `req_${name}`,
    attemptId: `att_${name}`,
    scopes: SCOPES,
    tokens: 0,
    options: costing(100),
    atMs: START_MS,
    ...more,
  };
}

export function settle(
  name: string,
  costNanoUsd: number,
  atMs: number = START_MS,
): Of<"attempt.settle"> {
  return { type: "attempt.settle", attemptId: `att_${name}`, costNanoUsd, observed: null, atMs };
}

export function end(name: string, tokensUsed = 0, atMs: number = START_MS): Of<"exchange.end"> {
  return { type: "exchange.end", exchangeId: `req_${name}`, tokensUsed, atMs };
}

export function undo(name: string, atMs: number = START_MS): Of<"exchange.undo"> {
  return { type: "exchange.undo", exchangeId: `req_${name}`, atMs };
}

/** `allowed`, or the code of the refusal. */
export function ask(handle: TenantHandle, question: TenantQuestion): string {
  const verdict = handle.ask(question);
  return verdict.allowed ? "allowed" : verdict.refusal.code;
}

/** The money of the only budget. */
export function money(handle: TenantHandle): { readonly posted: number; readonly held: number } {
  const account = handle.record().budgets[0]?.account;
  assert(account, "the tenant has no budget");
  return { posted: account.postedNanoUsd, held: account.heldNanoUsd };
}

type Outcome = Extract<ProviderEvent, { type: "outcome.report" }>;

export function outcome(
  attemptId: string,
  kind: Outcome["kind"],
  atMs: number,
  more: Partial<Outcome> = {},
): Outcome {
  return {
    type: "outcome.report",
    attemptId,
    kind,
    latencyMs: 20,
    retryAfterMs: null,
    jitter: 0.5,
    atMs,
    ...more,
  };
}

/** An actor of which every failure fails the test. */
export function provider(more: Partial<ProviderInput> = {}): ProviderHandle {
  return startProvider({ ...laneInput(), ...more }, rethrow);
}

/** A lane of a provider that has no other. */
export function laneInput(): ProviderInput {
  const commons = createProviderCommons({ providerId: "prv_1", atMs: START_MS });
  return { commons, family: "gpt", atMs: START_MS };
}

export function permit(
  handle: ProviderHandle,
  attemptId: string,
  atMs: number,
  more: Partial<ProviderQuestion> = {},
): unknown {
  const verdict = handle.ask({ type: "permit.request", attemptId, atMs, ...more });
  return verdict.allowed ? verdict.value : verdict.refusal;
}

export function providerEnd(
  attemptId: string,
  atMs: number,
): Parameters<ProviderHandle["send"]>[0] {
  return { type: "attempt.end", attemptId, observed: null, atMs };
}

export function providerRefusal(message: string, retryAfterMs: number): unknown {
  return { code: "provider_unavailable", message, retryAfterMs };
}

/** Ten failures in a row at `atMs`: the breaker is open afterwards, for 5 s. */
export function opened(atMs: number = START_MS): ProviderHandle {
  const handle = provider();
  for (let each = 0; each < 10; each += 1) {
    permit(handle, `bad_${each}`, atMs);
    handle.send(outcome(`bad_${each}`, "bad", atMs));
    handle.send(providerEnd(`bad_${each}`, atMs));
  }
  return handle;
}

export const RESTING = "The provider is left alone after failures.";
export const COOLING = "The provider asked for fewer requests.";
export const TRYING = "The provider is being tried again after failures.";

/** The exchanges in flight, as the actor remembers them. */
export function tenantSlotOwners(handle: TenantHandle): SlotOwner[] {
  return [...handle.record().exchanges].map(([exchangeId, { scopes, tokens }]) =>
    tokens === null ? { exchangeId, scopes } : { exchangeId, scopes, tokens },
  );
}

/** Requests that an access token has made; null when it has no allowance and nothing counts them. */
export function tenantRequestCount(handle: TenantHandle, tokenId: string): number | null {
  return handle.record().allowances.get(tokenId)?.requestsUsed ?? null;
}

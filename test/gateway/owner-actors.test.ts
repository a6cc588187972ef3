/**
 * Facts that are told while an owner's actor is being built: each counts once, whatever the ledger's
 * answer already holds of it, in the orders that would lose it or count it twice.
 */
import { afterAll, beforeEach, expect, test } from "bun:test";
import type { TenantEvent } from "../../actors/contract.ts";
import { tenantBudgets, tenantLimits } from "../../actors/tenant.ts";
import { newId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { AttemptScopes, Owner } from "../../src/base/scope.ts";
import { createAlerts } from "../../src/gateway/alerts.ts";
import { OwnerActors } from "../../src/gateway/owner-actors.ts";
import type { OwnerRules } from "../../src/gateway/owner-input.ts";
import type { Store } from "../../src/store/contract.ts";
import { startTestGateway } from "../support/gateway.ts";

const HELD_NANO_USD = 5_000;
const COST_NANO_USD = 3_000;
const TOKENS = 60;

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());
const { clock, log, metrics } = tollgate.gateway;

let owner: Owner;
let scopes: AttemptScopes;
let actors: OwnerActors;
let exchangeId: string;
let attemptId: string;
let atMs: number;
/** Lets the ledger's answer to the first rebuild through. */
let answer: () => void;

beforeEach(async () => {
  const { id: tenantId } = await tollgate.addTenant();
  const { row } = await tollgate.addToken(tenantId);
  owner = { type: "tenant", tenantId };
  scopes = {
    tokenId: row.id,
    projectId: null,
    tenantId,
    endUserId: null,
    routeId: null,
    providerId: "prv_1",
  };
  const rules = rulesOf(tenantId);
  const configured = {
    rulesOf: () => rules,
    hasRules: () => true,
    budgets: { hasEveryone: () => false, hasEndUser: () => false },
  };
  const store = withSlowAnswer();
  const alerts = createAlerts({ store, log, metrics });
  const learned = { outputsOf: () => new Map() };
  actors = new OwnerActors({ store, clock, log, configured, alerts, learned });
  exchangeId = newId("request", systemRandom);
  attemptId = newId("attempt", systemRandom);
  atMs = clock.nowMs();
  await admit();
});

function rulesOf(tenantId: string): OwnerRules {
  const scope = { type: "tenant", id: tenantId } as const;
  return {
    status: "active",
    budgets: [
      {
        id: newId("budget", systemRandom),
        scope,
        amountNanoUsd: 1_000_000,
        window: "total",
        timeZone: "UTC",
        anchor: null,
        mode: "hard",
        onHoldReached: "finish_and_bill",
        alertThresholdsPpm: [],
        credits: [],
      },
    ],
    limits: [
      {
        id: newId("limit", systemRandom),
        scope,
        requestsPerMinute: null,
        tokensPerMinute: 100,
        maxConcurrent: 1,
        burst: null,
      },
    ],
    requestsMax: new Map(),
  };
}

/** The real store; only when its answer to the first rebuild arrives is up to the test. */
function withSlowAnswer(): Store {
  const answered = Promise.withResolvers<void>();
  answer = () => answered.resolve();
  let builds = 0;
  return {
    ...tollgate.store,
    ownerState: async (...asked: Parameters<Store["ownerState"]>) => {
      builds += 1;
      const isFirstRebuild = builds === 2;
      const state = await tollgate.store.ownerState(...asked);
      if (isFirstRebuild) await answered.promise;
      return state;
    },
  };
}

async function admit(): Promise<void> {
  const handle = await actors.ready(owner);
  const option = { nanoUsd: HELD_NANO_USD, outputTokensCap: null };
  const admission = { type: "exchange.admit", exchangeId, attemptId, scopes } as const;
  const verdict = handle.ask({ ...admission, tokens: TOKENS, options: [option], atMs });
  expect(verdict.allowed).toBe(true);
  const hold = { attemptId, exchangeId, scopes, heldNanoUsd: HELD_NANO_USD, heldAtMs: atMs };
  actors.noteAdmitted({ exchangeId, scopes, tokens: TOKENS }, hold);
}

function holdInLedger(): Promise<void> {
  return tollgate.store.ledger.hold({
    attemptId,
    requestId: exchangeId,
    attemptNumber: 1,
    scopes,
    model: "m",
    price: "{}",
    heldNanoUsd: HELD_NANO_USD,
    heldAtMs: atMs,
  });
}

/** As a settlement is told: to the ledger first. */
function settle(): void {
  tollgate.store.ledger.post({
    attemptId,
    kind: "settle",
    amountNanoUsd: COST_NANO_USD,
    estimated: false,
    inputTokens: 1,
    outputTokens: 1,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    details: null,
    status: 200,
    outcome: "ok",
    latencyMs: 1,
    postedAtMs: atMs,
  });
  tell({ type: "attempt.settle", attemptId, costNanoUsd: COST_NANO_USD, observed: null, atMs });
}

function tell(event: TenantEvent): void {
  actors.tell(scopes, event);
}

async function money(): Promise<unknown> {
  const [state] = tenantBudgets(await actors.ready(owner), atMs);
  return [state?.postedNanoUsd, state?.heldNanoUsd];
}

test("a settlement told while one rebuild waits for the ledger is not counted again by the next", async () => {
  await holdInLedger();
  const first = actors.rebuild(owner);
  settle();
  const second = actors.rebuild(owner);
  answer();
  await Promise.all([first, second]);
  expect(await money()).toEqual([COST_NANO_USD, 0]);
});

test("an attempt that is held and settled after the ledger was asked, before it answered, counts", async () => {
  const rebuilt = actors.rebuild(owner);
  await holdInLedger();
  settle();
  answer();
  await rebuilt;
  expect(await money()).toEqual([COST_NANO_USD, 0]);
});

test("an exchange that ends meanwhile frees its slot, and its model tokens but for those it used", async () => {
  await holdInLedger();
  const rebuilt = actors.rebuild(owner);
  settle();
  tell({ type: "exchange.end", exchangeId, tokensUsed: 5, atMs });
  answer();
  await rebuilt;
  const [limit] = tenantLimits(await actors.ready(owner), atMs);
  expect(limit).toMatchObject({ inFlight: 0, tokensRemaining: 95 });
});

test("an exchange that is undone meanwhile leaves nothing", async () => {
  const rebuilt = actors.rebuild(owner);
  tell({ type: "exchange.undo", exchangeId, atMs });
  answer();
  await rebuilt;
  const [limit] = tenantLimits(await actors.ready(owner), atMs);
  expect([await money(), limit]).toEqual([
    [0, 0],
    expect.objectContaining({ inFlight: 0, tokensRemaining: 100 }),
  ]);
});

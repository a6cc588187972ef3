/** Overlapping rebuilds of one tenant's actor, in the one order that counts a settlement twice. */
import { expect, test } from "bun:test";
import { newId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import { TenantActors } from "../../src/gateway/tenant-actors.ts";
import type { Store } from "../../src/store/contract.ts";
import { tenantBudgets } from "../../actors/tenant.ts";
import { startTestGateway } from "../support/gateway.ts";

const HELD_NANO_USD = 5_000;
const COST_NANO_USD = 3_000;

test("a settlement told while one rebuild waits for the ledger is not counted again by the next", async () => {
  const tollgate = await startTestGateway();
  try {
    const { clock, log } = tollgate.gateway;
    const tenant = await tollgate.addTenant();
    const { row } = await tollgate.addToken(tenant.id);
    const scopes = { tokenId: row.id, projectId: null, tenantId: tenant.id };
    // The real store; only when its answers to the first rebuild arrive is up to this test.
    const answered = Promise.withResolvers<void>();
    let rebuilds = 0;
    const store: Store = {
      ...tollgate.store,
      tenantState: async (...asked) => {
        rebuilds += 1;
        const isFirstRebuild = rebuilds === 2;
        const state = await tollgate.store.tenantState(...asked);
        if (isFirstRebuild) await answered.promise;
        return state;
      },
    };
    const budget = {
      id: newId("budget", systemRandom),
      scope: { type: "tenant", id: tenant.id } as const,
      amountNanoUsd: 1_000_000,
      window: "total",
      timeZone: "UTC",
      mode: "hard",
    } as const;
    const rules = {
      status: "active",
      budgets: [budget],
      limits: [],
      requestsMax: new Map(),
    } as const;
    const actors = new TenantActors({ store, clock, log, rules: () => rules });

    const attemptId = newId("attempt", systemRandom);
    const exchangeId = newId("request", systemRandom);
    const atMs = clock.nowMs();
    const option = { nanoUsd: HELD_NANO_USD, strictNanoUsd: HELD_NANO_USD, outputTokensCap: null };
    const admission = { type: "exchange.admit", exchangeId, attemptId, scopes, tokens: 1 } as const;
    actors.admit(await actors.ready(tenant.id), { ...admission, options: [option], atMs });
    await store.ledger.hold({
      attemptId,
      requestId: exchangeId,
      attemptNumber: 1,
      scopes,
      providerId: "prv_1",
      model: "m",
      price: "{}",
      heldNanoUsd: HELD_NANO_USD,
      heldAtMs: atMs,
    });

    const first = actors.rebuild(tenant.id);
    store.ledger.post({
      attemptId,
      kind: "settle",
      amountNanoUsd: COST_NANO_USD,
      estimated: false,
      inputTokens: 1,
      outputTokens: 1,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      status: 200,
      outcome: "ok",
      latencyMs: 1,
      postedAtMs: atMs,
    });
    const settled = { attemptId, costNanoUsd: COST_NANO_USD, observed: null, atMs };
    actors.tell(tenant.id, { type: "attempt.settle", ...settled });
    const second = actors.rebuild(tenant.id);
    answered.resolve();
    await Promise.all([first, second]);

    expect(tenantBudgets(await actors.ready(tenant.id), atMs)).toEqual([
      expect.objectContaining({ postedNanoUsd: COST_NANO_USD, heldNanoUsd: 0 }),
    ]);
  } finally {
    await tollgate.stop();
  }
});

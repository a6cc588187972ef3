/**
 * Two places where an official client can be pointed: the scripted upstream itself, and Tollgate in
 * front of the same upstream with budgets and limits in force. A client must not see the difference.
 */
import { afterAll, beforeEach, expect } from "bun:test";
import type { Upstream } from "../../bench/upstream/server.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

export type World = {
  readonly name: "directly" | "through Tollgate";
  readonly baseURL: string;
  readonly apiKey: string;
  readonly upstream: Upstream;
};

/** Names that exist in both worlds; the upstream takes any name, Tollgate has routes for these. */
export const CHAT_MODEL = "small";
/** The same; Tollgate sends comments on its streams after a short silence. */
export const KEPT_MODEL = "kept";
export const EMBEDDING_MODEL = "embed";
/** A model that the upstream lists under this very name. */
export const LISTED_MODEL = "sim-small";

export type Worlds = {
  readonly tollgate: TestGateway;
  readonly tenantId: string;
  /** An access token with nothing in its own way; budgets and limits of the tenant apply. */
  readonly token: string;
  /** For `describe.each`. */
  readonly each: readonly (readonly [World["name"], World])[];
};

/** Started once per test file; everything is given back and accounted for at its end. */
export async function worldsForFile(): Promise<Worlds> {
  const tollgate = await startTestGateway();
  const { upstream } = tollgate;
  const tenantId = (await tollgate.addTenant()).id;
  const { row, token } = await tollgate.addToken(tenantId);
  const provider = await tollgate.addProvider();
  const routes = [
    [CHAT_MODEL, "sim-small"],
    [LISTED_MODEL, "sim-small"],
    [EMBEDDING_MODEL, "sim-embed"],
  ] as const;
  for (const [route, model] of routes) {
    await tollgate.addRoute(route, [{ providerId: provider.id, model, weight: 1, priority: 0 }]);
  }
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute(KEPT_MODEL, [target], { terms: { keepAliveMs: 60 } });
  const tenantScope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  const tokenScope = { scopeType: "token", scopeId: row.id, tenantId } as const;
  await tollgate.addBudget({ ...tenantScope, amountNanoUsd: 5_000_000_000 });
  await tollgate.addBudget({ ...tokenScope, amountNanoUsd: 1_000_000_000, window: "total" });
  await tollgate.addLimit({ ...tenantScope, requestsPerMinute: 10_000, maxConcurrent: 100 });
  await tollgate.addLimit({ ...tokenScope, tokensPerMinute: 10_000_000 });

  beforeEach(async () => {
    upstream.reset();
    // A fresh breaker and no cooldown: scripted failures of one test say nothing about the next.
    await freshProvider(tollgate, provider);
  });
  afterAll(async () => {
    await expectAtRest(tollgate, tenantId);
    await tollgate.stop();
  });

  const direct: World = {
    name: "directly",
    baseURL: `${upstream.url}/v1`,
    apiKey: "sk-any",
    upstream,
  };
  const through: World = {
    name: "through Tollgate",
    baseURL: `${tollgate.url}/v1`,
    apiKey: token,
    upstream,
  };
  return { tollgate, tenantId, token, each: [direct, through].map((world) => [world.name, world]) };
}

/** Nothing runs, nothing is held, every slot is free, and each attempt was posted exactly once. */
export async function expectAtRest(tollgate: TestGateway, tenantId: string): Promise<void> {
  const { directory, lifecycle } = tollgate.gateway;
  await until(() => lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  const { rows } = await tollgate.store.requestPage({ tenantId }, { limit: 1_000, cursor: null });
  const spent = rows.reduce((sum, row) => sum + row.costNanoUsd, 0);
  const budgets = await directory.budgetStates(tenantId);
  expect(budgets.map(({ postedNanoUsd, heldNanoUsd }) => ({ postedNanoUsd, heldNanoUsd }))).toEqual(
    budgets.map(() => ({ postedNanoUsd: spent, heldNanoUsd: 0 })),
  );
  const limits = await directory.limitStates(tenantId);
  expect(limits.map(({ inFlight }) => inFlight)).toEqual(limits.map(() => 0));
  for (const row of rows) {
    const detail = await tollgate.store.requestDetail(row.id);
    const postings = detail?.attempts.map((attempt) => attempt.postings.length) ?? [];
    expect(postings).toEqual(postings.map(() => 1));
  }
}

/** What a promise rejects with; undefined when it does not. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The header in which a client tells the scripted upstream how to answer; Tollgate passes it on. */
export function scripted(script: string): { headers: Record<string, string> } {
  return { headers: { "x-sim-script": script } };
}

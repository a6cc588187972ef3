/**
 * Hard budgets of every scope under concurrency: with room for exactly 10 requests the upstream sees
 * 10, by its own count, whichever scope the budget is on and however many tenants share it.
 */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { endUserScopeId, GLOBAL_SCOPE_ID, type ScopeRef } from "../../src/base/scope.ts";
import type { BudgetRow } from "../../src/store/contract.ts";
import { chat, errorOf } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;
const ROOM = 10;
const REQUESTS = 500;
const TENANTS = 5;
const SCRIPT = "tokens=100&headers_delay_ms=200";

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());
const { gateway, store, upstream } = tollgate;
const provider = await tollgate.addProvider();
await tollgate.addPrice(provider.id, "sim-small");
const route = await tollgate.addRoute("small", [
  { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
]);

type Client = {
  readonly tenantId: string;
  readonly projectId: string;
  readonly tokenId: string;
  readonly token: string;
};

let clients: readonly Client[];

beforeEach(async () => {
  upstream.reset();
  clients = await Promise.all(Array.from({ length: TENANTS }, () => addClient()));
});

async function addClient(): Promise<Client> {
  const { id: tenantId } = await tollgate.addTenant();
  const base = { version: 1, createdAtMs: gateway.clock.nowMs(), metadata: {} };
  const { id: projectId } = await tollgate.put("projects", {
    ...base,
    id: `prj_${tenantId.slice(4)}`,
    tenantId,
    name: "one",
  });
  const { row, token } = await tollgate.addToken(tenantId, { projectId });
  return { tenantId, projectId, tokenId: row.id, token };
}

type Place = Pick<BudgetRow, "scopeType" | "scopeId" | "tenantId">;
type Case = {
  readonly place: (client: Client) => Place;
  /** Where the ledger counts it. */
  readonly counted: (client: Client) => ScopeRef;
  /** How many of the tenants ask. */
  readonly tenants: number;
};

const CASES: Readonly<Record<string, Case>> = {
  "an access token": {
    place: ({ tenantId, tokenId }) => ({ scopeType: "token", scopeId: tokenId, tenantId }),
    counted: ({ tokenId }) => ({ type: "token", id: tokenId }),
    tenants: 1,
  },
  "a project": {
    place: ({ tenantId, projectId }) => ({ scopeType: "project", scopeId: projectId, tenantId }),
    counted: ({ projectId }) => ({ type: "project", id: projectId }),
    tenants: 1,
  },
  "a tenant": {
    place: ({ tenantId }) => ({ scopeType: "tenant", scopeId: tenantId, tenantId }),
    counted: ({ tenantId }) => ({ type: "tenant", id: tenantId }),
    tenants: 1,
  },
  "an end user": {
    place: ({ tenantId }) => ({ scopeType: "end_user", scopeId: "u-1", tenantId }),
    counted: ({ tenantId }) => ({ type: "end_user", id: endUserScopeId(tenantId, "u-1") }),
    tenants: 1,
  },
  "each end user": {
    place: ({ tenantId }) => ({ scopeType: "end_user", scopeId: "*", tenantId }),
    counted: ({ tenantId }) => ({ type: "end_user", id: endUserScopeId(tenantId, "u-1") }),
    tenants: 1,
  },
  "a route": {
    place: () => ({ scopeType: "route", scopeId: route.id, tenantId: null }),
    counted: () => ({ type: "route", id: route.id }),
    tenants: TENANTS,
  },
  "a provider": {
    place: () => ({ scopeType: "provider", scopeId: provider.id, tenantId: null }),
    counted: () => ({ type: "provider", id: provider.id }),
    tenants: TENANTS,
  },
  everything: {
    place: () => ({ scopeType: "global", scopeId: GLOBAL_SCOPE_ID, tenantId: null }),
    counted: () => ({ type: "global", id: GLOBAL_SCOPE_ID }),
    tenants: TENANTS,
  },
};

const TABLE = Object.keys(CASES).flatMap((name) => [
  [name, "plain", false] as const,
  [name, "streamed", true] as const,
]);

test.each(TABLE)(
  "500 requests at once on a budget of %s with room for 10, %s: the upstream sees 10",
  async (name, _way, stream) => {
    const { place, counted, tenants } = CASES[name] ?? expect.unreachable();
    const first = clients[0] ?? expect.unreachable();
    const before = await postedNanoUsd(counted(first));
    const amountNanoUsd = before + ROOM * COST_NANO_USD;
    const budget = await tollgate.addBudget({ ...place(first), amountNanoUsd, window: "total" });

    const replies = await Promise.all(
      Array.from({ length: REQUESTS }, (_, count) => {
        const { token } = clients[count % tenants] ?? first;
        const body = { max_tokens: 100, user: "u-1", stream };
        return chat(tollgate.url, { token, body, script: SCRIPT });
      }),
    );
    await until(() => gateway.lifecycle.inFlightCount() === 0);

    expect(upstream.stats().requests).toBe(ROOM);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(ROOM);
    for (const reply of replies.filter(({ status }) => status !== 200)) {
      expect(reply.status).toBe(429);
      expect(errorOf(reply)).toMatchObject({ code: "budget_exceeded", type: "insufficient_quota" });
    }
    const account = name === "each end user" ? "u-1" : null;
    expect(await gateway.directory.budgetState(budget, account)).toEqual({
      budgetId: budget.id,
      amountNanoUsd,
      postedNanoUsd: amountNanoUsd,
      heldNanoUsd: 0,
      windowStartedAtMs: 0,
      windowEndsAtMs: null,
    });
    expect(await postedNanoUsd(counted(first))).toBe(amountNanoUsd);
    await store.remove("budgets", budget.id);
    await gateway.directory.changed("budgets", budget.id, null);
  },
  30_000,
);

async function postedNanoUsd(scope: ScopeRef): Promise<number> {
  await store.flush();
  const window = { budgetId: "any", scope, startMs: 0, endMs: null };
  const [posted = 0] = await store.windowSums([window]);
  return posted;
}

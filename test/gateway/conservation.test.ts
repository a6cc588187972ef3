/**
 * Whatever happens to requests and rules at once (faults, clients that leave, edits, passivation),
 * every budget of every owner ends at exactly what the ledger says, with nothing held.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fc from "fast-check";
import { endUserScopeId, type ScopeRef, type ScopeType } from "../../src/base/scope.ts";
import type { BudgetRow, ProviderRow } from "../../src/store/contract.ts";
import { chat } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** Near what the requests of all runs spend, so that the last of them are refused. */
const AMOUNTS_NANO_USD = {
  token: 20_000_000,
  end_user: 5_000_000,
  project: 0,
  tenant: 20_000_000,
  route: 30_000_000,
  provider: 25_000_000,
  global: 30_000_000,
} as const satisfies Record<ScopeType, number>;
const USERS = ["a", "b", "c"];
const TENANTS = 2;

const FAULTS = [
  "tokens=20",
  "tokens=60",
  "tokens=20&headers_delay_ms=30",
  "tokens=200&interval_ms=2",
  "status=500",
  "status=429&retry_after=0",
  "connection_reset=1",
  "cut_at=40",
  "status=400",
] as const;

type Client = { readonly tenantId: string; readonly tokenId: string; readonly token: string };
type Watched = {
  readonly budget: BudgetRow;
  readonly user: string | null;
  readonly scope: ScopeRef;
};

let tollgate: TestGateway;
let providers: readonly ProviderRow[];
let clients: Client[];
let watched: Watched[];

beforeAll(async () => {
  tollgate = await startTestGateway();
  providers = [await tollgate.addProvider(), await tollgate.addProvider({ name: "second" })];
  const targets = await Promise.all(
    providers.map(async ({ id: providerId }, priority) => {
      await tollgate.addPrice(providerId, "sim-small", { inputPicoUsd: 300_000 });
      return { providerId, model: "sim-small", weight: 1, priority };
    }),
  );
  const route = await tollgate.addRoute("small", targets);
  clients = [];
  watched = [];
  const watch = async (scope: ScopeRef, tenantId: string | null, user: string | null) => {
    const scopeId = user === null ? scope.id : "*";
    const place = { scopeType: scope.type, scopeId, tenantId };
    const terms = { amountNanoUsd: AMOUNTS_NANO_USD[scope.type], window: "total" } as const;
    const known = watched.find(
      ({ budget }) => budget.scopeId === "*" && budget.tenantId === tenantId,
    );
    const budget =
      user !== null && known ? known.budget : await tollgate.addBudget({ ...place, ...terms });
    watched.push({ budget, user, scope });
  };
  for (let count = 0; count < TENANTS; count += 1) {
    const { id: tenantId } = await tollgate.addTenant();
    const { row, token } = await tollgate.addToken(tenantId);
    clients.push({ tenantId, tokenId: row.id, token });
    await watch({ type: "tenant", id: tenantId }, tenantId, null);
    await watch({ type: "token", id: row.id }, tenantId, null);
    for (const user of USERS) {
      await watch({ type: "end_user", id: endUserScopeId(tenantId, user) }, tenantId, user);
    }
  }
  await watch({ type: "global", id: "*" }, null, null);
  await watch({ type: "route", id: route.id }, null, null);
  for (const { id } of providers) await watch({ type: "provider", id }, null, null);
});

afterAll(() => tollgate.stop());

type Request = {
  readonly client: number;
  readonly user: number;
  readonly script: (typeof FAULTS)[number];
  readonly stream: boolean;
  /** Milliseconds after which the client leaves. */
  readonly leavesAfterMs: number | null;
};

const request: fc.Arbitrary<Request> = fc.record({
  client: fc.nat(TENANTS - 1),
  user: fc.nat(USERS.length),
  script: fc.constantFrom(...FAULTS),
  stream: fc.boolean(),
  leavesAfterMs: fc.option(fc.integer({ min: 1, max: 60 }), { freq: 4 }),
});

async function send({ client, user, script, stream, leavesAfterMs }: Request): Promise<void> {
  const controller = new AbortController();
  const { token } = clients[client] ?? expect.unreachable();
  const named = USERS[user];
  const body = { stream, max_tokens: 200, ...(named === undefined ? {} : { user: named }) };
  const headers = { "x-tollgate-timeout-ms": "900" };
  const asked = chat(tollgate.url, { token, body, script, headers, signal: controller.signal });
  if (leavesAfterMs !== null) void Bun.sleep(leavesAfterMs).then(() => controller.abort());
  // A client that left has no answer, and one whose stream broke has half of one.
  await asked.catch(() => null);
}

/** Rules change while requests run: budgets are written anew, idle actors dropped. */
async function edit(place: number): Promise<void> {
  const { directory } = tollgate.gateway;
  const { budget } = watched[place % watched.length] ?? expect.unreachable();
  await directory.changed("budgets", budget.id, { ...budget });
  directory.owners.passivateIdle();
}

async function differences(): Promise<unknown[]> {
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  const windows = watched.map(({ budget, scope }) => {
    return { budgetId: budget.id, scope, startMs: 0, endMs: null };
  });
  const sums = await tollgate.store.windowSums(windows);
  const states = await Promise.all(
    watched.map(({ budget, user }) => tollgate.gateway.directory.budgetState(budget, user)),
  );
  return watched.flatMap(({ scope }, place) => {
    const { postedNanoUsd, heldNanoUsd } = states[place] ?? {};
    const isSame = postedNanoUsd === sums[place] && heldNanoUsd === 0;
    return isSame ? [] : [{ scope, postedNanoUsd, heldNanoUsd, ledger: sums[place] }];
  });
}

test("after random faults and edits at once, actors and ledger agree on every scope", async () => {
  let upstreamRequests = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 20, maxLength: 40 }),
      fc.array(fc.nat(100), { maxLength: 12 }),
      async (requests, edits) => {
        for (const row of providers) await freshProvider(tollgate, row);
        await Promise.all([...requests.map(send), ...edits.map(edit)]);
        expect(await differences()).toEqual([]);
        upstreamRequests = tollgate.upstream.stats().requests;
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
  // Some 750 are sent; budgets and clients that leave keep a part of them from the upstream.
  expect(upstreamRequests).toBeGreaterThan(100);
  const before = await differences();
  tollgate = await tollgate.restart();
  expect([before, await differences()]).toEqual([[], []]);
}, 120_000);

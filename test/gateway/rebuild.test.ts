/** A tenant's actor is rebuilt by every edit of its rules, while its requests go on. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { BudgetRow, TokenRow } from "../../src/store/contract.ts";
import { chat } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

let tollgate: TestGateway;
let token: string;
let tokenRow: TokenRow;
let tenantId: string;
let budget: BudgetRow;

beforeEach(async () => {
  tollgate = await startTestGateway();
  tenantId = (await tollgate.addTenant()).id;
  const issued = await tollgate.addToken(tenantId);
  token = issued.token;
  tokenRow = issued.row;
  const provider = await tollgate.addProvider();
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
  await tollgate.addPrice(provider.id, "sim-small", { inputPicoUsd: 500_000 });
  budget = await tollgate.addBudget({
    scopeType: "tenant",
    scopeId: tenantId,
    tenantId,
    amountNanoUsd: 1_000_000_000_000,
  });
  await tollgate.addLimit({ scopeType: "tenant", scopeId: tenantId, tenantId, maxConcurrent: 50 });
});

afterEach(() => tollgate.stop());

async function ledgerNanoUsd(): Promise<number> {
  await tollgate.store.flush();
  const window = {
    budgetId: budget.id,
    scope: { type: "tenant", id: tenantId } as const,
    startMs: 0,
    endMs: null,
  };
  const [postedNanoUsd = 0] = await tollgate.store.windowSums([window]);
  return postedNanoUsd;
}

/** Edits that overlap: each begins before the one before it is in force. */
async function editAtOnce(count: number): Promise<void> {
  const { directory } = tollgate.gateway;
  const edits: Promise<void>[] = [];
  for (let edit = 0; edit < count; edit += 1) {
    edits.push(directory.changed("budgets", budget.id, budget));
    // One turn of the event loop in which requests settle while the actor is being built.
    await new Promise((resolve) => void setImmediate(resolve));
  }
  await Promise.all(edits);
}

test("edits at once during requests lose no settlement and count none twice", async () => {
  const over = new AbortController();
  const clients = Array.from({ length: 16 }, async (_, client) => {
    while (!over.signal.aborted) {
      const body = { max_tokens: 50, stream: client % 2 === 0 };
      const reply = await chat(tollgate.url, { token, body, script: "tokens=20" });
      expect(reply.status).toBe(200);
    }
  });
  for (let round = 0; round < 60; round += 1) await editAtOnce(5);
  over.abort();
  await Promise.all(clients);
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);

  const [state] = await tollgate.gateway.directory.budgetStates(tenantId);
  const spentNanoUsd = await ledgerNanoUsd();
  expect(spentNanoUsd).toBeGreaterThan(0);
  expect(state).toMatchObject({ postedNanoUsd: spentNanoUsd, heldNanoUsd: 0 });
  const [limit] = await tollgate.gateway.directory.limitStates(tenantId);
  expect(limit?.inFlight).toBe(0);
});

test("an access token's requests are counted through edits, never more than it has", async () => {
  const limited = { ...tokenRow, maxRequests: 25 };
  const { directory } = tollgate.gateway;
  await directory.changed("tokens", tokenRow.id, limited);
  const edits = (async () => {
    for (let round = 0; round < 30; round += 1) {
      await directory.changed("tokens", tokenRow.id, { ...limited });
    }
  })();
  const replies = await Promise.all(
    Array.from({ length: 100 }, () => chat(tollgate.url, { token, body: { max_tokens: 5 } })),
  );
  await edits;

  expect(replies.filter(({ status }) => status === 200)).toHaveLength(25);
  expect(tollgate.upstream.stats().requests).toBe(25);
});

test("a client that leaves during an edit is never charged more than was held", async () => {
  const gone = Array.from({ length: 20 }, async () => {
    const controller = new AbortController();
    const asked = chat(tollgate.url, {
      token,
      script: "headers_delay_ms=60000",
      body: { max_tokens: 1_000 },
      signal: controller.signal,
    });
    await tollgate.upstream.until(({ inFlight }) => inFlight === 20);
    controller.abort();
    await asked.catch(() => undefined);
  });
  await tollgate.upstream.until(({ inFlight }) => inFlight === 20);
  await Promise.all([editAtOnce(3), ...gone]);
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();

  const { rows } = await tollgate.store.requestPage({}, { limit: 50, cursor: null });
  for (const { id } of rows) {
    const detail = await tollgate.store.requestDetail(id);
    const [one] = detail?.attempts ?? [];
    const posted = one?.postings[0]?.amountNanoUsd ?? Number.NaN;
    expect(posted).toBeGreaterThan(0);
    expect(posted).toBeLessThanOrEqual(one?.attempt.heldNanoUsd ?? 0);
  }
  expect(rows).toHaveLength(20);
});

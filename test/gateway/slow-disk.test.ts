/** A disk that takes its time over a hold, while the client leaves and the operator edits. */
import { expect, test } from "bun:test";
import type { BudgetRow } from "../../src/store/contract.ts";
import { chat, errorOf } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

type SlowDisk = {
  readonly tollgate: TestGateway;
  readonly token: string;
  readonly tenantId: string;
  readonly budget: BudgetRow;
};

/** The hold is on its way to the real disk at once; only its acknowledgement waits for `acked`. */
async function startSlow(acked: Promise<void>, onHold: () => void): Promise<SlowDisk> {
  const tollgate = await startTestGateway({
    between: (store) => ({
      ...store,
      ledger: {
        ...store.ledger,
        hold: async (record) => {
          const held = store.ledger.hold(record);
          onHold();
          await acked;
          await held;
        },
      },
    }),
  });
  const tenantId = (await tollgate.addTenant()).id;
  const { token } = await tollgate.addToken(tenantId);
  const provider = await tollgate.addProvider();
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  const budget = await tollgate.addBudget(scope);
  return { tollgate, token, tenantId, budget };
}

test("a client that leaves while its hold is written leaves nothing held, through an edit", async () => {
  const acked = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { tollgate, token, tenantId } = await startSlow(acked.promise, asked.resolve);
  try {
    const { directory } = tollgate.gateway;
    const controller = new AbortController();
    const gone = chat(tollgate.url, { token, signal: controller.signal }).catch(() => undefined);
    await asked.promise;
    controller.abort();
    await gone;
    // It is over for the client; what is left of it waits for the disk.
    const first = { limit: 1, cursor: null };
    await until(async () => (await tollgate.store.requestPage({}, first)).rows.length === 1);
    // The new actor finds the hold in the ledger, where nothing says yet that it is void.
    const tenant = await tollgate.store.get("tenants", tenantId);
    await directory.changed("tenants", tenantId, tenant);
    acked.resolve();

    await until(async () => (await directory.budgetStates(tenantId))[0]?.heldNanoUsd === 0);
    await tollgate.store.flush();
    const [row] = (await tollgate.store.requestPage({}, first)).rows;
    const detail = await tollgate.store.requestDetail(row?.id ?? "");
    expect(detail?.attempts.map(({ postings }) => postings.map(({ kind }) => kind))).toEqual([
      ["void"],
    ]);
    expect(tollgate.upstream.stats().requests).toBe(0);
  } finally {
    acked.resolve();
    await tollgate.stop();
  }
});

test("what a client left on its way to the disk is nobody else's to spend until it is void", async () => {
  const acked = Promise.withResolvers<void>();
  let holds = 0;
  const { tollgate, token, tenantId, budget } = await startSlow(acked.promise, () => {
    holds += 1;
  });
  try {
    const { directory } = tollgate.gateway;
    // Room for one request with one token, as it is asked for here, and no more.
    const body = { max_tokens: 1 };
    const controller = new AbortController();
    const gone = chat(tollgate.url, { token, body, signal: controller.signal });
    await until(() => holds === 1);
    const [taken] = await directory.budgetStates(tenantId);
    const heldNanoUsd = taken?.heldNanoUsd ?? 0;
    expect(heldNanoUsd).toBeGreaterThan(0);
    await directory.changed("budgets", budget.id, { ...budget, amountNanoUsd: heldNanoUsd });
    controller.abort();
    await gone.catch(() => undefined);
    const first = { limit: 1, cursor: null };
    await until(async () => (await tollgate.store.requestPage({}, first)).rows.length === 1);

    // Were the process killed now, recovery would charge what the client left.
    const refused = await chat(tollgate.url, { token, body });
    expect([refused.status, errorOf(refused), holds]).toEqual([
      429,
      expect.objectContaining({ code: "budget_exceeded" }),
      1,
    ]);
    acked.resolve();
    await until(async () => (await directory.budgetStates(tenantId))[0]?.heldNanoUsd === 0);
    const served = await chat(tollgate.url, { token, body, script: "tokens=1" });
    expect([served.status, tollgate.upstream.stats().requests]).toEqual([200, 1]);
  } finally {
    acked.resolve();
    await tollgate.stop();
  }
});

test("a request's own deadline and draining reach a request that waits for the disk", async () => {
  const acked = Promise.withResolvers<void>();
  let holds = 0;
  const { tollgate, token } = await startSlow(acked.promise, () => {
    holds += 1;
  });
  try {
    const headers = { "x-tollgate-timeout-ms": "200" };
    const late = await chat(tollgate.url, { token, headers });
    expect([late.status, errorOf(late)]).toEqual([
      504,
      expect.objectContaining({ code: "upstream_timeout" }),
    ]);
    const waiting = chat(tollgate.url, { token });
    await until(() => holds === 2);
    const isDrained = tollgate.gateway.lifecycle.drain(50);
    const drained = await waiting;
    expect([drained.status, errorOf(drained)]).toEqual([
      503,
      expect.objectContaining({ code: "gateway_draining" }),
    ]);
    expect(tollgate.upstream.stats().requests).toBe(0);
    acked.resolve();
    await isDrained;
  } finally {
    acked.resolve();
    await tollgate.stop();
  }
});

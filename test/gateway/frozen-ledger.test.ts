/**
 * A ledger that is older than what was spent since cannot keep a hard budget: those refuse until an
 * operator accepts it, and everything else goes on.
 */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { chat, errorOf, type ChatReply } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";

let isFrozen = true;
// The real store; only whether an operator has accepted it is up to this test.
const tollgate = await startTestGateway({
  between: (store) => ({ ...store, isFrozen: () => isFrozen }),
});
afterAll(() => tollgate.stop());
const { directory, metrics } = tollgate.gateway;
const provider = await tollgate.addProvider();
const other = await tollgate.addProvider({ name: "other" });
await tollgate.addPrice(provider.id, "sim-small");
await tollgate.addPrice(other.id, "sim-small");
const targets = [provider, other].map(({ id: providerId }, priority) => ({
  providerId,
  model: "sim-small",
  weight: 1,
  priority,
}));
await tollgate.addRoute("small", targets);

let tenantId: string;
let token: string;

beforeEach(async () => {
  isFrozen = true;
  tollgate.upstream.reset();
  tenantId = (await tollgate.addTenant()).id;
  ({ token } = await tollgate.addToken(tenantId));
});

function ask(): Promise<ChatReply> {
  return chat(tollgate.url, { token, body: { max_tokens: 10, user: "u-1" } });
}

const RICH = 1_000_000_000;

test.each([
  ["the tenant", () => ({ scopeType: "tenant", scopeId: tenantId, tenantId }) as const],
  ["the end user", () => ({ scopeType: "end_user", scopeId: "u-1", tenantId }) as const],
  ["each end user", () => ({ scopeType: "end_user", scopeId: "*", tenantId }) as const],
  ["everything", () => ({ scopeType: "global", scopeId: "*", tenantId: null }) as const],
])(
  "a hard budget of %s refuses, says what helps, and works from the acceptance on",
  async (_name, place) => {
    const budget = await tollgate.addBudget({ ...place(), amountNanoUsd: RICH });
    const refused = await ask();
    expect([refused.status, errorOf(refused)]).toEqual([
      503,
      expect.objectContaining({
        code: "ledger_unavailable",
        message: expect.stringContaining("an operator must accept it"),
      }),
    ]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(tollgate.upstream.stats().requests).toBe(0);
    isFrozen = false;
    expect((await ask()).status).toBe(200);
    expect(await directory.budgetState(budget, "u-1")).toMatchObject({ heldNanoUsd: 0 });
    await tollgate.store.remove("budgets", budget.id);
    await directory.changed("budgets", budget.id, null);
  },
);

test("soft and unlimited budgets, others' budgets and none at all refuse nobody", async () => {
  const place = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...place, amountNanoUsd: RICH, mode: "soft" });
  await tollgate.addBudget({ ...place, amountNanoUsd: null });
  const stranger = await tollgate.addTenant();
  const another = { scopeType: "tenant", scopeId: stranger.id, tenantId: stranger.id } as const;
  await tollgate.addBudget({ ...another, amountNanoUsd: RICH });
  expect((await ask()).status).toBe(200);
});

test("it makes nobody unready, and is told to operators", async () => {
  const ready = await fetch(`${tollgate.url}/readyz`);
  expect(ready.status).toBe(200);
  expect(await (await fetch(`${tollgate.url}/health`)).json()).toMatchObject({
    status: "ok",
    ledger_frozen: true,
  });
  expect(await metrics.render()).toContain("\ntollgate_ledger_frozen 1\n");
});

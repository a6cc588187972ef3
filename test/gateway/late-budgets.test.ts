/**
 * A budget that is first set while requests run, and holds are still on their way to the disk: its
 * new actor knows them, though neither the ledger nor an actor before it does.
 */
import { expect, test } from "bun:test";
import type { ScopeType } from "../../src/base/scope.ts";
import { chat } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;

test.each<[ScopeType, string]>([
  ["global", "*"],
  ["end_user", "u-1"],
  ["end_user", "*"],
  ["tenant", ""],
])("a budget of the scope %s %s", async (scopeType, id) => {
  const released = Promise.withResolvers<void>();
  let waiting = 0;
  // The real store, behind a disk that takes its time with holds.
  const tollgate = await startTestGateway({
    between: (store) => ({
      ...store,
      ledger: {
        ...store.ledger,
        hold: async (record) => {
          waiting += 1;
          await released.promise;
          await store.ledger.hold(record);
        },
      },
    }),
  });
  try {
    const { id: tenantId } = await tollgate.addTenant();
    const { token } = await tollgate.addToken(tenantId);
    const provider = await tollgate.addProvider();
    await tollgate.addPrice(provider.id, "sim-small");
    const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
    await tollgate.addRoute("small", [target]);
    const ask = () => {
      const body = { max_tokens: 100, user: "u-1" };
      return chat(tollgate.url, { token, body, script: "tokens=40" });
    };
    const running = [ask(), ask(), ask()];
    await until(() => waiting === 3);
    const budget = await tollgate.addBudget({
      scopeType,
      scopeId: id === "" ? tenantId : id,
      tenantId: scopeType === "global" ? null : tenantId,
      amountNanoUsd: 4 * COST_NANO_USD,
      window: "total",
    });
    const account = async (): Promise<unknown> => {
      const state = await tollgate.gateway.directory.budgetState(budget, "u-1");
      return state === null ? null : [state.postedNanoUsd, state.heldNanoUsd];
    };
    expect(await account()).toEqual([0, 3 * COST_NANO_USD]);
    const more = [ask(), ask()];
    released.resolve();
    const replies = await Promise.all([...running, ...more]);
    // The first three were let in before there was a budget; of the two after them one had room.
    expect(replies.slice(0, 3).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(4);
    await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
    expect(await account()).toEqual([(4 * COST_NANO_USD * 40) / 100, 0]);
  } finally {
    released.resolve();
    await tollgate.stop();
  }
});

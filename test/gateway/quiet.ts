/** A gateway with every kind of rule in force, and the check that nothing of a refusal is left in it. */
import { expect } from "bun:test";
import { chat } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

export type QuietGateway = {
  readonly tollgate: TestGateway;
  readonly token: string;
  readonly tenantId: string;
  /** Nothing runs, is held or was seen by the upstream; then a normal request still works. */
  readonly expectQuiet: () => Promise<void>;
};

export async function startQuietGateway(): Promise<QuietGateway> {
  const tollgate = await startTestGateway();
  const tenantId = (await tollgate.addTenant()).id;
  const { token } = await tollgate.addToken(tenantId);
  const provider = await tollgate.addProvider();
  for (const [route, model] of [
    ["small", "sim-small"],
    ["embed", "sim-embed"],
  ] as const) {
    await tollgate.addRoute(route, [{ providerId: provider.id, model, weight: 1, priority: 0 }]);
  }
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 10_000_000_000 });
  await tollgate.addLimit({
    ...scope,
    requestsPerMinute: 1_000_000,
    tokensPerMinute: 100_000_000,
    maxConcurrent: 100,
  });
  const expectQuiet = async (): Promise<void> => {
    await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
    expect(tollgate.upstream.stats().requests).toBe(0);
    const { directory, watchdog } = tollgate.gateway;
    const [budget] = await directory.budgetStates(tenantId);
    const [limit] = await directory.limitStates(tenantId);
    expect([budget?.heldNanoUsd, limit?.inFlight]).toEqual([0, 0]);
    expect(watchdog.armedCount()).toBe(0);
    expect((await chat(tollgate.url, { token })).status).toBe(200);
    tollgate.upstream.reset();
  };
  return { tollgate, token, tenantId, expectQuiet };
}

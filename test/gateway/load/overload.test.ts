/** The bound on exchanges at once: what is past it is told to come back, and costs nothing. */
import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Stoppable } from "../../../src/gateway/exchange.ts";
import { chat, errorOf } from "../../support/chat.ts";
import { startTestGateway } from "../../support/gateway.ts";

test("past the bound of exchanges in flight a request is refused with when to come back", async () => {
  const tollgate = await startTestGateway();
  try {
    const { lifecycle } = tollgate.gateway;
    const tenant = await tollgate.addTenant();
    const { token } = await tollgate.addToken(tenant.id);
    const provider = await tollgate.addProvider();
    const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
    await tollgate.addRoute("small", [target]);
    const others = Array.from({ length: LIMITS.exchangesInFlightMax }, (): Stoppable => ({
      stoppedFor: null,
      stopAttempt: null,
      stopped: Promise.withResolvers(),
    }));
    for (const other of others) lifecycle.enter(other);
    const refused = await chat(tollgate.url, { token });
    for (const other of others) lifecycle.leave(other);
    const served = await chat(tollgate.url, { token });

    expect(refused.status).toBe(503);
    expect(errorOf(refused)).toMatchObject({ code: "gateway_overloaded", type: "server_error" });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(served.status).toBe(200);
    expect(tollgate.upstream.stats().requests).toBe(1);
  } finally {
    await tollgate.stop();
  }
});

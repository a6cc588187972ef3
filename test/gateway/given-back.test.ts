/** All or nothing: a refusal takes nothing from any rule, and what was taken comes back whatever happens. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chat, type ChatOptions, type ChatReply } from "../support/chat.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());
const { upstream, gateway } = tollgate;
const timeoutsMs = { connect: 1_000, first_byte: 60, first_token: 60, idle: 60, total: 60_000 };
const provider = await tollgate.addProvider();
const hasty = await tollgate.addProvider({ name: "hasty", timeoutsMs });
const gone = await tollgate.addProvider({ name: "gone", baseUrl: "http://127.0.0.1:9/v1" });
for (const [route, { id }] of [
  ["small", provider],
  ["hasty", hasty],
  ["gone", gone],
] as const) {
  await tollgate.addRoute(route, [{ providerId: id, model: "sim-small", weight: 1, priority: 0 }]);
}

let tenantId: string;
let token: string;

/** Fresh actors: the failures of one request say nothing about the next. */
async function refreshProviders(): Promise<void> {
  for (const row of [provider, hasty, gone]) {
    await freshProvider(tollgate, row);
  }
}

beforeEach(async () => {
  upstream.reset();
  await refreshProviders();
  tenantId = (await tollgate.addTenant()).id;
  ({ token } = await tollgate.addToken(tenantId));
});

const ask = (options: Partial<ChatOptions> = {}): Promise<ChatReply> =>
  chat(tollgate.url, { token, ...options });

const oneSlot = () =>
  tollgate.addLimit({ scopeType: "tenant", scopeId: tenantId, tenantId, maxConcurrent: 1 });

async function untilQuiet(): Promise<void> {
  await until(() => gateway.lifecycle.inFlightCount() === 0);
}

describe("a refusal by one rule takes nothing from the others", () => {
  const AMPLE = { requestsPerMinute: 100, tokensPerMinute: 1_000_000, maxConcurrent: 10 };
  const TIGHT = ["requests", "tokens", "slots", "budget", "allowance", "provider"] as const;
  const SCOPES = ["token", "project", "tenant"] as const;
  const orderings = TIGHT.flatMap((tight) =>
    (tight === "allowance" || tight === "provider" ? (["token"] as const) : SCOPES).map(
      (scope) => [tight, scope] as const,
    ),
  );

  test.each(orderings)("%s of the %s", async (tight, scopeType) => {
    const project = await tollgate.put("projects", {
      id: `prj_${tenantId}`,
      version: 1,
      createdAtMs: Date.now(),
      tenantId,
      name: "project",
      metadata: {},
    });
    const issued = await tollgate.addToken(tenantId, {
      projectId: project.id,
      maxRequests: tight === "allowance" ? 0 : 100,
    });
    const ids = { token: issued.row.id, project: project.id, tenant: tenantId };
    for (const type of SCOPES) {
      const scope = { scopeType: type, scopeId: ids[type], tenantId };
      const isTight = type === scopeType;
      await tollgate.addLimit({
        ...scope,
        ...AMPLE,
        ...(isTight && tight === "requests" ? { requestsPerMinute: 0 } : {}),
        ...(isTight && tight === "tokens" ? { tokensPerMinute: 0 } : {}),
        ...(isTight && tight === "slots" ? { maxConcurrent: 0 } : {}),
      });
      const amountNanoUsd = isTight && tight === "budget" ? 0 : 1_000_000_000;
      await tollgate.addBudget({ ...scope, amountNanoUsd });
    }
    if (tight === "provider") {
      await gateway.directory.changed("providers", provider.id, { ...provider, enabled: false });
    }
    const state = async () => ({
      limits: await gateway.directory.limitStates(tenantId),
      budgets: await gateway.directory.budgetStates(tenantId),
      requests: gateway.directory.requestCount(issued.row.id),
    });
    const before = await state();
    expect(before.limits).toHaveLength(3);
    for (let count = 0; count < 5; count += 1) {
      const reply = await ask({ token: issued.token });
      expect(reply.status).toBe(tight === "provider" ? 503 : 429);
    }
    expect(await state()).toEqual(before);
    expect(upstream.stats().requests).toBe(0);
  });
});

describe("a slot comes back", () => {
  const failures: readonly (readonly [string, Partial<ChatOptions>])[] = [
    ["an answer", { script: "tokens=1" }],
    ["a stream", { script: "tokens=1", body: { stream: true } }],
    ["a request without messages", { body: { messages: [] } }],
    ["an unknown model", { body: { model: "nobody" } }],
    ["the provider's 400", { script: "status=400" }],
    ["the provider's 500", { script: "status=500" }],
    ["the provider's 429", { script: "status=429&retry_after=0" }],
    ["a dropped connection", { script: "connection_reset=1" }],
    ["nonsense", { script: "garbage=1" }],
    ["half an answer", { script: "cut_at=50" }],
    ["silence", { script: "hang=1", body: { model: "hasty" } }],
    ["a provider that is not there", { body: { model: "gone" } }],
    ["a deadline", { script: "hang=1", headers: { "x-tollgate-timeout-ms": "20" } }],
    ["a stream cut", { script: "token_delay_ms=10&cut_at=900", body: { stream: true } }],
    ["a stream's error", { script: "error_after=3", body: { stream: true } }],
    [
      "a stream that falls silent",
      { script: "stall_after=3", body: { model: "hasty", stream: true } },
    ],
  ];

  test.each(failures)("after %s", async (_what, options) => {
    await oneSlot();
    for (let round = 0; round < 2; round += 1) {
      const reply = await ask(options);
      expect(reply.headers.get("x-tollgate-error")).not.toBe("concurrency_limit_exceeded");
      await untilQuiet();
      await refreshProviders();
    }
    const [state] = await gateway.directory.limitStates(tenantId);
    expect(state?.inFlight).toBe(0);
  });

  test.each([
    ["before the answer", "hang=1", false],
    ["in the middle of a stream", "tokens=1000&token_delay_ms=5", true],
  ])("after a client that left %s", async (_when, script, stream) => {
    await oneSlot();
    const controller = new AbortController();
    const left = ask({ script, body: { stream }, signal: controller.signal }).catch(() => null);
    await upstream.until(({ inFlight }) => inFlight === 1);
    expect((await ask()).headers.get("x-tollgate-error")).toBe("concurrency_limit_exceeded");
    controller.abort();
    await left;
    await untilQuiet();
    expect((await ask({ script: "tokens=1" })).status).toBe(200);
  });
});

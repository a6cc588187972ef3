/** Hard budgets under concurrency: the upstream's own count says what got through. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chat, errorOf } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let tollgate: TestGateway;
let token: string;
let tenantId: string;
let tokenId: string;

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;
const BODY = { max_tokens: 100 };
const SCRIPT = "tokens=100&headers_delay_ms=300";

beforeEach(async () => {
  tollgate = await startTestGateway();
  const tenant = await tollgate.addTenant();
  tenantId = tenant.id;
  const issued = await tollgate.addToken(tenant.id);
  token = issued.token;
  tokenId = issued.row.id;
  const provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-small");
  await tollgate.addRoute("small", [
    { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
  ]);
});

afterEach(() => tollgate.stop());

async function atRest(): Promise<{ postedNanoUsd: number; heldNanoUsd: number }[]> {
  const states = await tollgate.gateway.directory.budgetStates(tenantId);
  return states.map(({ postedNanoUsd, heldNanoUsd }) => ({ postedNanoUsd, heldNanoUsd }));
}

describe.each([
  ["plain", false],
  ["streams", true],
])("500 concurrent %s requests on a budget with room for exactly 10", (_name, stream) => {
  test("the upstream sees 10, the others are refused, and nothing stays held", async () => {
    await tollgate.addBudget({
      scopeType: "token",
      scopeId: tokenId,
      tenantId,
      amountNanoUsd: 10 * COST_NANO_USD,
    });
    const replies = await Promise.all(
      Array.from({ length: 500 }, () =>
        chat(tollgate.url, { token, body: { ...BODY, stream }, script: SCRIPT }),
      ),
    );

    expect(replies.filter(({ status }) => status === 200)).toHaveLength(10);
    const refused = replies.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(490);
    for (const reply of refused) {
      expect(reply.status).toBe(429);
      expect(errorOf(reply)).toMatchObject({ code: "budget_exceeded", type: "insufficient_quota" });
      expect(reply.headers.get("x-should-retry")).toBe("false");
      expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(tollgate.upstream.stats().requests).toBe(10);
    expect(await atRest()).toEqual([{ postedNanoUsd: 10 * COST_NANO_USD, heldNanoUsd: 0 }]);
  });
});

test("room that settlement frees is admissible at once", async () => {
  await tollgate.addBudget({
    scopeType: "tenant",
    scopeId: tenantId,
    tenantId,
    amountNanoUsd: COST_NANO_USD,
  });
  const first = await chat(tollgate.url, { token, body: BODY, script: "tokens=40" });
  const second = await chat(tollgate.url, { token, body: { max_tokens: 60 }, script: "tokens=60" });
  const third = await chat(tollgate.url, { token, body: { max_tokens: 1 }, script: "tokens=1" });

  expect([first.status, second.status, third.status]).toEqual([200, 200, 429]);
  expect(tollgate.upstream.stats().requests).toBe(2);
  expect(await atRest()).toEqual([{ postedNanoUsd: COST_NANO_USD, heldNanoUsd: 0 }]);
});

test("every scope of the chain is asked, and a refusal by one consumes nothing of the others", async () => {
  await tollgate.addBudget({
    scopeType: "token",
    scopeId: tokenId,
    tenantId,
    amountNanoUsd: 5 * COST_NANO_USD,
  });
  await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId, amountNanoUsd: 0 });
  await tollgate.addLimit({
    scopeType: "token",
    scopeId: tokenId,
    tenantId,
    requestsPerMinute: 1,
    maxConcurrent: 1,
  });
  const replies = [];
  for (let index = 0; index < 3; index += 1) {
    replies.push(await chat(tollgate.url, { token, body: BODY }));
  }

  expect(replies.map((reply) => errorOf(reply))).toEqual(
    Array.from({ length: 3 }, () => expect.objectContaining({ code: "budget_exceeded" })),
  );
  expect(tollgate.upstream.stats().requests).toBe(0);
  expect(await atRest()).toEqual([
    { postedNanoUsd: 0, heldNanoUsd: 0 },
    { postedNanoUsd: 0, heldNanoUsd: 0 },
  ]);
});

test("a request without an output limit is capped when its worst case does not fit, and told so", async () => {
  await tollgate.addBudget({
    scopeType: "tenant",
    scopeId: tenantId,
    tenantId,
    // Room for the default allowance of 1,024 tokens, far less than the model's maximum.
    amountNanoUsd: 20 * COST_NANO_USD,
  });
  const reply = await chat(tollgate.url, { token, script: "tokens=5000" });

  expect(reply.status).toBe(200);
  expect(reply.headers.get("x-tollgate-output-capped")).toBe("1024");
  const answer = JSON.parse(reply.text);
  expect(answer.usage.completion_tokens).toBe(1_024);
  expect(answer.choices[0].finish_reason).toBe("length");
  const [seen] = tollgate.upstream.requests();
  expect(JSON.parse(new TextDecoder().decode(seen?.body ?? new Uint8Array()))).toMatchObject({
    max_tokens: 1_024,
  });
});

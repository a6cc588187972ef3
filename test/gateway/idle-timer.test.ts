/** The server's idle timer: off while an answer may rightly be silent, on again when it is over. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { exchangeRoute } from "../../src/http/v1/exchange-route.ts";
import { chatInit, type ChatOptions } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());
const provider = await tollgate.addProvider();
await tollgate.addRoute("small", [
  { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
]);
const { token } = await tollgate.addToken((await tollgate.addTenant()).id);

/** Seconds to which the timer was set, in order; 0 is off. */
const set: number[] = [];
beforeEach(() => set.splice(0));

function route(options: Partial<ChatOptions>): Promise<Response> {
  const url = `${tollgate.url}/v1/chat/completions`;
  const request = new Request(url, chatInit({ token, ...options }));
  return exchangeRoute(tollgate.gateway, "chat", { model: null }, request, {
    timeout: (_request, seconds) => void set.push(seconds),
  });
}

test.each<[string, Partial<ChatOptions>]>([
  ["a plain answer", {}],
  ["the provider's refusal", { script: "status=400" }],
  ["a refusal of ours", { body: { messages: [] } }],
  ["a failure of the provider", { script: "garbage=1" }],
])("%s", async (_what, options) => {
  await (await route(options)).text();
  expect(set).toEqual([0, 60]);
});

test.each<[string, string]>([
  ["a stream", "tokens=3"],
  ["a stream that is cut", "tokens=50&token_delay_ms=10&cut_at=2000"],
])("%s, at whose first words the timer is still off", async (_what, script) => {
  const response = await route({ script, body: { stream: true } });
  expect(set).toEqual([0]);
  await response.text();
  expect(set).toEqual([0, 60]);
});

test("a credential that is refused before the body is read: the timer was never off", async () => {
  expect((await route({ token: "nobody" })).status).toBe(401);
  expect(set).toEqual([60]);
});

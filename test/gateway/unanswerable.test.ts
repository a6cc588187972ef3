/** Requests and answers that nothing sensible can be done with must end like every other. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chat, errorOf } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let tollgate: TestGateway;
let token: string;

beforeAll(async () => {
  tollgate = await startTestGateway();
  const tenant = await tollgate.addTenant();
  token = (await tollgate.addToken(tenant.id)).token;
  const provider = await tollgate.addProvider({ name: "up" });
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
});

afterAll(() => tollgate.stop());

test("half a surrogate pair in the model's name is refused, and nothing stays in flight", async () => {
  const reply = await chat(tollgate.url, { token, body: { model: "up/sim-\ud800" } });

  expect([reply.status, errorOf(reply)]).toEqual([
    400,
    expect.objectContaining({ code: "invalid_request", param: "model" }),
  ]);
  expect(tollgate.gateway.lifecycle.inFlightCount()).toBe(0);
});

test("a credential that the provider repeats in its refusal does not reach the client", async () => {
  const said = "wrong%20key%20sk-upstream-credential%2C%20sk-upstream-credential";
  const reply = await chat(tollgate.url, { token, script: `status=401&body=${said}` });

  expect([reply.status, reply.text]).toEqual([401, "wrong key [credential], [credential]"]);
});

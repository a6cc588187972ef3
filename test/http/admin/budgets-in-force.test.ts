/**
 * A budget of every scope through the admin API and its effect on clients: refused at a cap of 0
 * before anything is sent, served under a cap that has room, and counted to the nano-dollar.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startUpstream, type Upstream } from "../../../bench/upstream/server.ts";
import { parseUsd } from "../../../src/base/units.ts";
import { listen, type RunningServer } from "../../../src/http/listen.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { chat, errorOf } from "../../support/chat.ts";
import { make, makeProvider, makeTenant } from "../../support/things.ts";
import { until } from "../../support/until.ts";

let api: TestAdmin;
let upstream: Upstream;
let server: RunningServer;
let token = "";
const ids = { tenant: "", project: "", token: "", provider: "", route: "" };

beforeAll(async () => {
  api = await startTestAdmin();
  upstream = await startUpstream();
  server = listen(api.app, { hostname: "127.0.0.1", port: 0 });
  ids.tenant = (await makeTenant(api)).id;
  ids.project = (await make(api, "/projects", { tenant_id: ids.tenant, name: "P" })).id;
  const issued = await make(api, "/tokens", {
    tenant_id: ids.tenant,
    project_id: ids.project,
    name: "K",
  });
  ids.token = issued.id;
  token = String(issued["token"]);
  const provider = await makeProvider(api, {
    name: "sim",
    base_url: `${upstream.url}/v1`,
    allow_private_network: true,
  });
  ids.provider = provider.id;
  const targets = [{ provider: "sim", model: "sim-small?tokens=20" }];
  ids.route = (await make(api, "/routes", { model: "small", targets })).id;
});
afterAll(async () => {
  await server.stop(true);
  await api.stop();
  await upstream.stop();
});

const scopes: readonly (readonly [type: string, scope: () => object])[] = [
  ["global", () => ({ type: "global" })],
  ["tenant", () => ({ type: "tenant", id: ids.tenant })],
  ["project", () => ({ type: "project", id: ids.project })],
  ["token", () => ({ type: "token", id: ids.token })],
  ["end_user", () => ({ type: "end_user", id: "carol", tenant_id: ids.tenant })],
  ["end_user by default", () => ({ type: "end_user", id: "*", tenant_id: ids.tenant })],
  ["provider", () => ({ type: "provider", id: "sim" })],
  ["route", () => ({ type: "route", id: "small" })],
];

test.each(scopes)("a budget of the scope %s refuses at 0 and counts above", async (type, scope) => {
  const isDefault = type === "end_user by default";
  const endUser = isDefault ? "first-seen" : "carol";
  const ask = () => chat(server.url, { token, body: { user: endUser, max_tokens: 50 } });
  const budget = await make(api, "/budgets", { scope: scope(), amount_usd: "0", window: "total" });
  const path = `/budgets/${budget.id}`;
  const of = isDefault ? `?end_user=${endUser}` : "";
  const shown = async (member: string): Promise<number> => {
    const answer = await api.call("GET", `${path}${of}`);
    return parseUsd(String(answer.member(member))) ?? Number.NaN;
  };
  const before = await shown("posted_usd");
  const seen = upstream.stats().requests;

  const refused = await ask();
  expect([refused.status, errorOf(refused)]).toMatchObject([429, { code: "budget_exceeded" }]);
  expect(upstream.stats().requests).toBe(seen);
  const why = await api.call("GET", `/requests/${String(refused.headers.get("x-request-id"))}`);
  expect(why.body).toMatchObject({
    end_user: endUser,
    refusal: { kind: "budget", rule_id: budget.id, limit: "0.00", unit: "usd" },
  });

  await api.call("PATCH", path, { body: { amount_usd: "5" } });
  const served = await ask();
  expect([served.status, upstream.stats().requests]).toEqual([200, seen + 1]);
  const request = await api.call("GET", `/requests/${String(served.headers.get("x-request-id"))}`);
  const cost = parseUsd(String(request.member("cost_usd"))) ?? Number.NaN;
  expect(cost).toBeGreaterThan(0);
  await until(async () => (await shown("held_usd")) === 0);
  expect((await shown("posted_usd")) - before).toBe(cost);
  expect((await api.call("DELETE", path)).status).toBe(204);
});

async function statusFor(user: string): Promise<number> {
  return (await chat(server.url, { token, body: { user, max_tokens: 50 } })).status;
}

test("a top-up lets clients in until it is taken back", async () => {
  const scope = { type: "token", id: ids.token };
  const { id } = await make(api, "/budgets", { scope, amount_usd: "0", window: "day" });
  expect(await statusFor("anyone")).toBe(429);
  const credit = await make(api, `/budgets/${id}/top_up`, { amount_usd: "5" });
  expect(await statusFor("anyone")).toBe(200);
  await api.call("DELETE", `/budgets/${id}/credits/${credit.id}`);
  expect(await statusFor("anyone")).toBe(429);
  await api.call("DELETE", `/budgets/${id}`);
});

test("a reset lets clients in again that had used a budget up", async () => {
  const scope = { type: "end_user", id: "*", tenant_id: ids.tenant };
  const { id } = await make(api, "/budgets", { scope, amount_usd: "0.0001", window: "day" });
  let served = 0;
  while ((await statusFor("dave")) === 200) served += 1;
  expect(served).toBeGreaterThan(1);
  expect(await statusFor("erin")).toBe(200);
  const reset = await api.call("POST", `/budgets/${id}/reset`, { body: { end_user: "dave" } });
  expect(reset.body).toMatchObject({ posted_usd: "0.00", remaining_usd: "0.0001" });
  expect(await statusFor("dave")).toBe(200);
  await api.call("DELETE", `/budgets/${id}`);
});

test("a cap of null refuses nothing and still counts", async () => {
  const budget = await make(api, "/budgets", {
    scope: { type: "global" },
    amount_usd: null,
    window: "hour",
  });
  expect((await chat(server.url, { token })).status).toBe(200);
  const shown = await api.call("GET", `/budgets/${budget.id}`);
  expect(shown.body).toMatchObject({ amount_usd: null, remaining_usd: null });
  expect(parseUsd(String(shown.member("posted_usd")))).toBeGreaterThan(0);
});

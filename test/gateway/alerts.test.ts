/**
 * Alerts: each threshold of each window is told exactly once, through edits, rebuilt actors, restarts
 * and a store that fails: as a stored row, a log line and a count.
 */
import { afterEach, expect, test } from "bun:test";
import type { BudgetRow, Store } from "../../src/store/contract.ts";
import { chat } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { leapingClock } from "./leaping-clock.ts";

/** One request costs exactly 100 output tokens at 1 USD per million: 100,000 nano-dollars. */
const COST_NANO_USD = 100_000;
const DAY_MS = 24 * 3_600_000;
const START_MS = Date.UTC(2027, 0, 13, 10);

const clock = leapingClock();
let tollgate: TestGateway;
let token: string;
let tenantId: string;

afterEach(() => tollgate.stop());

async function start(between?: (store: Store) => Store): Promise<void> {
  clock.leap(START_MS - clock.nowMs());
  tollgate = await startTestGateway({ clock, ...(between === undefined ? {} : { between }) });
  tenantId = (await tollgate.addTenant()).id;
  ({ token } = await tollgate.addToken(tenantId));
  const provider = await tollgate.addProvider();
  await tollgate.addPrice(provider.id, "sim-small");
  const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
}

/** Ten requests fill it. */
function addBudget(place: Pick<BudgetRow, "scopeType" | "scopeId" | "tenantId">) {
  const alertThresholds = [0.5, 0.8, 1];
  return tollgate.addBudget({ ...place, alertThresholds, amountNanoUsd: 10 * COST_NANO_USD });
}

const ofTenant = () => addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });

async function spend(requests: number, user = "u-1"): Promise<void> {
  const body = { max_tokens: 100, user };
  const one = () => chat(tollgate.url, { token, body, script: "tokens=100" });
  await Promise.all(Array.from({ length: requests }, one));
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
}

type Told = readonly [scope: string, threshold: number, windowStartMs: number];

async function stored(): Promise<Told[]> {
  const page = await tollgate.store.alertPage({}, { limit: 100, cursor: null });
  return page.rows
    .toReversed()
    .map((row) => [row.scopeId, row.thresholdPpm / 1_000_000, row.windowStartMs]);
}

/** Logged by this process, in order. */
function logged(): Told[] {
  return tollgate.logLines
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === "budget.alert")
    .map((line) => [line.scopeId, line.thresholdPpm / 1_000_000, line.windowStartMs]);
}

async function counted(scopeType: string): Promise<string | undefined> {
  const text = await tollgate.gateway.metrics.render();
  const name = `tollgate_budget_alerts_total{scope_type="${scopeType}"} `;
  return text
    .split("\n")
    .find((line) => line.startsWith(name))
    ?.slice(name.length);
}

const TODAY_MS = Date.UTC(2027, 0, 13);

test("each threshold is told once as it is passed, several by one settlement if need be", async () => {
  await start();
  await ofTenant();
  await spend(4);
  expect(await stored()).toEqual([]);
  await spend(1);
  await until(() => logged().length === 1);
  expect(await stored()).toEqual([[tenantId, 0.5, TODAY_MS]]);
  await spend(20);
  await until(() => logged().length === 3);
  const all: Told[] = [0.5, 0.8, 1].map((threshold) => [tenantId, threshold, TODAY_MS]);
  expect([await stored(), logged(), await counted("tenant")]).toEqual([all, all, "3"]);
});

test("the next window is told of anew, the last one never again", async () => {
  await start();
  await ofTenant();
  await spend(5);
  clock.leap(DAY_MS);
  await spend(5);
  await until(() => logged().length === 2);
  expect(await stored()).toEqual([
    [tenantId, 0.5, TODAY_MS],
    [tenantId, 0.5, TODAY_MS + DAY_MS],
  ]);
});

test("edits, rebuilt actors and a restart tell nothing twice", async () => {
  await start();
  const budget = await ofTenant();
  await spend(8);
  await until(() => logged().length === 2);
  for (let edit = 0; edit < 5; edit += 1) {
    await tollgate.gateway.directory.changed("budgets", budget.id, { ...budget });
  }
  tollgate = await tollgate.restart();
  await tollgate.gateway.directory.budgetStates(tenantId);
  await spend(1);
  await tollgate.store.flush();
  expect([await stored(), logged()]).toEqual([
    [
      [tenantId, 0.5, TODAY_MS],
      [tenantId, 0.8, TODAY_MS],
    ],
    [],
  ]);
  await spend(1);
  await until(() => logged().length === 1);
  expect(logged()).toEqual([[tenantId, 1, TODAY_MS]]);
});

test("an amount that an edit lowers tells of what has been passed already", async () => {
  await start();
  const budget = await ofTenant();
  await spend(4);
  const lowered = { ...budget, amountNanoUsd: 5 * COST_NANO_USD };
  await tollgate.gateway.directory.changed("budgets", budget.id, lowered);
  await until(() => logged().length === 2);
  expect(logged().map(([, threshold]) => threshold)).toEqual([0.5, 0.8]);
});

test("each end user's account has its own, and so has the budget for everything", async () => {
  await start();
  await addBudget({ scopeType: "end_user", scopeId: "*", tenantId });
  await addBudget({ scopeType: "global", scopeId: "*", tenantId: null });
  await Promise.all([spend(5, "a"), spend(5, "b")]);
  await until(() => logged().length === 5);
  const scopes = (await stored()).map(([scope, threshold]) => `${scope} ${threshold}`);
  expect(scopes.toSorted()).toEqual(
    ["* 0.5", "* 0.8", "* 1", `${tenantId}/a 0.5`, `${tenantId}/b 0.5`].toSorted(),
  );
  expect([await counted("end_user"), await counted("global")]).toEqual(["2", "3"]);
});

test("what the store could not take is told later, once", async () => {
  let isBroken = true;
  await start((store) => ({
    ...store,
    recordAlert: (alert) =>
      isBroken ? Promise.reject(new Error("the disk is full")) : store.recordAlert(alert),
  }));
  const budget = await ofTenant();
  await spend(5);
  const failed = () => tollgate.logLines.filter((line) => line.includes("budget.alert.unrecorded"));
  await until(() => failed().length === 1);
  isBroken = false;
  await tollgate.gateway.directory.changed("budgets", budget.id, { ...budget });
  await until(() => logged().length === 1);
  expect(await stored()).toEqual([[tenantId, 0.5, TODAY_MS]]);
});

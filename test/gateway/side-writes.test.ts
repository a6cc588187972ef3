/**
 * What is written beside the requests: learned sizes survive a restart, and models without a price are
 * counted. No request waits for either, and none fails of it.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Store } from "../../src/store/contract.ts";
import { chat, errorOf, type ChatReply } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

let tollgate: TestGateway;
let token: string;
let tenantId: string;
let tokenId: string;
let providerId: string;

/** The system's clock, but what is due every now and then is due when the test says so. */
function clockInHand(): Clock & { readonly tick: (periodMs: number) => void } {
  const due = new Map<() => void, number>();
  return {
    ...systemClock,
    every: (periodMs, callback) => {
      due.set(callback, periodMs);
      return { cancel: () => void due.delete(callback) };
    },
    tick: (periodMs) => {
      for (const [callback, period] of due) if (period === periodMs) callback();
    },
  };
}

let clock: ReturnType<typeof clockInHand>;

async function start(between?: (store: Store) => Store): Promise<void> {
  clock = clockInHand();
  tollgate = await startTestGateway({ clock, ...(between === undefined ? {} : { between }) });
  tenantId = (await tollgate.addTenant()).id;
  const issued = await tollgate.addToken(tenantId);
  token = issued.token;
  tokenId = issued.row.id;
  providerId = (await tollgate.addProvider()).id;
  await tollgate.addPrice(providerId, "sim-small");
  const target = { providerId, model: "sim-small", weight: 1, priority: 0 };
  await tollgate.addRoute("small", [target]);
}

afterEach(() => tollgate.stop());

function ask(
  body: object = {},
  script = "completion_tokens=40&prompt_tokens=20",
): Promise<ChatReply> {
  return chat(tollgate.url, { token, body, script });
}

async function learn(): Promise<void> {
  await Promise.all(Array.from({ length: 25 }, () => ask()));
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
}

/** Under a budget that only a capped answer fits into: it leaves room for 2,000 tokens. */
async function cappedAt(): Promise<string | null> {
  const scope = { type: "tenant", id: tenantId } as const;
  const window = { budgetId: "any", scope, startMs: 0, endMs: null };
  const [posted = 0] = await tollgate.store.windowSums([window]);
  const amountNanoUsd = posted + 2_000_000;
  const place = { scopeType: scope.type, scopeId: scope.id, tenantId } as const;
  const budget = await tollgate.addBudget({ ...place, amountNanoUsd, window: "total" });
  const { headers } = await ask({}, "tokens=5");
  await tollgate.store.remove("budgets", budget.id);
  await tollgate.gateway.directory.changed("budgets", budget.id, null);
  return headers.get("x-tollgate-output-capped");
}

describe("what was learned", () => {
  test("survives a restart: an answer is capped at what its like have needed", async () => {
    await start();
    expect(await cappedAt()).toBe("1024");
    await learn();
    const learned = await cappedAt();
    expect(Number(learned)).toBeGreaterThanOrEqual(40);
    expect(Number(learned)).toBeLessThan(70);
    tollgate = await tollgate.restart();
    expect(await cappedAt()).toBe(learned);
  });

  test("is written from time to time, only what changed", async () => {
    await start();
    await learn();
    expect(await tollgate.store.learned()).toEqual([]);
    clock.tick(LIMITS.sideWriteMs);
    const rows = await tollgate.store.learned();
    expect(
      rows.map(({ kind, ownerId, model }) => `${kind} ${ownerId} ${model}`).toSorted(),
    ).toEqual([
      `input ${providerId} sim-small`,
      `output ${tokenId} sim-small`,
      `service ${providerId} sim-small`,
    ]);
    clock.tick(LIMITS.sideWriteMs);
    expect(await tollgate.store.learned()).toEqual(rows);
  });

  test("that the disk does not take waits for the next time, and no request fails of it", async () => {
    let isBroken = true;
    await start((store) => ({
      ...store,
      saveLearned: (rows) =>
        isBroken ? Promise.reject(new Error("the disk is full")) : store.saveLearned(rows),
    }));
    await learn();
    clock.tick(LIMITS.sideWriteMs);
    await until(() => tollgate.logLines.some((line) => line.includes("learned.unsaved")));
    expect((await ask()).status).toBe(200);
    isBroken = false;
    clock.tick(LIMITS.sideWriteMs);
    expect(await tollgate.store.learned()).toHaveLength(3);
  });
});

async function unpriced(): Promise<unknown> {
  clock.tick(LIMITS.sideWriteMs);
  const models = await tollgate.store.unpricedModels();
  return models.map(({ providerId: provider, model, surfaces, requests }) => [
    provider,
    model,
    surfaces.join(),
    requests,
  ]);
}

describe("models without a price", () => {
  test("are counted, by any name that reaches them, and the count goes on after a restart", async () => {
    await start();
    const target = { providerId, model: "nobody-sells-this", weight: 1, priority: 0 };
    await tollgate.addRoute("odd", [target]);
    for (const model of ["odd", "odd", "upstream/nobody-sells-this"]) {
      expect(errorOf(await ask({ model }))).toMatchObject({ code: "model_unpriced" });
    }
    expect(await unpriced()).toEqual([[providerId, "nobody-sells-this", "chat", 3]]);
    await ask({ model: "odd" });
    tollgate = await tollgate.restart();
    tollgate.gateway.directory.countUnpriced(
      [{ providerId, model: "nobody-sells-this" }],
      "speech",
    );
    expect(await unpriced()).toEqual([[providerId, "nobody-sells-this", "chat,speech", 5]]);
  });

  test("that the disk does not take are counted the next time", async () => {
    let isBroken = true;
    await start((store) => ({
      ...store,
      countUnpriced: (count) =>
        isBroken ? Promise.reject(new Error("the disk is full")) : store.countUnpriced(count),
    }));
    const { directory } = tollgate.gateway;
    directory.countUnpriced([{ providerId, model: "m" }], "chat");
    clock.tick(LIMITS.sideWriteMs);
    await until(() => tollgate.logLines.some((line) => line.includes("unpriced.unsaved")));
    directory.countUnpriced([{ providerId, model: "m" }], "speech");
    isBroken = false;
    expect(await unpriced()).toEqual([[providerId, "m", "chat,speech", 2]]);
  });

  test("of which clients may name any number are listed up to a bound", async () => {
    await start();
    const { directory } = tollgate.gateway;
    for (let count = 0; count < LIMITS.unpricedModelsMax + 50; count += 1) {
      directory.countUnpriced([{ providerId, model: `model-${count}` }], "chat");
    }
    directory.countUnpriced([{ providerId, model: "model-0" }], "chat");
    clock.tick(LIMITS.sideWriteMs);
    const models = await tollgate.store.unpricedModels();
    expect(models).toHaveLength(LIMITS.unpricedModelsMax);
    expect(models.find(({ model }) => model === "model-0")?.requests).toBe(2);
  });
});

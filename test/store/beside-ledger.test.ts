/** What lies beside the ledger: alerts once each, models without a price counted, learned sizes kept. */
import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import { budgetRow, creditRow, id, NOW_MS, providerRow, routeRow } from "./support/records.ts";
import { tenantRow } from "./support/records.ts";
import { openIn, readRows, tempDir, tempStore } from "./support/temp-store.ts";

type Alert = Parameters<Store["recordAlert"]>[0];

function alert(more: Partial<Alert> = {}): Alert {
  return {
    budgetId: "bud_1",
    scopeType: "tenant",
    scopeId: "ten_1",
    windowStartMs: NOW_MS,
    thresholdPpm: 800_000,
    amountNanoUsd: 1_000,
    postedNanoUsd: 801,
    createdAtMs: NOW_MS,
    ...more,
  };
}

describe("an alert", () => {
  test("is new once, however many tell of it at the same time and whatever they say of it", async () => {
    await using temp = await tempStore();
    const told = await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        temp.store.recordAlert(alert({ postedNanoUsd: 801 + place, createdAtMs: NOW_MS + place })),
      ),
    );
    expect(told).toEqual([true, ...Array.from({ length: 19 }, () => false)]);
    const page = await temp.store.alertPage({}, { limit: 10, cursor: null });
    expect(page).toEqual({ rows: [{ ...alert(), seq: 1 }], nextCursor: null });
  });

  test("is not new after a restart either", async () => {
    using dir = tempDir();
    const first = await openIn(dir.path);
    expect(await first.store.recordAlert(alert())).toBe(true);
    await first.store.close();
    await using second = await openIn(dir.path);
    expect(await second.store.recordAlert(alert())).toBe(false);
  });

  test("is another of another budget, account, window or threshold", async () => {
    await using temp = await tempStore();
    const others = [
      alert(),
      alert({ budgetId: "bud_2" }),
      alert({ scopeType: "end_user", scopeId: "ten_1/ann" }),
      alert({ windowStartMs: NOW_MS + 1 }),
      alert({ thresholdPpm: 1_000_000 }),
    ];
    const told = [];
    for (const one of [...others, ...others]) told.push(await temp.store.recordAlert(one));
    expect(told).toEqual([...others.map(() => true), ...others.map(() => false)]);
  });
});

describe("a page of alerts", () => {
  test("is newest first, and goes on where it ended although more came meanwhile", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const record = async (place: number): Promise<void> => {
      const budgetId = place % 3 === 0 ? "bud_2" : "bud_1";
      await store.recordAlert(alert({ budgetId, windowStartMs: NOW_MS + place }));
    };
    for (let place = 0; place < 25; place += 1) await record(place);
    const windows: number[][] = [];
    for (const filter of [{}, { budgetId: "bud_2" }, { budgetId: "bud_none" }]) {
      const found: number[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<Store["alertPage"]>> = await store.alertPage(filter, {
          limit: 4,
          cursor,
        });
        found.push(...page.rows.map(({ windowStartMs }) => windowStartMs - NOW_MS));
        ({ nextCursor: cursor } = page);
        await record(100 + found.length + 50 * windows.length);
      } while (cursor !== null);
      windows.push(found.filter((place) => place < 100));
    }
    const all = Array.from({ length: 25 }, (_, place) => 24 - place);
    expect(windows).toEqual([all, all.filter((place) => place % 3 === 0), []]);
  });
});

function seen(
  firstSeenAtMs: number,
  lastSeenAtMs: number,
): { firstSeenAtMs: number; lastSeenAtMs: number } {
  return { firstSeenAtMs, lastSeenAtMs };
}

function count(providerId: string, model: string, surfaces: readonly string[]) {
  return { providerId, model, surfaces };
}

describe("models without a price", () => {
  test("are counted by provider and model, the last seen first, also across a restart", async () => {
    using dir = tempDir();
    const first = await openIn(dir.path);
    const chat = ["chat"];
    await Promise.all(
      [
        { ...count("prv_1", "new", ["speech", "chat"]), requests: 3, lastSeenAtMs: NOW_MS + 5 },
        { ...count("prv_2", "new", chat), requests: 1, lastSeenAtMs: NOW_MS + 1 },
        { ...count("prv_1", "other", chat), requests: 1, lastSeenAtMs: NOW_MS + 9 },
      ].map(first.store.countUnpriced),
    );
    await first.store.close();
    await using second = await openIn(dir.path);
    // One that was counted late does not make the model seem older.
    const late = { ...count("prv_1", "new", ["rerank", "chat"]), requests: 4 };
    await second.store.countUnpriced({ ...late, lastSeenAtMs: NOW_MS + 2 });
    const everywhere = ["chat", "rerank", "speech"];
    expect(await second.store.unpricedModels()).toEqual([
      { ...count("prv_1", "other", chat), requests: 1, ...seen(NOW_MS + 9, NOW_MS + 9) },
      { ...count("prv_1", "new", everywhere), requests: 7, ...seen(NOW_MS + 5, NOW_MS + 5) },
      { ...count("prv_2", "new", chat), requests: 1, ...seen(NOW_MS + 1, NOW_MS + 1) },
    ]);
  });
});

describe("what was learned", () => {
  test("comes back as it was saved last", async () => {
    using dir = tempDir();
    const row = { kind: "output", ownerId: "tok_1", model: "m", updatedAtMs: NOW_MS } as const;
    const rows = [
      { ...row, state: { counts: [1, 2.5, 3], half: null } },
      { ...row, kind: "input", state: [1, "é 😀"] } as const,
      { ...row, model: "other", state: 7 },
    ];
    const first = await openIn(dir.path);
    expect(await first.store.learned()).toEqual([]);
    await first.store.saveLearned(rows);
    await first.store.close();
    await using second = await openIn(dir.path);
    const changed = { ...row, state: { counts: [] }, updatedAtMs: NOW_MS + 1 };
    await second.store.saveLearned([changed]);
    await second.store.saveLearned([]);
    const found = await second.store.learned();
    const key = ({ kind, model }: (typeof found)[number]): string => `${kind} ${model}`;
    expect(found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))).toEqual([
      { ...row, kind: "input", state: [1, "é 😀"] },
      changed,
      { ...row, model: "other", state: 7 },
    ]);
  });
});

describe("a budget that spans tenants", () => {
  const wide = { tenantId: null } as const;

  test("keeps its provider and its route from being removed, and goes with its credits", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const provider = providerRow();
    const route = routeRow(provider.id);
    await store.insert("providers", provider);
    await store.insert("routes", route);
    const ofProvider = budgetRow("", { ...wide, scopeType: "provider", scopeId: provider.id });
    const ofRoute = budgetRow("", { ...wide, scopeType: "route", scopeId: route.id });
    const global = budgetRow("", { ...wide, scopeType: "global", scopeId: "*" });
    for (const budget of [ofProvider, ofRoute, global]) {
      expect(await store.insert("budgets", budget)).toEqual({ ok: true, row: budget });
      expect(await store.insert("credits", creditRow(budget.id))).toMatchObject({ ok: true });
    }
    expect([
      await store.remove("routes", route.id),
      await store.remove("providers", provider.id),
    ]).toEqual([
      { ok: false, why: "in_use", detail: `budgets ${ofRoute.id}` },
      { ok: false, why: "in_use", detail: `routes ${route.id}; budgets ${ofProvider.id}` },
    ]);
    for (const { id: budgetId } of [ofRoute, ofProvider]) {
      expect(await store.remove("budgets", budgetId)).toMatchObject({ ok: true });
    }
    expect(readRows(temp.file, "select budget_id from credits")).toEqual([
      { budget_id: global.id },
    ]);
    expect(await store.remove("routes", route.id)).toMatchObject({ ok: true });
    expect(await store.remove("providers", provider.id)).toMatchObject({ ok: true });
  });

  test("of something that is not there is refused", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const refused = { ok: false, why: "reference", detail: "scopeId" };
    for (const scopeType of ["provider", "route"] as const) {
      const budget = budgetRow("", { ...wide, scopeType, scopeId: id("provider") });
      expect(await store.insert("budgets", budget)).toMatchObject(refused);
    }
    const credit = creditRow("bud_none");
    expect(await store.insert("credits", credit)).toMatchObject({ ...refused, detail: "budgetId" });
  });

  test("of an end user needs the tenant, and keeps it", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const tenant = tenantRow();
    const budget = budgetRow(tenant.id, { scopeType: "end_user", scopeId: "*" });
    expect(await store.insert("budgets", budget)).toMatchObject({ detail: "tenantId" });
    await store.insert("tenants", tenant);
    expect(await store.insert("budgets", budget)).toEqual({ ok: true, row: budget });
    expect(await store.remove("tenants", tenant.id)).toMatchObject({
      why: "in_use",
      detail: `budgets ${budget.id}`,
    });
  });
});

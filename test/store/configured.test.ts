/** Rows that operators configure: the same verbs for every noun, and every refusal there is. */
import { describe, expect, test } from "bun:test";
import type { Noun, Rows, Store, WriteRefusal, Written } from "../../src/store/contract.ts";
import {
  budgetRow,
  creditRow,
  limitRow,
  priceRow,
  projectRow,
  providerRow,
  routeRow,
  tenantRow,
  tokenRow,
} from "./support/records.ts";
import { openIn, rejection, tempDir, tempStore } from "./support/temp-store.ts";

/** One row of each noun, all of one tenant, inserted in an order in which each finds its own. */
async function house(store: Store) {
  const tenant = tenantRow();
  const project = projectRow(tenant.id);
  const token = tokenRow(tenant.id, { projectId: project.id, allowedModels: ["gpt-small"] });
  const provider = providerRow();
  const route = routeRow(provider.id, { tenantId: tenant.id });
  const price = priceRow(provider.id);
  const budget = budgetRow(tenant.id, { scopeType: "project", scopeId: project.id });
  const limit = limitRow(tenant.id, { scopeType: "token", scopeId: token.id });
  const credit = creditRow(budget.id);
  const rows: { readonly [N in Noun]: Rows[N] } = {
    tenants: tenant,
    projects: project,
    tokens: token,
    providers: provider,
    routes: route,
    prices: price,
    budgets: budget,
    limits: limit,
    credits: credit,
  };
  const written: Written<Rows[Noun]>[] = [
    await store.insert("tenants", tenant),
    await store.insert("projects", project),
    await store.insert("tokens", token),
    await store.insert("providers", provider),
    await store.insert("routes", route),
    await store.insert("prices", price),
    await store.insert("budgets", budget),
    await store.insert("limits", limit),
    await store.insert("credits", credit),
  ];
  expect(written).toEqual(Object.values(rows).map((row) => ({ ok: true, row })));
  return { tenant, project, token, provider, route, price, budget, limit, credit };
}

function refused(why: WriteRefusal["why"], detail: string): WriteRefusal {
  return { ok: false, why, detail };
}

describe("configured rows", () => {
  test("come back as they were written, also after a restart", async () => {
    using dir = tempDir();
    const first = await openIn(dir.path);
    const rows = await house(first.store);
    expect(await first.store.get("tokens", rows.token.id)).toEqual(rows.token);
    expect(await first.store.get("tokens", "tok_none")).toBeNull();
    await first.store.close();
    await using second = await openIn(dir.path);
    expect(await second.store.configuration()).toEqual({
      tenants: [rows.tenant],
      projects: [rows.project],
      tokens: [rows.token],
      providers: [rows.provider],
      routes: [rows.route],
      prices: [rows.price],
      budgets: [rows.budget],
      limits: [rows.limit],
      credits: [rows.credit],
    });
  });

  test("change only what is named, count their version up, and refuse a stale edit", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { route, tenant } = await house(store);
    const targets = [
      {
        ...route.targets[0],
        providerId: route.targets[0]?.providerId ?? "",
        model: "gpt-5",
        weight: 2,
        priority: 2,
      },
    ];
    const changed = { ...route, targets, version: 2 };
    expect(await store.update("routes", route.id, { targets }, 1)).toEqual({
      ok: true,
      row: changed,
    });
    expect(await store.update("routes", route.id, { model: "x" }, 1)).toEqual(
      refused("stale", "version is 2"),
    );
    expect(await store.get("routes", route.id)).toEqual(changed);
    expect(await store.update("tenants", tenant.id, { status: "suspended" }, null)).toEqual({
      ok: true,
      row: { ...tenant, status: "suspended", version: 2 },
    });
    expect(await store.update("tenants", "ten_none", { name: "x" }, null)).toEqual(
      refused("not_found", "ten_none"),
    );
  });

  test("are removed when nothing uses them, in the order that frees them", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const rows = await house(store);
    expect(await store.remove("limits", rows.limit.id)).toEqual({ ok: true, row: rows.limit });
    expect(await store.remove("limits", rows.limit.id)).toEqual(
      refused("not_found", rows.limit.id),
    );
    const removed = [
      await store.remove("budgets", rows.budget.id),
      await store.remove("tokens", rows.token.id),
      await store.remove("projects", rows.project.id),
      await store.remove("routes", rows.route.id),
      await store.remove("prices", rows.price.id),
      await store.remove("providers", rows.provider.id),
      await store.remove("tenants", rows.tenant.id),
    ];
    expect(removed.map((answer) => answer.ok)).toEqual(Array.from({ length: 7 }, () => true));
    expect(Object.values(await store.configuration()).flat()).toEqual([]);
  });
});

describe("a row in use", () => {
  test("is not removed, and the refusal names what uses it", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { tenant, project, token, provider, route, price, budget, limit } = await house(store);
    expect([
      await store.remove("tenants", tenant.id),
      await store.remove("projects", project.id),
      await store.remove("tokens", token.id),
      await store.remove("providers", provider.id),
    ]).toEqual([
      refused(
        "in_use",
        `projects ${project.id}; tokens ${token.id}; routes ${route.id}; budgets ${budget.id}; limits ${limit.id}`,
      ),
      refused("in_use", `tokens ${token.id}; budgets ${budget.id}`),
      refused("in_use", `limits ${limit.id}`),
      refused("in_use", `prices ${price.id}; routes ${route.id}`),
    ]);
  });

  test("by many is refused with the first few", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const tenant = tenantRow();
    await store.insert("tenants", tenant);
    const projects = ["prj_1", "prj_2", "prj_3", "prj_4"].map((id) =>
      projectRow(tenant.id, { id }),
    );
    for (const project of projects) await store.insert("projects", project);
    expect(await store.remove("tenants", tenant.id)).toEqual(
      refused("in_use", "projects prj_1, prj_2, prj_3 and more"),
    );
  });

  test("does not move to another tenant", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { project, token, budget } = await house(store);
    const other = tenantRow();
    await store.insert("tenants", other);
    expect(await store.update("projects", project.id, { tenantId: other.id }, null)).toEqual(
      refused("in_use", `tokens ${token.id}; budgets ${budget.id}`),
    );
  });
});

describe("a reference", () => {
  test("to nothing, or into another tenant, is refused with the member that holds it", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { tenant, project, token, provider } = await house(store);
    const other = tenantRow();
    await store.insert("tenants", other);
    const stray = { providerId: "prv_none", model: "m", weight: 1, priority: 2 };
    const target = { providerId: provider.id, model: "m", weight: 1, priority: 1 };
    const answers = [
      await store.insert("projects", projectRow("ten_none")),
      await store.insert("tokens", tokenRow("ten_none")),
      await store.insert("tokens", tokenRow(tenant.id, { projectId: "prj_none" })),
      await store.insert("tokens", tokenRow(other.id, { projectId: project.id })),
      await store.insert("prices", priceRow("prv_none")),
      await store.insert("routes", routeRow(provider.id, { model: "a", tenantId: "ten_none" })),
      await store.insert("routes", routeRow(provider.id, { model: "b", targets: [target, stray] })),
      await store.insert("budgets", budgetRow("ten_none")),
      await store.insert("budgets", budgetRow(tenant.id, { scopeId: other.id })),
      await store.insert(
        "budgets",
        budgetRow(tenant.id, { scopeType: "project", scopeId: "prj_none" }),
      ),
      await store.insert("limits", limitRow(other.id, { scopeType: "token", scopeId: token.id })),
      await store.update("tokens", token.id, { projectId: "prj_none" }, null),
    ];
    expect(answers).toEqual(
      [
        "tenantId",
        "tenantId",
        "projectId",
        "projectId",
        "providerId",
        "tenantId",
        "targets/1/providerId",
        "tenantId",
        "scopeId",
        "scopeId",
        "scopeId",
        "projectId",
      ].map((member) => refused("reference", member)),
    );
  });
});

describe("a name that is taken", () => {
  test("is a conflict that names the members which have to be unique", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { tenant, token, provider, route, price } = await house(store);
    const shared = routeRow(provider.id);
    expect(await store.insert("routes", shared)).toEqual({ ok: true, row: shared });
    expect([
      await store.insert("tenants", tenantRow({ id: tenant.id })),
      await store.insert("tokens", tokenRow(tenant.id, { hash: token.hash })),
      await store.insert("providers", providerRow({ name: provider.name })),
      await store.insert("routes", routeRow(provider.id)),
      await store.insert("routes", routeRow(provider.id, { tenantId: tenant.id })),
      await store.insert("prices", priceRow(provider.id)),
      await store.update("routes", shared.id, { tenantId: tenant.id, model: route.model }, null),
    ]).toEqual([
      refused("conflict", "id"),
      refused("conflict", "hash"),
      refused("conflict", "name"),
      refused("conflict", "model"),
      refused("conflict", "tenantId, model"),
      refused("conflict", "providerId, model"),
      refused("conflict", "tenantId, model"),
    ]);
    expect(await store.get("prices", price.id)).toEqual(price);
  });

  test("by one tenant is free for another, and for all of them", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { provider } = await house(store);
    const other = tenantRow();
    await store.insert("tenants", other);
    const answers = [
      await store.insert("routes", routeRow(provider.id, { tenantId: other.id })),
      await store.insert("routes", routeRow(provider.id, { tenantId: null })),
    ];
    expect(answers.map((answer) => answer.ok)).toEqual([true, true]);
  });
});

test("an amount below zero is a bug of the caller, not a row", async () => {
  await using temp = await tempStore();
  const tenant = tenantRow();
  await temp.store.insert("tenants", tenant);
  const insert = temp.store.insert("budgets", budgetRow(tenant.id, { amountNanoUsd: -1 }));
  expect(String(await rejection(insert))).toContain("budgets_amount");
  expect((await temp.store.configuration()).budgets).toEqual([]);
});

describe("pages", () => {
  test("go by id, and rows written meanwhile neither repeat nor hide others", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const names = ["ten_1", "ten_3", "ten_5", "ten_7", "ten_9"];
    for (const id of names) await store.insert("tenants", tenantRow({ id }));
    const first = await store.page("tenants", {}, { limit: 2, cursor: null });
    await store.insert("tenants", tenantRow({ id: "ten_2" }));
    await store.insert("tenants", tenantRow({ id: "ten_4" }));
    await store.remove("tenants", "ten_3");
    const second = await store.page("tenants", {}, { limit: 2, cursor: first.nextCursor });
    const third = await store.page("tenants", {}, { limit: 2, cursor: second.nextCursor });
    expect([first, second, third].map((page) => page.rows.map((row) => row.id))).toEqual([
      ["ten_1", "ten_3"],
      ["ten_4", "ten_5"],
      ["ten_7", "ten_9"],
    ]);
    expect(third.nextCursor).toBeNull();
  });

  test("compare members for equality, null included", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { tenant, token, provider } = await house(store);
    const loose = tokenRow(tenant.id);
    await store.insert("tokens", loose);
    await store.insert("routes", routeRow(provider.id));
    const query = { limit: 50, cursor: null };
    const found = [
      await store.page("tokens", { tenantId: tenant.id, projectId: token.projectId }, query),
      await store.page("tokens", { projectId: null }, query),
      await store.page("tokens", { tenantId: "ten_none" }, query),
    ];
    expect(found.map((page) => page.rows)).toEqual([[token], [loose], []]);
    expect((await store.page("routes", { tenantId: null }, query)).rows).toHaveLength(1);
  });

  test("refuse a cursor that no page gave", async () => {
    await using temp = await tempStore();
    for (const cursor of ["", "!", "dGVuXzE=", "a"]) {
      const page = temp.store.page("tenants", {}, { limit: 2, cursor });
      expect(await rejection(page)).toMatchObject({ code: "invalid_request", param: "cursor" });
    }
  });
});

test("settings are written, read and replaced", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const before = await store.setting("admin");
  await store.setSetting("admin", "one");
  await store.setSetting("admin", "two");
  expect([before, await store.setting("admin")]).toEqual([null, "two"]);
});

/** What a budget can be attached to, how that is written, shown and found, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { spend } from "../../support/ledger.ts";
import { type Refused, refusalOf } from "../../support/refusal.ts";
import { make, makeProvider, makeTenant } from "../../support/things.ts";

const nowMs = Date.UTC(2026, 10, 20, 12);
let api: TestAdmin;
let tenantId = "";
let projectId = "";
let tokenId = "";
let providerId = "";
let routeId = "";

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => nowMs } });
  tenantId = (await makeTenant(api)).id;
  projectId = (await make(api, "/projects", { tenant_id: tenantId, name: "P" })).id;
  tokenId = (await make(api, "/tokens", { tenant_id: tenantId, project_id: projectId, name: "K" }))
    .id;
  providerId = (await makeProvider(api)).id;
  const targets = [{ provider: "openai", model: "gpt-5-mini" }];
  routeId = (await make(api, "/routes", { model: "mini", targets })).id;
  await make(api, "/routes", { model: "shared", targets });
  await make(api, "/routes", { model: "shared", tenant_id: tenantId, targets });
  await spend(api.store, {
    scopes: { tenantId, projectId, tokenId, providerId, routeId, endUserId: "alice" },
    atMs: nowMs,
    nanoUsd: 250_000_000,
  });
});
afterAll(() => api.stop());

const rule = { amount_usd: "1", window: "day" };

/** Scopes as they are written, and as they are shown, with the tenant they lie in. */
const SCOPES: readonly (readonly [what: string, written: () => object, shown: () => object])[] = [
  ["everything", () => ({ type: "global" }), () => ({ type: "global", id: "*" })],
  [
    "everything, spelled out",
    () => ({ type: "global", id: "*" }),
    () => ({ type: "global", id: "*" }),
  ],
  ["a tenant", () => ({ type: "tenant", id: tenantId }), () => ({ type: "tenant", id: tenantId })],
  [
    "a project",
    () => ({ type: "project", id: projectId }),
    () => ({ type: "project", id: projectId }),
  ],
  [
    "an access token",
    () => ({ type: "token", id: tokenId }),
    () => ({ type: "token", id: tokenId }),
  ],
  [
    "an end user",
    () => ({ type: "end_user", id: "alice", tenant_id: tenantId }),
    () => ({ type: "end_user", id: "alice", tenant_id: tenantId }),
  ],
  [
    "a provider by name",
    () => ({ type: "provider", id: "openai" }),
    () => ({ type: "provider", id: providerId }),
  ],
  [
    "a provider by id",
    () => ({ type: "provider", id: providerId }),
    () => ({ type: "provider", id: providerId }),
  ],
  [
    "a route by model",
    () => ({ type: "route", id: "mini" }),
    () => ({ type: "route", id: routeId }),
  ],
  ["a route by id", () => ({ type: "route", id: routeId }), () => ({ type: "route", id: routeId })],
];

describe("a budget", () => {
  test.each(SCOPES)(
    "on %s shows its scope and what that has spent",
    async (what, written, shown) => {
      const spans = /everything|provider|route/.test(what);
      const made = await make(api, "/budgets", { scope: written(), ...rule });
      expect(made).toMatchObject({
        scope: shown(),
        tenant_id: spans ? null : tenantId,
        posted_usd: "0.25",
        held_usd: "0.00",
        remaining_usd: "0.75",
        window_started_at: "2026-11-20T00:00:00.000Z",
      });
      expect((await api.call("GET", `/budgets/${made.id}`)).body).toEqual(made);
      // What is shown can be sent back.
      const again = await make(api, "/budgets", { scope: made["scope"], ...rule });
      expect(again["scope"]).toEqual(made["scope"]);
      for (const { id } of [made, again]) await api.call("DELETE", `/budgets/${id}`);
    },
  );

  test("stands beside others of the same scope", async () => {
    const scope = { type: "tenant", id: tenantId };
    const windows = ["hour", "day", "month", "total"];
    const ids: string[] = [];
    for (const window of windows)
      ids.push((await make(api, "/budgets", { scope, ...rule, window })).id);
    const listed = await api.call("GET", `/budgets?scope_type=tenant&scope_id=${tenantId}`);
    const found = Array.from(Object(listed.member("data")), (row) => Object(row).window);
    expect(found).toEqual(windows);
    for (const id of ids) await api.call("DELETE", `/budgets/${id}`);
  });

  test("for each end user has an account for each of them and none of its own", async () => {
    const scope = { type: "end_user", id: "*", tenant_id: tenantId };
    const made = await make(api, "/budgets", { scope, ...rule });
    const none = { topped_up_usd: null, posted_usd: null, held_usd: null, remaining_usd: null };
    expect(made).toMatchObject({ scope, ...none, window_ends_at: "2026-11-21T00:00:00.000Z" });
    const account = async (endUser: string): Promise<unknown> =>
      (await api.call("GET", `/budgets/${made.id}?end_user=${endUser}`)).body;
    expect(await account("alice")).toMatchObject({ posted_usd: "0.25", remaining_usd: "0.75" });
    expect(await account("bob")).toMatchObject({ posted_usd: "0.00", remaining_usd: "1.00" });
    const own = await make(api, "/budgets", { scope: { ...scope, id: "bob" }, ...rule });
    const refused = await api.call("GET", `/budgets/${made.id}?end_user=bob`);
    expect(refusalOf(refused)).toEqual([
      404,
      "not_found",
      "end_user",
      "The budget is a default, and bob has budgets of their own instead.",
    ]);
    const single = await api.call("GET", `/budgets/${own.id}?end_user=bob`);
    expect(refusalOf(single)).toEqual([
      400,
      "invalid_request",
      "end_user",
      "end_user is for a budget that is a default for each end user; this one has one account.",
    ]);
    for (const { id } of [made, own]) await api.call("DELETE", `/budgets/${id}`);
  });

  test.each<readonly [what: string, scope: () => object, refused: () => Refused]>([
    [
      "names no type",
      () => ({ type: "company", id: "x" }),
      () => [
        400,
        "invalid_request",
        "/scope/type",
        'scope.type must be one of "global", "tenant", "project", "token", "end_user", "provider", "route".',
      ],
    ],
    [
      "says nothing about which one",
      () => ({ type: "project" }),
      () => [
        400,
        "invalid_request",
        "/scope/id",
        "scope.id is required: it must say which project it is.",
      ],
    ],
    [
      "is a part of everything",
      () => ({ type: "global", id: "ten_0" }),
      () => [
        400,
        "invalid_request",
        "/scope/id",
        'scope.id must be left out or "*": the scope global contains everything.',
      ],
    ],
    [
      "is an end user of nobody",
      () => ({ type: "end_user", id: "alice" }),
      () => [
        400,
        "invalid_request",
        "/scope/tenant_id",
        "scope.tenant_id is required: an end user is known by their tenant's own word for them.",
      ],
    ],
    [
      "is an end user of a tenant that does not exist",
      () => ({ type: "end_user", id: "alice", tenant_id: "ten_0" }),
      () => [
        422,
        "unprocessable",
        "/scope/tenant_id",
        "scope.tenant_id names no tenant: there is none ten_0.",
      ],
    ],
    [
      "is an end user of a longer word than is kept",
      () => ({ type: "end_user", id: "a".repeat(129), tenant_id: tenantId }),
      () => [
        400,
        "invalid_request",
        "/scope/id",
        "scope.id must be a text of at most 128 characters: longer words are known as sha256: and their hash in hexadecimal.",
      ],
    ],
    [
      "gives a tenant to what needs none",
      () => ({ type: "project", id: projectId, tenant_id: tenantId }),
      () => [
        400,
        "invalid_request",
        "/scope/tenant_id",
        "scope.tenant_id is for the scope end_user alone.",
      ],
    ],
    [
      "is a provider that does not exist",
      () => ({ type: "provider", id: "acme" }),
      () => [422, "unprocessable", "/scope/id", "scope.id names no provider: there is none acme."],
    ],
    [
      "is a route that does not exist",
      () => ({ type: "route", id: "rte_0" }),
      () => [422, "unprocessable", "/scope/id", "scope.id names no route: there is none rte_0."],
    ],
  ])("whose scope %s is refused", async (_what, scope, refused) => {
    const answer = await api.call("POST", "/budgets", { body: { scope: scope(), ...rule } });
    expect(refusalOf(answer)).toEqual(refused());
  });

  test("on a model that several routes serve needs the route's id", async () => {
    const listed = await api.call("GET", "/routes?model=shared");
    const ids = Array.from(Object(listed.member("data")), (row) => String(Object(row).id));
    const scope = { type: "route", id: "shared" };
    const answer = await api.call("POST", "/budgets", { body: { scope, ...rule } });
    expect(refusalOf(answer)).toEqual([
      422,
      "unprocessable",
      "/scope/id",
      `scope.id must be the id of a route: several have the model shared (${ids.join(", ")}).`,
    ]);
  });

  test.each([
    ["provider", () => providerId, "The provider is in use by"],
    ["route", () => routeId, "The route is in use by"],
  ])("keeps its %s in use", async (type, id, says) => {
    const budget = await make(api, "/budgets", { scope: { type, id: id() }, ...rule });
    const answer = await api.call("DELETE", `/${type}s/${id()}`);
    const [status, code, , message] = refusalOf(answer);
    expect([status, code]).toEqual([409, "in_use"]);
    expect(message).toStartWith(says);
    expect(message).toContain(`budgets ${budget.id}`);
    await api.call("DELETE", `/budgets/${budget.id}`);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { spend } from "../../support/ledger.ts";
import { type Refused, refusalOf } from "../../support/refusal.ts";
import { make, makeTenant } from "../../support/things.ts";

/** A Friday at noon UTC. */
const nowMs = Date.UTC(2026, 10, 20, 12);
let api: TestAdmin;
let tenantId = "";
let projectId = "";
let tokenId = "";

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => nowMs } });
  tenantId = (await makeTenant(api)).id;
  projectId = (await make(api, "/projects", { tenant_id: tenantId, name: "P" })).id;
  tokenId = (await make(api, "/tokens", { tenant_id: tenantId, project_id: projectId, name: "K" }))
    .id;
});
afterAll(() => api.stop());

const shownBudget = (): object => ({
  id: expect.stringMatching(/^bud_[0-9a-f]{32}$/),
  tenant_id: tenantId,
  scope: { type: "token", id: tokenId },
  amount_usd: "5.00",
  window: "day",
  anchor: null,
  time_zone: "UTC",
  mode: "hard",
  on_hold_reached: "stop",
  alert_thresholds: [],
  topped_up_usd: "0.00",
  posted_usd: "0.00",
  held_usd: "0.00",
  remaining_usd: "5.00",
  window_started_at: "2026-11-20T00:00:00.000Z",
  window_ends_at: "2026-11-21T00:00:00.000Z",
  created_at: "2026-11-20T12:00:00.000Z",
  version: 1,
});

describe("a budget", () => {
  test("is created on a token and shown with its running window", async () => {
    const created = await api.call("POST", "/budgets", {
      body: { scope: { type: "token", id: tokenId }, amount_usd: 5, window: "day" },
    });
    expect([created.status, created.body]).toEqual([201, shownBudget()]);
    const path = `/budgets/${String(created.member("id"))}`;
    expect((await api.call("GET", path)).body).toEqual(created.body);
    const listed = await api.call("GET", `/budgets?scope_type=token&scope_id=${tokenId}`);
    expect(listed.member("data")).toEqual([created.body]);
    expect((await api.call("DELETE", path)).status).toBe(204);
  });

  test("has windows of its own calendar and time zone", async () => {
    const scope = { type: "project", id: projectId };
    const berlin = await make(api, "/budgets", {
      scope,
      amount_usd: "50",
      window: "month",
      time_zone: "Europe/Berlin",
    });
    expect([berlin["window_started_at"], berlin["window_ends_at"]]).toEqual([
      "2026-10-31T23:00:00.000Z",
      "2026-11-30T23:00:00.000Z",
    ]);
    const total = await make(api, "/budgets", { scope, amount_usd: "50", window: "total" });
    expect(total["window_ends_at"]).toBeNull();
  });

  test("keeps zero and no cap apart", async () => {
    const scope = { type: "tenant", id: tenantId };
    const zero = await make(api, "/budgets", { scope, amount_usd: "0", window: "day" });
    expect([zero["amount_usd"], zero["remaining_usd"]]).toEqual(["0.00", "0.00"]);
    const unlimited = await api.call("PATCH", `/budgets/${zero.id}`, {
      body: { amount_usd: null },
    });
    expect(unlimited.body).toMatchObject({ amount_usd: null, remaining_usd: null });
    const again = await api.call("PATCH", `/budgets/${zero.id}`, { body: { amount_usd: 0 } });
    expect(again.body).toMatchObject({ amount_usd: "0.00", remaining_usd: "0.00" });
    await api.call("DELETE", `/budgets/${zero.id}`);
  });

  test("shows what was spent in its window, and an edit does not touch that", async () => {
    await spend(api.store, {
      scopes: { tokenId, projectId, tenantId },
      atMs: nowMs,
      nanoUsd: 250_000_001,
    });
    const { id, ...shown } = await make(api, "/budgets", {
      scope: { type: "token", id: tokenId },
      amount_usd: "1",
      window: "day",
    });
    expect([shown["posted_usd"], shown["held_usd"], shown["remaining_usd"]]).toEqual([
      "0.250000001",
      "0.00",
      "0.749999999",
    ]);
    const lowered = await api.call("PATCH", `/budgets/${id}`, {
      body: {
        amount_usd: "0.2",
        mode: "soft",
        on_hold_reached: "finish_and_bill",
        alert_thresholds: [0.8, 0.5, 0.5, 1],
      },
    });
    expect(lowered.body).toMatchObject({
      amount_usd: "0.20",
      mode: "soft",
      on_hold_reached: "finish_and_bill",
      alert_thresholds: [0.5, 0.8, 1],
      posted_usd: "0.250000001",
      remaining_usd: "-0.050000001",
    });
    await api.call("DELETE", `/budgets/${id}`);
  });

  test("keeps its scope in use", async () => {
    const { id } = await make(api, "/tokens", { tenant_id: tenantId, name: "K" });
    const budget = await make(api, "/budgets", {
      scope: { type: "token", id },
      amount_usd: "1",
      window: "total",
    });
    expect(refusalOf(await api.call("DELETE", `/tokens/${id}`))).toEqual([
      409,
      "in_use",
      null,
      `The access token is in use by budgets ${budget.id}; remove those first.`,
    ]);
  });

  const amountMust =
    'amount_usd must be an amount in US dollars from 0 to 9007199 with at most 9 decimals, such as "5.00", or null for no cap.';
  test.each<readonly [what: string, body: object, refused: Refused]>([
    [
      "has more decimals than the ledger",
      { amount_usd: "0.0000000001" },
      [400, "invalid_request", "/amount_usd", amountMust],
    ],
    ["is negative", { amount_usd: -5 }, [400, "invalid_request", "/amount_usd", amountMust]],
    [
      "is more than the ledger holds",
      { amount_usd: "10000000" },
      [400, "invalid_request", "/amount_usd", amountMust],
    ],
    [
      "is written with an exponent",
      { amount_usd: "1e3" },
      [400, "invalid_request", "/amount_usd", amountMust],
    ],
    [
      "has a scope that does not exist",
      { scope: { type: "project", id: "prj_0" } },
      [422, "unprocessable", "/scope/id", "scope.id names no project: there is none prj_0."],
    ],
    [
      "has no known window",
      { window: "fortnight" },
      [
        400,
        "invalid_request",
        "/window",
        'window must be one of "hour", "day", "week", "month", "total".',
      ],
    ],
    [
      "has a time zone that does not exist",
      { time_zone: "Mars/Olympus" },
      [
        400,
        "invalid_request",
        "/time_zone",
        "time_zone must be an IANA time zone such as UTC or Europe/Berlin.",
      ],
    ],
    [
      "has an offset for a time zone",
      { time_zone: "+02:00" },
      [
        400,
        "invalid_request",
        "/time_zone",
        "time_zone must be an IANA time zone such as UTC or Europe/Berlin.",
      ],
    ],
    [
      "alerts in percent",
      { alert_thresholds: [0.5, 80] },
      [
        400,
        "invalid_request",
        "/alert_thresholds/1",
        "alert_thresholds.1 must be a fraction above 0 and up to 1, such as 0.8.",
      ],
    ],
    [
      "alerts at a fraction finer than a millionth",
      { alert_thresholds: [0.1234567] },
      [
        400,
        "invalid_request",
        "/alert_thresholds/0",
        "alert_thresholds.0 must have at most 6 decimals.",
      ],
    ],
    [
      "does something unknown at its hold",
      { on_hold_reached: "pause" },
      [
        400,
        "invalid_request",
        "/on_hold_reached",
        'on_hold_reached must be one of "stop", "finish_and_bill".',
      ],
    ],
    [
      "tells what it spent",
      { posted_usd: "0" },
      [400, "invalid_request", "/posted_usd", "posted_usd is read-only: Tollgate sets it."],
    ],
  ])("that %s is refused", async (_what, body, refused) => {
    const answer = await api.call("POST", "/budgets", {
      body: { scope: { type: "token", id: tokenId }, amount_usd: "1", window: "day", ...body },
    });
    expect(refusalOf(answer)).toEqual(refused);
  });

  test("does not move to another scope", async () => {
    const { id } = await make(api, "/budgets", {
      scope: { type: "token", id: tokenId },
      amount_usd: "1",
      window: "day",
    });
    const answer = await api.call("PATCH", `/budgets/${id}`, {
      body: { scope: { type: "tenant", id: tenantId } },
    });
    expect(refusalOf(answer)).toEqual([
      400,
      "invalid_request",
      "/scope",
      "scope is set when it is created and cannot be changed.",
    ]);
  });
});

describe("a limit", () => {
  test("is created on a scope and shown with its fill", async () => {
    const created = await api.call("POST", "/limits", {
      body: { scope: { type: "token", id: tokenId }, requests_per_minute: 60, burst: 10 },
    });
    const shown = {
      id: expect.stringMatching(/^lim_[0-9a-f]{32}$/),
      tenant_id: tenantId,
      scope: { type: "token", id: tokenId },
      requests_per_minute: 60,
      tokens_per_minute: null,
      max_concurrent: null,
      burst: 10,
      current: { requests_remaining: 10, tokens_remaining: null, in_flight: 0 },
      created_at: "2026-11-20T12:00:00.000Z",
      version: 1,
    };
    expect([created.status, created.body]).toEqual([201, shown]);
    const path = `/limits/${String(created.member("id"))}`;
    const changed = await api.call("PATCH", path, {
      body: { requests_per_minute: null, burst: null, max_concurrent: 3 },
    });
    expect(changed.body).toEqual({
      ...shown,
      requests_per_minute: null,
      burst: null,
      max_concurrent: 3,
      current: { requests_remaining: null, tokens_remaining: null, in_flight: 0 },
      version: 2,
    });
    const listed = await api.call("GET", `/limits?tenant_id=${tenantId}`);
    expect(listed.member("data")).toEqual([changed.body]);
    const unbounded = await api.call("PATCH", path, { body: { max_concurrent: null } });
    expect(refusalOf(unbounded)).toEqual([
      400,
      "invalid_request",
      "/requests_per_minute",
      "A limit needs at least one of requests_per_minute, tokens_per_minute and max_concurrent.",
    ]);
    expect((await api.call("DELETE", path)).status).toBe(204);
  });

  test.each<readonly [what: string, body: object, refused: Refused]>([
    [
      "bounds nothing",
      {},
      [
        400,
        "invalid_request",
        "/requests_per_minute",
        "A limit needs at least one of requests_per_minute, tokens_per_minute and max_concurrent.",
      ],
    ],
    [
      "is zero",
      { requests_per_minute: 0 },
      [
        400,
        "invalid_request",
        "/requests_per_minute",
        "requests_per_minute must be a whole number from 1 to 1000000000, or null.",
      ],
    ],
    [
      "has a scope of which rates are not kept",
      { scope: { type: "provider", id: "prv_0" }, max_concurrent: 1 },
      [
        422,
        "unprocessable",
        "/scope/type",
        'scope.type cannot be "provider" in this version: it must be one of "tenant", "project", "token".',
      ],
    ],
    [
      "has a burst of nothing",
      { tokens_per_minute: 5, burst: 5 },
      [400, "invalid_request", "/burst", "burst needs requests_per_minute beside it."],
    ],
    [
      "has a scope that does not exist",
      { scope: { type: "token", id: "tok_0" }, max_concurrent: 1 },
      [422, "unprocessable", "/scope/id", "scope.id names no access token: there is none tok_0."],
    ],
  ])("that %s is refused", async (_what, body, refused) => {
    const answer = await api.call("POST", "/limits", {
      body: { scope: { type: "token", id: tokenId }, ...body },
    });
    expect(refusalOf(answer)).toEqual(refused);
  });
});

/** What operators do with a budget's money: top-ups, resets, past windows, the likely future, alerts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { spend } from "../../support/ledger.ts";
import { type Refused, refusalOf } from "../../support/refusal.ts";
import { make, makeTenant } from "../../support/things.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Friday at noon UTC. */
const START_MS = Date.UTC(2026, 10, 20, 12);
const CENT = 10_000_000;
let nowMs = START_MS;
let api: TestAdmin;
let tenantId = "";
let tokenId = "";

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => nowMs } });
});
afterAll(() => api.stop());

/** A tenant of its own for each test, so that nobody else's spend counts. */
beforeEach(async () => {
  nowMs = START_MS;
  tenantId = (await makeTenant(api)).id;
  tokenId = (await make(api, "/tokens", { tenant_id: tenantId, name: "K" })).id;
});

function pay(nanoUsd: number, atMs = nowMs, endUserId: string | null = null): Promise<string> {
  return spend(api.store, { scopes: { tenantId, tokenId, endUserId }, atMs, nanoUsd });
}

function dayBudget(members: object = {}) {
  const scope = { type: "tenant", id: tenantId };
  return make(api, "/budgets", { scope, amount_usd: "1", window: "day", ...members });
}

const money = { topped_up_usd: "0.00", posted_usd: "0.00", held_usd: "0.00" };

describe("a top-up", () => {
  test("raises the cap until it expires, is listed, and ends by arithmetic", async () => {
    await pay(30 * CENT);
    const { id } = await dayBudget();
    const answer = await api.call("POST", `/budgets/${id}/top_up`, {
      body: { amount_usd: "0.50", duration_minutes: 60, note: "Launch" },
    });
    const credit = {
      id: expect.stringMatching(/^crd_[0-9a-f]{32}$/),
      budget_id: id,
      kind: "top_up",
      amount_usd: "0.50",
      end_user: null,
      starts_at: "2026-11-20T12:00:00.000Z",
      expires_at: "2026-11-20T13:00:00.000Z",
      in_force: true,
      note: "Launch",
      created_at: "2026-11-20T12:00:00.000Z",
      version: 1,
    };
    expect([answer.status, answer.body]).toEqual([201, credit]);
    const path = `/budgets/${id}`;
    const raised = { amount_usd: "1.00", topped_up_usd: "0.50", remaining_usd: "1.20" };
    expect((await api.call("GET", path)).body).toMatchObject(raised);
    nowMs += HOUR_MS;
    const ended = { amount_usd: "1.00", topped_up_usd: "0.00", remaining_usd: "0.70" };
    expect((await api.call("GET", path)).body).toMatchObject(ended);
    const listed = await api.call("GET", `${path}/credits`);
    expect(listed.body).toEqual({ data: [{ ...credit, in_force: false }], next_cursor: null });
  });

  test("without an expiry ends with the window, of a total budget never", async () => {
    const { id } = await dayBudget();
    const day = await make(api, `/budgets/${id}/top_up`, { amount_usd: 1 });
    expect(day["expires_at"]).toBe("2026-11-21T00:00:00.000Z");
    const total = await dayBudget({ window: "total" });
    const forEver = await make(api, `/budgets/${total.id}/top_up`, { amount_usd: 1 });
    expect(forEver["expires_at"]).toBeNull();
    nowMs += 400 * DAY_MS;
    const shown = await api.call("GET", `/budgets/${total.id}`);
    expect(shown.member("topped_up_usd")).toBe("1.00");
  });

  test("that has ended stays so when the window is widened", async () => {
    const { id } = await dayBudget();
    await make(api, `/budgets/${id}/top_up`, { amount_usd: 1 });
    nowMs += DAY_MS;
    const widened = await api.call("PATCH", `/budgets/${id}`, { body: { window: "month" } });
    expect(widened.body).toMatchObject({ topped_up_usd: "0.00", remaining_usd: "1.00" });
  });

  test("that outlives its window raises the next one too", async () => {
    const { id } = await dayBudget();
    await make(api, `/budgets/${id}/top_up`, {
      amount_usd: "2",
      expires_at: "2026-11-21T06:00:00Z",
    });
    nowMs += DAY_MS - 7 * HOUR_MS;
    expect((await api.call("GET", `/budgets/${id}`)).member("remaining_usd")).toBe("3.00");
    nowMs += HOUR_MS;
    expect((await api.call("GET", `/budgets/${id}`)).member("remaining_usd")).toBe("1.00");
  });

  test("is taken back by removing it", async () => {
    const { id } = await dayBudget();
    const credit = await make(api, `/budgets/${id}/top_up`, { amount_usd: "2" });
    const other = await dayBudget();
    const elsewhere = await api.call("DELETE", `/budgets/${other.id}/credits/${credit.id}`);
    expect(refusalOf(elsewhere)).toEqual([
      404,
      "not_found",
      null,
      `There is no credit ${credit.id}.`,
    ]);
    expect((await api.call("DELETE", `/budgets/${id}/credits/${credit.id}`)).status).toBe(204);
    expect((await api.call("GET", `/budgets/${id}`)).member("remaining_usd")).toBe("1.00");
  });

  const amountMust =
    'amount_usd must be an amount in US dollars above 0 with at most 9 decimals, such as "5.00".';
  test.each<readonly [what: string, body: object, refused: Refused]>([
    ["is nothing", { amount_usd: 0 }, [400, "invalid_request", "/amount_usd", amountMust]],
    ["is negative", { amount_usd: "-1" }, [400, "invalid_request", "/amount_usd", amountMust]],
    [
      "ends in two ways",
      { amount_usd: 1, expires_at: "2027-01-01T00:00:00Z", duration_minutes: 5 },
      [
        400,
        "invalid_request",
        "/duration_minutes",
        "Give expires_at or duration_minutes, not both.",
      ],
    ],
    [
      "has ended already",
      { amount_usd: 1, expires_at: "2026-11-20T12:00:00Z" },
      [400, "invalid_request", "/expires_at", "expires_at must lie in the future."],
    ],
    [
      "is of somebody",
      { amount_usd: 1, end_user: "alice" },
      [
        400,
        "invalid_request",
        "/end_user",
        "end_user is for a budget that is a default for each end user; this one has one account.",
      ],
    ],
    [
      "is more than the ledger holds",
      { amount_usd: "9007199" },
      [
        422,
        "unprocessable",
        "/amount_usd",
        "amount_usd is too much: the cap with all its top-ups must be at most 9007199.254740991.",
      ],
    ],
  ])("that %s is refused", async (_what, body, refused) => {
    const { id } = await dayBudget();
    expect(refusalOf(await api.call("POST", `/budgets/${id}/top_up`, { body }))).toEqual(refused);
  });

  test("may be large again once an earlier one has ended", async () => {
    const { id } = await dayBudget();
    const large = { amount_usd: "9000000" };
    await make(api, `/budgets/${id}/top_up`, large);
    expect((await api.call("POST", `/budgets/${id}/top_up`, { body: large })).status).toBe(422);
    nowMs += DAY_MS;
    await make(api, `/budgets/${id}/top_up`, large);
  });

  test("of an unlimited budget is refused", async () => {
    const { id } = await dayBudget({ amount_usd: null });
    const answer = await api.call("POST", `/budgets/${id}/top_up`, { body: { amount_usd: 1 } });
    expect(refusalOf(answer)).toEqual([
      422,
      "unprocessable",
      "/amount_usd",
      "The budget is unlimited: there is no cap that a top-up could raise.",
    ]);
  });
});

test("a reset beside an edit of the window never takes more back than its own window had", async () => {
  await pay(90 * CENT, START_MS - 3 * HOUR_MS);
  for (let round = 0; round < 12; round += 1) {
    const { id } = await dayBudget();
    await Promise.all([
      api.call("POST", `/budgets/${id}/reset`),
      api.call("PATCH", `/budgets/${id}`, { body: { window: "hour" } }),
    ]);
    const budget = await api.call("GET", `/budgets/${id}`);
    const credits = await api.call("GET", `/budgets/${id}/credits`);
    // Whichever came first: the hour had nothing to take back, and the day keeps its reset.
    const isHour = JSON.stringify(budget.body).includes('"window":"hour"');
    expect(credits.body).toMatchObject({ data: isHour ? [] : [{ amount_usd: "0.90" }] });
  }
});

describe("a reset", () => {
  test("takes back what was posted, once, and leaves the ledger and usage alone", async () => {
    await pay(30 * CENT);
    const { id } = await dayBudget();
    const answers = await Promise.all([
      api.call("POST", `/budgets/${id}/reset`),
      api.call("POST", `/budgets/${id}/reset`, { body: {} }),
    ]);
    for (const { status, body } of answers) {
      expect([status, body]).toMatchObject([200, { ...money, remaining_usd: "1.00" }]);
    }
    const listed = await api.call("GET", `/budgets/${id}/credits`);
    expect(listed.member("data")).toMatchObject([
      { kind: "reset", amount_usd: "0.30", expires_at: "2026-11-21T00:00:00.000Z" },
    ]);
    await pay(5 * CENT);
    const later = await api.call("GET", `/budgets/${id}`);
    expect(later.body).toMatchObject({ posted_usd: "0.05", remaining_usd: "0.95" });
    const usage = await api.call("GET", `/usage?tenant_id=${tenantId}`);
    expect(usage.member("data")).toMatchObject([{ cost_usd: "0.35" }]);
    nowMs += DAY_MS;
    expect((await api.call("GET", `/budgets/${id}`)).member("posted_usd")).toBe("0.00");
  });

  test("that is taken back leaves the budget as it was", async () => {
    await pay(30 * CENT);
    const { id } = await dayBudget();
    await api.call("POST", `/budgets/${id}/reset`);
    const listed = await api.call("GET", `/budgets/${id}/credits`);
    const [credit] = Array.from(Object(listed.member("data")));
    await api.call("DELETE", `/budgets/${id}/credits/${String(Object(credit).id)}`);
    expect((await api.call("GET", `/budgets/${id}`)).member("posted_usd")).toBe("0.30");
  });

  test("of a default for each end user is of the one who is named", async () => {
    await pay(30 * CENT, nowMs, "alice");
    await pay(20 * CENT, nowMs, "bob");
    const scope = { type: "end_user", id: "*", tenant_id: tenantId };
    const { id } = await make(api, "/budgets", { scope, amount_usd: "1", window: "day" });
    const nobody = await api.call("POST", `/budgets/${id}/reset`);
    expect(refusalOf(nobody)).toEqual([
      400,
      "invalid_request",
      "/end_user",
      "end_user is required: of this budget each end user has an account of their own.",
    ]);
    const answer = await api.call("POST", `/budgets/${id}/reset`, { body: { end_user: "alice" } });
    expect(answer.body).toMatchObject({ ...money, remaining_usd: "1.00" });
    await make(api, `/budgets/${id}/top_up`, { amount_usd: "1", end_user: "bob" });
    const account = async (who: string): Promise<unknown> =>
      (await api.call("GET", `/budgets/${id}?end_user=${who}`)).member("remaining_usd");
    expect([await account("alice"), await account("bob")]).toEqual(["1.00", "1.80"]);
  });
});

/** A day of November 2026 as the history shows it. */
function past(day: number, posted: string): object {
  return {
    started_at: `2026-11-${day}T00:00:00.000Z`,
    ended_at: `2026-11-${day + 1}T00:00:00.000Z`,
    amount_usd: "1.00",
    posted_usd: posted,
  };
}

describe("past windows", () => {
  test("are listed newest first with what was spent in them, resets or not", async () => {
    await pay(10 * CENT);
    const { id } = await dayBudget();
    await api.call("POST", `/budgets/${id}/reset`);
    nowMs += DAY_MS;
    await pay(20 * CENT);
    nowMs += 2 * DAY_MS;
    await pay(40 * CENT);
    const answer = await api.call("GET", `/budgets/${id}/history`);
    const data = [past(22, "0.00"), past(21, "0.20"), past(20, "0.10")];
    expect(answer.body).toEqual({ data, next_cursor: null });
    const first = await api.call("GET", `/budgets/${id}/history?limit=2`);
    expect(first.member("data")).toEqual(data.slice(0, 2));
    const cursor = String(first.member("next_cursor"));
    const second = await api.call("GET", `/budgets/${id}/history?limit=2&cursor=${cursor}`);
    expect(second.body).toEqual({ data: data.slice(2), next_cursor: null });
    const span = "from=2026-11-21T06:00:00Z&to=2026-11-22T00:00:00Z";
    const some = await api.call("GET", `/budgets/${id}/history?${span}`);
    expect(some.member("data")).toEqual(data.slice(1, 2));
  });

  test("before the budget was created are there when asked for", async () => {
    await pay(10 * CENT, nowMs - 30 * HOUR_MS);
    const { id } = await dayBudget();
    expect((await api.call("GET", `/budgets/${id}/history`)).member("data")).toEqual([]);
    const asked = await api.call("GET", `/budgets/${id}/history?from=2026-11-19T00:00:00Z`);
    expect(asked.member("data")).toMatchObject([{ posted_usd: "0.10" }]);
  });

  test("of an edited budget are told by its terms as they are now", async () => {
    await pay(10 * CENT);
    const { id } = await dayBudget({ window: "month" });
    nowMs += 2 * DAY_MS;
    await api.call("PATCH", `/budgets/${id}`, { body: { window: "day", amount_usd: null } });
    const answer = await api.call("GET", `/budgets/${id}/history`);
    expect(answer.member("data")).toMatchObject([
      { started_at: "2026-11-21T00:00:00.000Z", amount_usd: null, posted_usd: "0.00" },
      { started_at: "2026-11-20T00:00:00.000Z", amount_usd: null, posted_usd: "0.10" },
    ]);
  });

  test("of a total budget do not exist", async () => {
    const { id } = await dayBudget({ window: "total" });
    const answer = await api.call("GET", `/budgets/${id}/history?from=1970-01-01T00:00:00Z`);
    expect(answer.body).toEqual({ data: [], next_cursor: null });
  });

  test("of each end user are their own", async () => {
    await pay(10 * CENT, nowMs - DAY_MS, "alice");
    const scope = { type: "end_user", id: "*", tenant_id: tenantId };
    const { id } = await make(api, "/budgets", { scope, amount_usd: "1", window: "day" });
    const path = `/budgets/${id}/history?from=2026-11-19T00:00:00Z`;
    expect((await api.call("GET", path)).status).toBe(400);
    for (const [who, posted] of [
      ["alice", "0.10"],
      ["bob", "0.00"],
    ]) {
      const answer = await api.call("GET", `${path}&end_user=${who}`);
      expect(answer.member("data")).toMatchObject([{ posted_usd: posted }]);
    }
  });

  test("do not go on from a made-up place", async () => {
    const { id } = await dayBudget();
    const answer = await api.call("GET", `/budgets/${id}/history?cursor=5`);
    expect(refusalOf(answer)).toEqual([
      400,
      "invalid_request",
      "cursor",
      "The cursor is not one that an earlier page gave.",
    ]);
  });
});

describe("the projection", () => {
  test("carries the spend of the running window on to its end", async () => {
    await pay(60 * CENT);
    const { id } = await dayBudget();
    const answer = await api.call("GET", `/budgets/${id}/projection`);
    expect(answer.body).toEqual({
      at: "2026-11-20T12:00:00.000Z",
      since: "2026-11-20T00:00:00.000Z",
      window_ends_at: "2026-11-21T00:00:00.000Z",
      amount_usd: "1.00",
      posted_usd: "0.60",
      projected_usd: "1.20",
      cap_reached_at: "2026-11-20T20:00:00.000Z",
    });
  });

  test("begins anew with a reset", async () => {
    await pay(60 * CENT);
    const { id } = await dayBudget();
    await api.call("POST", `/budgets/${id}/reset`);
    nowMs += 2 * HOUR_MS;
    await pay(10 * CENT);
    const answer = await api.call("GET", `/budgets/${id}/projection`);
    expect(answer.body).toMatchObject({
      since: "2026-11-20T12:00:00.000Z",
      posted_usd: "0.10",
      projected_usd: "0.60",
      cap_reached_at: null,
    });
  });
});

describe("alerts", () => {
  test("are listed newest first, by budget, with the scope as budgets show it", async () => {
    const alert = {
      budgetId: "bud_1",
      scopeType: "end_user",
      scopeId: `${tenantId}/alice/x`,
      windowStartMs: START_MS - 12 * HOUR_MS,
      thresholdPpm: 500_000,
      amountNanoUsd: 100 * CENT,
      postedNanoUsd: 51 * CENT,
      createdAtMs: START_MS,
    } as const;
    const late = { thresholdPpm: 999_999, createdAtMs: START_MS + 1_000 };
    const stored = [
      await api.store.recordAlert(alert),
      await api.store.recordAlert(alert),
      await api.store.recordAlert({ ...alert, ...late }),
      await api.store.recordAlert({
        ...alert,
        budgetId: "bud_2",
        scopeType: "tenant",
        scopeId: tenantId,
      }),
    ];
    expect(stored).toEqual([true, false, true, true]);
    const shown = {
      budget_id: "bud_1",
      scope: { type: "end_user", id: "alice/x", tenant_id: tenantId },
      threshold: 0.5,
      amount_usd: "1.00",
      posted_usd: "0.51",
      window_started_at: "2026-11-20T00:00:00.000Z",
      created_at: "2026-11-20T12:00:00.000Z",
    };
    const first = await api.call("GET", "/alerts?budget_id=bud_1");
    expect(first.body).toEqual({
      data: [{ ...shown, threshold: 0.999999, created_at: "2026-11-20T12:00:01.000Z" }, shown],
      next_cursor: null,
    });
    const all = await api.call("GET", "/alerts?limit=1");
    expect(all.member("data")).toMatchObject([
      { budget_id: "bud_2", scope: { type: "tenant", id: tenantId } },
    ]);
    const rest = await api.call("GET", `/alerts?cursor=${String(all.member("next_cursor"))}`);
    expect(rest.member("data")).toEqual(first.member("data"));
  });
});

test("removing a budget takes its credits with it", async () => {
  const { id } = await dayBudget();
  const credit = await make(api, `/budgets/${id}/top_up`, { amount_usd: "2" });
  expect((await api.call("DELETE", `/budgets/${id}`)).status).toBe(204);
  expect(await api.store.get("credits", credit.id)).toBeNull();
});

test.each([
  ["POST", "/reset"],
  ["POST", "/top_up"],
  ["GET", "/credits"],
  ["GET", "/history"],
  ["GET", "/projection"],
])("%s %s of a budget that does not exist is refused", async (method, path) => {
  const body = path === "/top_up" ? { body: { amount_usd: 1 } } : {};
  const answer = await api.call(method, `/budgets/bud_0${path}`, body);
  expect(refusalOf(answer)).toEqual([404, "not_found", null, "There is no budget bud_0."]);
});

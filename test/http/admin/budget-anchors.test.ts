/** Where windows begin: every anchor with every window, in a zone with daylight saving, and edits. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make } from "../../support/things.ts";

/** Friday, 20 November 2026, 12:34 UTC: 13:34 in Berlin. */
const nowMs = Date.UTC(2026, 10, 20, 12, 34);
let api: TestAdmin;

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => nowMs } });
});
afterAll(() => api.stop());

const base = { scope: { type: "global" }, amount_usd: "1", time_zone: "Europe/Berlin" };

const WINDOWS = ["hour", "day", "week", "month", "total"] as const;
type Window = (typeof WINDOWS)[number];

const ANCHORS = [
  { hour: 6 },
  { weekday: "wednesday" },
  { day_of_month: 25 },
  { hour: 6, weekday: "wednesday" },
  { hour: 6, day_of_month: 31 },
] as const;

/** The window that runs at noon of that Friday, in UTC. */
const RUNNING: Readonly<Record<string, readonly [start: string, end: string]>> = {
  "hour null": ["2026-11-20T12:00:00.000Z", "2026-11-20T13:00:00.000Z"],
  "day null": ["2026-11-19T23:00:00.000Z", "2026-11-20T23:00:00.000Z"],
  "week null": ["2026-11-15T23:00:00.000Z", "2026-11-22T23:00:00.000Z"],
  "month null": ["2026-10-31T23:00:00.000Z", "2026-11-30T23:00:00.000Z"],
  'day {"hour":6}': ["2026-11-20T05:00:00.000Z", "2026-11-21T05:00:00.000Z"],
  'week {"hour":6}': ["2026-11-16T05:00:00.000Z", "2026-11-23T05:00:00.000Z"],
  'week {"weekday":"wednesday"}': ["2026-11-17T23:00:00.000Z", "2026-11-24T23:00:00.000Z"],
  'week {"hour":6,"weekday":"wednesday"}': ["2026-11-18T05:00:00.000Z", "2026-11-25T05:00:00.000Z"],
  'month {"hour":6}': ["2026-11-01T05:00:00.000Z", "2026-12-01T05:00:00.000Z"],
  // Before the change to winter time, so an hour further from Greenwich.
  'month {"day_of_month":25}': ["2026-10-24T22:00:00.000Z", "2026-11-24T23:00:00.000Z"],
  'month {"hour":6,"day_of_month":31}': ["2026-10-31T05:00:00.000Z", "2026-11-30T05:00:00.000Z"],
};

const FITS = {
  hour: [],
  day: ["hour"],
  week: ["hour", "weekday"],
  month: ["hour", "day_of_month"],
  total: [],
} as const satisfies Record<Window, readonly string[]>;

/** The sentence for the first member, in the order of the documentation, that does not fit. */
function misfit(window: Window, anchor: object): readonly [pointer: string, says: string] | null {
  const fits: readonly string[] = FITS[window];
  const member = ["hour", "weekday", "day_of_month"].find(
    (name) => name in anchor && !fits.includes(name),
  );
  if (member === undefined) return null;
  const takes = fits.length === 0 ? "takes no anchor" : `takes ${fits.join(" and ")}`;
  const says = `anchor.${member} does not fit the window ${window}, which ${takes}.`;
  return [`/anchor/${member}`, says];
}

const cases = WINDOWS.flatMap((window) =>
  [null, ...ANCHORS].map((anchor) => [window, anchor, JSON.stringify(anchor)] as const),
);

describe("a window", () => {
  test.each(cases)(
    "of a %s with %o begins where that says, or is refused",
    async (window, anchor) => {
      const answer = await api.call("POST", "/budgets", { body: { ...base, window, anchor } });
      const wrong = anchor === null ? null : misfit(window, anchor);
      if (wrong !== null) {
        expect(refusalOf(answer)).toEqual([400, "invalid_request", ...wrong]);
        return;
      }
      const key = `${window} ${JSON.stringify(anchor)}`;
      const [start, end] = RUNNING[key] ?? ["1970-01-01T00:00:00.000Z", null];
      expect([answer.status, answer.body]).toMatchObject([
        201,
        { window, anchor, window_started_at: start, window_ends_at: end },
      ]);
      await api.call("DELETE", `/budgets/${String(answer.member("id"))}`);
    },
  );

  test.each([
    ["hour", 24, "anchor.hour must be a whole number from 0 to 23."],
    [
      "weekday",
      "someday",
      'anchor.weekday must be one of "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday".',
    ],
    ["day_of_month", 0, "anchor.day_of_month must be a whole number from 1 to 31."],
    ["minute", 5, '"minute" is not a member that can be set here; the nearest known one is hour.'],
  ])("whose anchor's %s is %p is refused", async (member, value, says) => {
    const body = { ...base, window: "month", anchor: { [member]: value } };
    const answer = await api.call("POST", "/budgets", { body });
    const [status, code, param, message] = refusalOf(answer);
    expect([status, code, param]).toEqual([400, "invalid_request", `/anchor/${member}`]);
    expect(String(message)).toStartWith(says.slice(0, 40));
  });

  test("is moved by an edit only to where its anchor still fits", async () => {
    const anchor = { hour: 6, weekday: "wednesday" };
    const { id } = await make(api, "/budgets", { ...base, window: "week", anchor });
    const path = `/budgets/${id}`;
    const refused = await api.call("PATCH", path, { body: { window: "day" } });
    expect(refusalOf(refused)).toEqual([
      400,
      "invalid_request",
      "/anchor/weekday",
      "anchor.weekday does not fit the window day, which takes hour.",
    ]);
    const moved = await api.call("PATCH", path, { body: { window: "day", anchor: { hour: 9 } } });
    expect(moved.body).toMatchObject({
      window: "day",
      anchor: { hour: 9 },
      window_started_at: "2026-11-20T08:00:00.000Z",
    });
    const plain = await api.call("PATCH", path, { body: { anchor: {} } });
    expect(plain.body).toMatchObject({
      anchor: null,
      window_started_at: "2026-11-19T23:00:00.000Z",
      version: 3,
    });
    await api.call("DELETE", path);
  });

  test("that is reset stays where it is until the reset is taken back", async () => {
    const { id } = await make(api, "/budgets", { ...base, window: "day" });
    const path = `/budgets/${id}`;
    const written = await api.store.insert("credits", {
      id: "crd_1",
      budgetId: id,
      kind: "reset",
      amountNanoUsd: 5,
      endUserId: null,
      startsAtMs: nowMs,
      expiresAtMs: null,
      note: null,
      version: 1,
      createdAtMs: nowMs,
    });
    expect(written.ok).toBe(true);
    const refused = await api.call("PATCH", path, { body: { window: "hour" } });
    expect(refusalOf(refused)).toEqual([
      409,
      "conflict",
      null,
      "The window cannot be moved while the running one has a reset, whose amount belongs to the window as it was: remove the credit crd_1 first.",
    ]);
    const amount = await api.call("PATCH", path, { body: { amount_usd: "2" } });
    expect(amount.status).toBe(200);
    expect((await api.call("DELETE", `${path}/credits/crd_1`)).status).toBe(204);
    const moved = await api.call("PATCH", path, { body: { window: "hour" } });
    expect([moved.status, moved.member("window")]).toEqual([200, "hour"]);
  });
});

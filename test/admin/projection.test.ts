/** Where a window is heading: integer arithmetic at its edges. */
import { expect, test } from "bun:test";
import { project } from "../../src/admin/budget-windows.ts";

const HOUR_MS = 3_600_000;
/** A window of 50 hours from the epoch on, so that its fiftieth is an hour. */
const window = { budgetId: "bud_1", windowStartedAtMs: 0, windowEndsAtMs: 50 * HOUR_MS };
const USD = 1_000_000_000;

type Asked = {
  readonly amount: number | null;
  readonly posted: number;
  readonly nowMs: number;
  readonly endless?: boolean;
};

function heading({ amount, posted, nowMs, endless = false }: Asked): readonly unknown[] {
  const state = {
    ...window,
    amountNanoUsd: amount,
    postedNanoUsd: posted,
    heldNanoUsd: 0,
    ...(endless && { windowEndsAtMs: null }),
  };
  const { projected_usd: projected, cap_reached_at: reached } = project(state, 0, nowMs);
  return [projected, reached];
}

test.each<readonly [what: string, asked: Asked, told: readonly unknown[]]>([
  [
    "is not known before a fiftieth of the window has passed",
    { amount: 10 * USD, posted: USD, nowMs: HOUR_MS - 1 },
    [null, null],
  ],
  [
    "is known from then on",
    { amount: 10 * USD, posted: USD, nowMs: HOUR_MS },
    ["50.00", "1970-01-01T10:00:00.000Z"],
  ],
  ["is nothing when nothing was spent", { amount: USD, posted: 0, nowMs: HOUR_MS }, ["0.00", null]],
  [
    "says nothing of a cap that is reached in a later window",
    { amount: 51 * USD, posted: USD, nowMs: HOUR_MS },
    ["50.00", null],
  ],
  [
    "says that a cap has been reached, however early",
    { amount: USD, posted: USD, nowMs: 5 },
    [null, "1970-01-01T00:00:00.005Z"],
  ],
  [
    "has no cap to reach without one",
    { amount: null, posted: USD, nowMs: HOUR_MS },
    ["50.00", null],
  ],
  [
    "is rounded down to a nano-dollar",
    { amount: null, posted: 1, nowMs: 30 * HOUR_MS },
    ["0.000000001", null],
  ],
  [
    "of a window without an end is not known",
    { amount: USD, posted: 5, nowMs: HOUR_MS, endless: true },
    [null, null],
  ],
  [
    "never passes what the ledger holds",
    { amount: null, posted: Number.MAX_SAFE_INTEGER - 1, nowMs: HOUR_MS },
    ["9007199.254740991", null],
  ],
])("the projection %s", (_what, asked, told) => {
  expect(heading(asked)).toEqual(told);
});

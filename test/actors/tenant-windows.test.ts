/**
 * Guarantee: what was spent in a window is known whenever the clock is in it, wherever it leapt to in
 * between; or the actor says that it does not know, and refuses.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { BudgetRule, OpenHold } from "../../actors/contract.ts";
import { tenantBudgets, tenantKnows, type TenantHandle } from "../../actors/tenant.ts";
import {
  admit,
  ask,
  budgetRule,
  costing,
  DAY_MS,
  SCOPES,
  settle,
  START_MS,
  tenant,
} from "./fixtures.ts";
import { windowName } from "./money-oracle.ts";

const HOUR_MS = 3_600_000;
const TOMORROW_MS = START_MS + DAY_MS;

describe("a clock that leaps over midnight and back", () => {
  test("finds the day as it was left, and the day it leapt to as well", () => {
    const handle = tenant({ budgets: [budgetRule({})], postedNanoUsd: { bud_1: 300 } });
    ask(handle, admit("1", { options: costing(600) }));
    expect(ask(handle, admit("2", { options: costing(900), atMs: TOMORROW_MS }))).toBe("allowed");
    expect(ask(handle, admit("3", { options: costing(101) }))).toBe("budget_exceeded");
    handle.send(settle("2", 850, START_MS));
    handle.send(settle("1", 500, TOMORROW_MS));
    expect(ask(handle, admit("4", { options: costing(200) }))).toBe("allowed");
    expect(ask(handle, admit("5", { options: costing(151), atMs: TOMORROW_MS }))).toBe(
      "budget_exceeded",
    );
    expect(tenantKnows(handle, START_MS)).toBe(true);
    expect(
      [START_MS, TOMORROW_MS].map((atMs) => {
        const [state] = tenantBudgets(handle, atMs);
        return [state?.postedNanoUsd, state?.heldNanoUsd];
      }),
    ).toEqual([
      [800, 200],
      [850, 0],
    ]);
  });

  test("to before its actor was built is refused where a hard budget counts, and only there", () => {
    const yesterdayMs = START_MS - DAY_MS;
    const soft = budgetRule({ id: "bud_2", scope: { type: "token", id: "tok_2" }, mode: "soft" });
    const handle = tenant({ budgets: [budgetRule({}), soft] });
    expect(tenantKnows(handle, yesterdayMs)).toBe(false);
    expect(handle.ask(admit("1", { atMs: yesterdayMs }))).toEqual({
      allowed: false,
      refusal: {
        code: "ledger_unavailable",
        message: "The clock was set; what was spent by then is being read.",
        retryAfterMs: 1_000,
      },
    });
    const unbound = { ...SCOPES, tokenId: "tok_2" };
    expect(ask(handle, admit("2", { atMs: yesterdayMs, scopes: unbound }))).toBe("allowed");
    expect(ask(handle, admit("3"))).toBe("allowed");
  });

  test("to a window that the ledger had reached before the actor was built is read anew", () => {
    const reached = tenant({ budgets: [budgetRule({})], ledgerReachesMs: TOMORROW_MS });
    const hold: OpenHold = {
      attemptId: "att_ahead",
      exchangeId: "req_ahead",
      scopes: SCOPES,
      heldNanoUsd: 5,
      heldAtMs: TOMORROW_MS,
    };
    const holding = tenant({ budgets: [budgetRule({})], openHolds: [hold] });
    for (const handle of [reached, holding]) {
      expect([tenantKnows(handle, START_MS), tenantKnows(handle, TOMORROW_MS)]).toEqual([
        true,
        false,
      ]);
      expect(ask(handle, admit("1", { atMs: TOMORROW_MS }))).toBe("ledger_unavailable");
    }
  });
});

test("a clock that only goes forward never needs a new actor, and little memory", () => {
  const handle = tenant({ budgets: [budgetRule({ window: "hour" })] });
  for (let hour = 0; hour < 500; hour += 1) {
    const atMs = START_MS + hour * HOUR_MS;
    expect(tenantKnows(handle, atMs)).toBe(true);
    expect(ask(handle, admit(`${hour}`, { options: costing(1_000), atMs }))).toBe("allowed");
  }
  expect(handle.record().budgets[0]?.others.length).toBe(4);
});

/** Spends 1,000 on each of the days, in this order, and says on which days it knows what was spent. */
function knownAfter(days: readonly number[]): readonly number[] {
  const handle = tenant({ budgets: [budgetRule({})] });
  for (const day of days) {
    const atMs = START_MS + day * DAY_MS;
    expect(ask(handle, admit(`${day}`, { options: costing(1_000), atMs }))).toBe("allowed");
  }
  const known = days.filter((day) => tenantKnows(handle, START_MS + day * DAY_MS));
  for (const day of days) {
    const again = admit(`again ${day}`, { atMs: START_MS + day * DAY_MS });
    const refusal = known.includes(day) ? "budget_exceeded" : "ledger_unavailable";
    expect(ask(handle, again)).toBe(refusal);
  }
  return known;
}

describe("of more windows than are kept", () => {
  test("the oldest are not known any more, which is not the same as empty", () => {
    expect(knownAfter([0, 1, 2, 3, 4, 5, 6])).toEqual([2, 3, 4, 5, 6]);
  });

  test("the furthest ahead are not, where the clock came back step by step", () => {
    expect(knownAfter([9, 8, 7, 6, 5, 4, 3])).toEqual([7, 6, 5, 4, 3]);
  });
});

// ---- any clock -------------------------------------------------------------------------------

const AMOUNTS = { hour: 300, day: 500, week: 900, month: 1_200, total: 20_000 } as const;
type Kind = keyof typeof AMOUNTS;
const KINDS: readonly Kind[] = ["hour", "day", "week", "month", "total"];
const RULES: readonly BudgetRule[] = KINDS.map((window) =>
  budgetRule({ id: window, window, amountNanoUsd: AMOUNTS[window] }),
);

type Entry = {
  readonly name: string;
  readonly heldAtMs: number;
  /** The names of the windows that it was held in. */
  readonly windows: Readonly<Record<Kind, string>>;
  readonly nanoUsd: number;
  costNanoUsd: number | null;
};

/** Posted and held in the window of `atMs`: a sum over everything that ever happened. */
function sums(entries: readonly Entry[], kind: Kind, atMs: number): [number, number] {
  const name = windowName(kind, atMs);
  let posted = 0;
  let held = 0;
  for (const { windows, nanoUsd, costNanoUsd } of entries) {
    if (windows[kind] !== name) continue;
    if (costNanoUsd === null) held += nanoUsd;
    else posted += costNanoUsd;
  }
  return [posted, held];
}

function windowsAt(atMs: number): Entry["windows"] {
  return {
    hour: windowName("hour", atMs),
    day: windowName("day", atMs),
    week: windowName("week", atMs),
    month: windowName("month", atMs),
    total: windowName("total", atMs),
  };
}

/** As the gateway builds one: the sums of now, the open holds, and how far the ledger reaches. */
function built(entries: readonly Entry[], atMs: number): TenantHandle {
  return tenant({
    budgets: RULES,
    postedNanoUsd: Object.fromEntries(KINDS.map((kind) => [kind, sums(entries, kind, atMs)[0]])),
    openHolds: entries
      .filter(({ costNanoUsd }) => costNanoUsd === null)
      .map(({ name, nanoUsd, heldAtMs }) => ({
        attemptId: `att_${name}`,
        exchangeId: `req_${name}`,
        scopes: SCOPES,
        heldNanoUsd: nanoUsd,
        heldAtMs,
      })),
    ledgerReachesMs: entries.reduce((latest, { heldAtMs }) => Math.max(latest, heldAtMs), 0),
    atMs,
  });
}

const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("admit" as const), nanoUsd: fc.nat(300) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      nth: fc.nat(12),
      cost: fc.nat(500),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("leap" as const),
      ms: fc.oneof(
        fc.integer({ min: -60 * DAY_MS, max: 60 * DAY_MS }),
        fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }),
        fc.integer({ min: -3 * HOUR_MS, max: 3 * HOUR_MS }),
        fc.constantFrom(HOUR_MS, -HOUR_MS, 365 * DAY_MS, -365 * DAY_MS),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rebuild" as const) }) },
);

test("under any clock the budgets say what a sum over all that happened says", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 150, size: "max" }), (steps) => {
      let atMs = START_MS;
      const entries: Entry[] = [];
      let handle = built(entries, atMs);
      for (const [index, step] of steps.entries()) {
        if (step.kind === "leap") atMs += step.ms;
        if (step.kind === "rebuild" || !tenantKnows(handle, atMs)) handle = built(entries, atMs);
        expect(tenantKnows(handle, atMs)).toBe(true);
        if (step.kind === "admit") {
          const { nanoUsd } = step;
          const fits = KINDS.every((kind) => {
            const [posted, held] = sums(entries, kind, atMs);
            return nanoUsd === 0 || posted + held + nanoUsd <= AMOUNTS[kind];
          });
          const asked = admit(`${index}`, { options: costing(nanoUsd), atMs });
          expect(ask(handle, asked)).toBe(fits ? "allowed" : "budget_exceeded");
          const entry = {
            name: `${index}`,
            heldAtMs: atMs,
            windows: windowsAt(atMs),
            nanoUsd,
            costNanoUsd: null,
          };
          if (fits) entries.push(entry);
        }
        const entry = step.kind === "settle" ? entries.at(-1 - step.nth) : undefined;
        if (step.kind === "settle" && entry !== undefined) {
          handle.send(settle(entry.name, step.cost, atMs));
          entry.costNanoUsd ??= step.cost;
        }
        expect(
          tenantBudgets(handle, atMs).map(({ budgetId, postedNanoUsd, heldNanoUsd }) => [
            budgetId,
            [postedNanoUsd, heldNanoUsd],
          ]),
        ).toEqual(KINDS.map((kind) => [kind, sums(entries, kind, atMs)]));
      }
    }),
    { numRuns: 100 },
  );
}, 30_000);

/** Guarantees: money is neither made nor lost, and no sum of an account ever leaves the integers. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createAccount,
  freeOf,
  hasRoom,
  reserve,
  settleHold,
  termsOf,
  withAmountAt,
  type BudgetAccount,
  type PlainTerms,
} from "../../actors/policy/budget.ts";
import type { Credit } from "../../actors/policy/credits.ts";
import { NANO_USD_MAX } from "../../src/base/units.ts";

const NOON_MS = Date.UTC(2026, 4, 10, 12);
const MIDNIGHT_MS = Date.UTC(2026, 4, 11);
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const DAILY: PlainTerms = {
  amountNanoUsd: 1_000,
  window: "day",
  timeZone: "UTC",
  anchor: null,
  mode: "hard",
  credits: [],
};

function account(posted: number, more: Partial<PlainTerms> = {}): BudgetAccount {
  return createAccount(termsOf({ ...DAILY, ...more }), posted, NOON_MS);
}

function topUp(amountNanoUsd: number, startsAtMs: number, expiresAtMs: number | null): Credit {
  return { kind: "top_up", amountNanoUsd, startsAtMs, expiresAtMs };
}

function reset(amountNanoUsd: number, startsAtMs: number): Credit {
  return { kind: "reset", amountNanoUsd, startsAtMs, expiresAtMs: null };
}

/** Amount, posted, held and free. */
function money(of: BudgetAccount): (number | null)[] {
  return [of.amountNanoUsd, of.postedNanoUsd, of.heldNanoUsd, freeOf(of)];
}

describe("an account", () => {
  test("starts with what the ledger posted, and holds on top of it", () => {
    const held = reserve(account(400), 100);
    expect(money(held)).toEqual([1_000, 400, 100, 500]);
    expect([held.startMs, held.endMs]).toEqual([Date.UTC(2026, 4, 10), MIDNIGHT_MS]);
  });

  test("turns a hold into its cost: less gives back, nothing voids, more is the truth all the same", () => {
    const held = reserve(account(900), 100);
    const settled = [40, 0, 250].map((costNanoUsd) =>
      settleHold(held, { heldNanoUsd: 100, costNanoUsd }),
    );
    expect(settled.map(money)).toEqual([
      [1_000, 940, 0, 60],
      [1_000, 900, 0, 100],
      [1_000, 1_150, 0, -150],
    ]);
  });

  test("has room for what is free, for nothing more, and for what costs nothing always", () => {
    const held = reserve(account(900), 60);
    expect([40, 41, 0].map((nanoUsd) => hasRoom(held, nanoUsd))).toEqual([true, false, true]);
    const overdrawn = account(5_000);
    expect([1, 0].map((nanoUsd) => hasRoom(overdrawn, nanoUsd))).toEqual([false, true]);
    const blocked = account(0, { amountNanoUsd: 0 });
    expect([1, 0].map((nanoUsd) => hasRoom(blocked, nanoUsd))).toEqual([false, true]);
  });

  test("of a soft or unlimited budget has room for everything, whatever was spent", () => {
    for (const more of [{ mode: "soft" }, { amountNanoUsd: null }] as const) {
      const full = account(NANO_USD_MAX, more);
      expect(hasRoom(full, NANO_USD_MAX)).toBe(true);
    }
  });

  test("refuses to settle more than was held, which would be a bug", () => {
    const held = reserve(account(0), 10);
    expect(() => settleHold(held, { heldNanoUsd: 11, costNanoUsd: 0 })).toThrow(
      "what stays held is not an amount",
    );
  });

  test("is not built from anything but amounts", () => {
    for (const wrong of [Number.NaN, -1, 0.5, Infinity, NANO_USD_MAX + 1]) {
      expect(() => account(wrong)).toThrow("posted is not an amount");
      expect(() => account(0, { amountNanoUsd: wrong })).toThrow("a budget is not an amount");
      const credits = [topUp(wrong, NOON_MS, null)];
      expect(() => account(0, { credits })).toThrow("a credit is not an amount");
    }
  });
});

describe("a top-up", () => {
  test("raises the amount from its start until it expires, with money held and spent meanwhile", () => {
    const credits = [topUp(500, NOON_MS + HOUR_MS, NOON_MS + 2 * HOUR_MS)];
    const before = account(900, { credits });
    expect(money(before)).toEqual([1_000, 900, 0, 100]);
    expect(withAmountAt(before, NOON_MS + HOUR_MS - 1)).toBe(before);
    const raised = reserve(withAmountAt(before, NOON_MS + HOUR_MS), 550);
    expect(money(raised)).toEqual([1_500, 900, 550, 50]);
    const expired = withAmountAt(raised, NOON_MS + 2 * HOUR_MS);
    expect(money(expired)).toEqual([1_000, 900, 550, -450]);
    expect([hasRoom(expired, 1), hasRoom(expired, 0)]).toEqual([false, true]);
    const settled = settleHold(expired, { heldNanoUsd: 550, costNanoUsd: 40 });
    expect(money(settled)).toEqual([1_000, 940, 0, 60]);
    expect(hasRoom(settled, 60)).toBe(true);
  });

  test("without an expiry ends with the window of its start, and of a total budget never", () => {
    const credits = [topUp(500, NOON_MS, null)];
    const terms = termsOf({ ...DAILY, credits });
    const amounts = [NOON_MS - 1, NOON_MS, MIDNIGHT_MS - 1, MIDNIGHT_MS].map(
      (atMs) => createAccount(terms, 0, atMs).amountNanoUsd,
    );
    expect(amounts).toEqual([1_000, 1_500, 1_500, 1_000]);
    const total = termsOf({ ...DAILY, window: "total", credits });
    expect(createAccount(total, 0, NOON_MS + 9_999 * DAY_MS).amountNanoUsd).toBe(1_500);
  });

  test("may span windows, adds up with others, and never passes the largest amount", () => {
    const credits = [
      topUp(500, NOON_MS, NOON_MS + 3 * DAY_MS),
      topUp(70, NOON_MS + DAY_MS, NOON_MS + 2 * DAY_MS),
    ];
    const terms = termsOf({ ...DAILY, credits });
    const amounts = [0, 1, 2, 3].map(
      (days) => createAccount(terms, 0, NOON_MS + days * DAY_MS).amountNanoUsd,
    );
    expect(amounts).toEqual([1_500, 1_570, 1_500, 1_000]);
    const huge = account(0, { credits: [topUp(NANO_USD_MAX, NOON_MS, null)] });
    expect(huge.amountNanoUsd).toBe(NANO_USD_MAX);
  });

  test("leaves an unlimited budget unlimited, and opens one of 0", () => {
    const credits = [topUp(5, NOON_MS, null)];
    expect(account(0, { amountNanoUsd: null, credits }).amountNanoUsd).toBeNull();
    expect(hasRoom(account(0, { amountNanoUsd: 0, credits }), 5)).toBe(true);
  });
});

describe("a reset", () => {
  test("takes back what was posted in its window, in no other, and never below nothing", () => {
    const credits = [
      reset(900, NOON_MS - HOUR_MS),
      reset(50, NOON_MS - 1),
      reset(7, NOON_MS - DAY_MS),
    ];
    expect(money(account(1_000, { credits }))).toEqual([1_000, 50, 0, 950]);
    expect(money(account(940, { credits }))).toEqual([1_000, 0, 0, 1_000]);
  });
});

describe("absurd amounts", () => {
  test("are counted up to the largest amount, and what was taken can be given back exactly", () => {
    const soft = account(NANO_USD_MAX - 5, { mode: "soft" });
    const held = reserve(soft, 400);
    expect(money(held)).toEqual([1_000, NANO_USD_MAX - 5, 5, 1_000 - NANO_USD_MAX]);
    const settled = settleHold(held, { heldNanoUsd: 5, costNanoUsd: NANO_USD_MAX });
    expect(money(settled)).toEqual([1_000, NANO_USD_MAX, 0, 1_000 - NANO_USD_MAX]);
  });

  test("of one attempt do not eat what others hold", () => {
    const held = reserve(reserve(account(0, { amountNanoUsd: null }), 300), 100);
    const absurd = settleHold(held, { heldNanoUsd: 100, costNanoUsd: NANO_USD_MAX });
    expect([absurd.postedNanoUsd, absurd.heldNanoUsd]).toEqual([NANO_USD_MAX - 300, 300]);
    const settled = settleHold(absurd, { heldNanoUsd: 300, costNanoUsd: 1 });
    expect([settled.postedNanoUsd, settled.heldNanoUsd]).toEqual([NANO_USD_MAX - 299, 0]);
  });
});

test("under any operations posted + held + free is the amount, and every sum a safe integer", () => {
  const anyNanoUsd = fc.oneof(
    { weight: 5, arbitrary: fc.nat(600) },
    { weight: 1, arbitrary: fc.constantFrom(NANO_USD_MAX, NANO_USD_MAX - 1, 2 ** 52) },
  );
  const anyStep = fc.oneof(
    fc.record({ kind: fc.constant("reserve" as const), nanoUsd: anyNanoUsd }),
    fc.record({ kind: fc.constant("settle" as const), nth: fc.nat(20), costNanoUsd: anyNanoUsd }),
    fc.record({ kind: fc.constant("look" as const), ms: fc.nat(12 * HOUR_MS - 1) }),
  );
  const credits = [topUp(700, NOON_MS + HOUR_MS, NOON_MS + 2 * HOUR_MS), reset(200, NOON_MS)];
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 80, size: "max" }),
      fc.constantFrom(0, 1_000, NANO_USD_MAX),
      fc.constantFrom("hard", "soft"),
      (steps, amountNanoUsd, mode) => {
        let now = account(300, { amountNanoUsd, mode, credits });
        let open: number[] = [];
        for (const step of steps) {
          if (step.kind === "look") now = withAmountAt(now, NOON_MS + step.ms);
          if (step.kind === "reserve" && hasRoom(now, step.nanoUsd)) {
            const before = now.heldNanoUsd;
            now = reserve(now, step.nanoUsd);
            open.push(now.heldNanoUsd - before);
          }
          const heldNanoUsd = step.kind === "settle" ? open[step.nth] : undefined;
          if (step.kind === "settle" && heldNanoUsd !== undefined) {
            now = settleHold(now, { heldNanoUsd, costNanoUsd: step.costNanoUsd });
            open = open.filter((_, index) => index !== step.nth);
          }
          const free = freeOf(now) ?? Number.NaN;
          expect(now.heldNanoUsd).toBe(open.reduce((sum, each) => sum + each, 0));
          expect([now.postedNanoUsd, now.heldNanoUsd, free].every(Number.isSafeInteger)).toBe(true);
          expect(now.postedNanoUsd + now.heldNanoUsd + free).toBe(now.amountNanoUsd ?? Number.NaN);
        }
      },
    ),
  );
});

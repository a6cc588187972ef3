/** Guarantees: money is neither made nor lost, and an ended window never touches the next. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  accountAt,
  createAccount,
  freeOf,
  reserve,
  settleHold,
  type BudgetTerms,
} from "../../actors/policy/budget.ts";
import { NANO_USD_MAX } from "../../src/base/units.ts";

const NOON_MS = Date.UTC(2026, 4, 10, 12);
const DAY_MS = 86_400_000;
const DAILY: BudgetTerms = { amountNanoUsd: 1_000, window: "day", timeZone: "UTC", mode: "hard" };

describe("an account", () => {
  test("starts with what the ledger posted, and holds on top of it", () => {
    const account = reserve(createAccount(DAILY, 400, NOON_MS), 100);
    expect(account).toEqual({
      terms: DAILY,
      startMs: Date.UTC(2026, 4, 10),
      endMs: Date.UTC(2026, 4, 11),
      postedNanoUsd: 400,
      heldNanoUsd: 100,
    });
    expect(freeOf(account)).toBe(500);
  });

  test("turns a hold into its cost: less gives back, nothing voids, more is the truth all the same", () => {
    const held = reserve(createAccount(DAILY, 900, NOON_MS), 100);
    const settled = [40, 0, 250].map((costNanoUsd) =>
      settleHold(held, held.startMs, { heldNanoUsd: 100, costNanoUsd }),
    );
    expect(settled.map(({ postedNanoUsd, heldNanoUsd }) => [postedNanoUsd, heldNanoUsd])).toEqual([
      [940, 0],
      [900, 0],
      [1_150, 0],
    ]);
    expect(settled.map(freeOf)).toEqual([60, 100, -150]);
  });

  test("is empty in the next window without anything having been reset", () => {
    const used = reserve(createAccount(DAILY, 900, NOON_MS), 100);
    expect(accountAt(used, Date.UTC(2026, 4, 10, 23, 59, 59, 999))).toBe(used);
    const next = accountAt(used, Date.UTC(2026, 4, 11));
    expect(next).toEqual(createAccount(DAILY, 0, NOON_MS + DAY_MS));
    expect(freeOf(next)).toBe(1_000);
  });

  test("is not touched by a hold of the window before", () => {
    const old = reserve(createAccount(DAILY, 0, NOON_MS), 100);
    const next = reserve(accountAt(old, NOON_MS + DAY_MS), 30);
    expect(settleHold(next, old.startMs, { heldNanoUsd: 100, costNanoUsd: 70 })).toBe(next);
  });

  test("stays in its window when the clock steps back over midnight", () => {
    const account = createAccount(DAILY, 500, NOON_MS);
    expect(accountAt(account, NOON_MS - DAY_MS)).toBe(account);
  });

  test("of a soft or unlimited budget is bound by nothing but the ledger's largest amount", () => {
    const soft = createAccount({ ...DAILY, mode: "soft" }, 5_000, NOON_MS);
    const unlimited = createAccount({ ...DAILY, amountNanoUsd: null }, 5_000, NOON_MS);
    expect([freeOf(soft), freeOf(unlimited)]).toEqual([NANO_USD_MAX - 5_000, NANO_USD_MAX - 5_000]);
    const full = reserve(
      createAccount({ ...DAILY, amountNanoUsd: null }, NANO_USD_MAX - 1, NOON_MS),
      1,
    );
    const settled = settleHold(full, full.startMs, { heldNanoUsd: 1, costNanoUsd: 9 });
    expect(settled.postedNanoUsd).toBe(NANO_USD_MAX);
  });
});

test("under any operations posted + held + free is the amount", () => {
  const anyStep = fc.oneof(
    fc.record({ kind: fc.constant("reserve" as const), nanoUsd: fc.nat(400) }),
    fc.record({ kind: fc.constant("settle" as const), nth: fc.nat(20), costNanoUsd: fc.nat(600) }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(DAY_MS) }),
  );
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80, size: "max" }), (steps) => {
      let atMs = NOON_MS;
      let account = createAccount(DAILY, 0, atMs);
      let open: { readonly startMs: number; readonly heldNanoUsd: number }[] = [];
      for (const step of steps) {
        if (step.kind === "pass") atMs += step.ms;
        account = accountAt(account, atMs);
        if (step.kind === "reserve" && step.nanoUsd <= freeOf(account)) {
          account = reserve(account, step.nanoUsd);
          open.push({ startMs: account.startMs, heldNanoUsd: step.nanoUsd });
        }
        const hold = step.kind === "settle" ? open[step.nth] : undefined;
        if (step.kind === "settle" && hold !== undefined) {
          const { startMs, heldNanoUsd } = hold;
          account = settleHold(account, startMs, { heldNanoUsd, costNanoUsd: step.costNanoUsd });
          open = open.filter((each) => each !== hold);
        }
        const held = open
          .filter(({ startMs }) => startMs === account.startMs)
          .reduce((sum, { heldNanoUsd }) => sum + heldNanoUsd, 0);
        expect(account.heldNanoUsd).toBe(held);
        expect(account.postedNanoUsd + account.heldNanoUsd + freeOf(account)).toBe(1_000);
      }
    }),
  );
});

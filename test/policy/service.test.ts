/** Guarantee: what is known of how a provider serves fades with time, and survives a run as it was. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LearnedRow } from "../../actors/policy/learned-state.ts";
import {
  observeService,
  restoreServices,
  serviceAt,
  takeChangedServices,
  type LearnedServices,
} from "../../actors/policy/service.ts";
import { LIMITS } from "../../src/base/limits.ts";

const HALF_MS = LIMITS.serviceHalfLifeMs;

function learnedFrom(outcomes: readonly (readonly [atMs: number, latencyMs: number | null])[]) {
  const learned: LearnedServices = new Map();
  for (const [atMs, latencyMs] of outcomes) {
    const isOk = latencyMs !== null;
    observeService(learned, "gpt", { isOk, latencyMs: latencyMs ?? 99_999, atMs });
  }
  return learned;
}

/** As a database stores JSON. */
function stored(rows: readonly LearnedRow[]): LearnedRow[] {
  return rows.map((row) => ({ ...row, state: JSON.parse(JSON.stringify(row.state)) }));
}

describe("statistics of service", () => {
  test("know nothing of what was never seen", () => {
    expect(serviceAt(new Map(), "gpt", 0)).toEqual({
      firstTokenMs: null,
      failureShare: null,
      seenAtMs: null,
    });
  });

  test("weigh an outcome by half after five minutes", () => {
    const learned = learnedFrom([
      [0, 100],
      [0, 100],
      [HALF_MS, 400],
      [HALF_MS, null],
    ]);
    expect(serviceAt(learned, "gpt", HALF_MS)).toEqual({
      firstTokenMs: 250,
      failureShare: 1 / 3,
      seenAtMs: HALF_MS,
    });
  });

  test("think less and less badly of who failed long ago, and then know nothing", () => {
    const learned = learnedFrom([
      [0, null],
      [0, null],
    ]);
    const shares = [0, 1, 2, 3, 5, 6].map(
      (halves) => serviceAt(learned, "gpt", halves * HALF_MS).failureShare,
    );
    expect(shares).toEqual([1, 1, 0.5, 0.25, 0.0625, null]);
  });

  test("are soon moved by what comes after a long burst", () => {
    const learned = learnedFrom(Array.from({ length: 100_000 }, () => [0, 100] as const));
    for (let each = 0; each < 1_000; each += 1) {
      observeService(learned, "gpt", { isOk: false, latencyMs: 0, atMs: 1 });
    }
    expect(serviceAt(learned, "gpt", 1).failureShare).toBeGreaterThan(0.6);
    for (let each = 0; each < 60; each += 1) {
      observeService(learned, "gpt", { isOk: true, latencyMs: 900, atMs: 2 });
    }
    expect(serviceAt(learned, "gpt", 2).firstTokenMs).toBeGreaterThan(850);
  });

  test("stay between the least and the greatest time, and a share from 0 to 1", () => {
    const outcome = fc.tuple(fc.nat(2_000_000), fc.option(fc.nat(60_000)));
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 300 }), fc.nat(9e6), (raw, at) => {
        const learned = learnedFrom(raw);
        const { firstTokenMs, failureShare } = serviceAt(learned, "gpt", at);
        const times = raw.flatMap(([, latencyMs]) => latencyMs ?? []);
        if (firstTokenMs !== null) {
          expect(firstTokenMs).toBeGreaterThanOrEqual(Math.min(...times) - 1e-6);
          expect(firstTokenMs).toBeLessThanOrEqual(Math.max(...times) + 1e-6);
        }
        expect(failureShare ?? 0).toBeGreaterThanOrEqual(0);
        expect(failureShare ?? 0).toBeLessThanOrEqual(1);
        const [row] = takeChangedServices(learned, "prv_1");
        const back = restoreServices(stored(row === undefined ? [] : [row]));
        expect(back.ignored).toEqual([]);
        expect(serviceAt(back.learned, "gpt", at)).toEqual(serviceAt(learned, "gpt", at));
      }),
    );
  });

  test("are given for saving once, and again only after they have changed", () => {
    const learned = learnedFrom([[7, 100]]);
    const state = { firstTokenMs: 100, timesWeight: 1, ok: 1, bad: 0, atMs: 7 };
    expect(takeChangedServices(learned, "prv_1")).toEqual([
      { ownerId: "prv_1", model: "gpt", state },
    ]);
    expect(takeChangedServices(learned, "prv_1")).toEqual([]);
  });

  test("are kept of a bounded number of families; the one seen longest ago makes room", () => {
    const learned: LearnedServices = new Map();
    for (let number = 0; number < 100; number += 1) {
      observeService(learned, `m${number}`, { isOk: true, latencyMs: 1, atMs: number });
    }
    expect([learned.size, learned.has("m34"), learned.has("m35")]).toEqual([65, false, true]);
  });

  const good = { firstTokenMs: 100, timesWeight: 1, ok: 1, bad: 0, atMs: 7 };
  test.each([
    [null, "a member is not a number from 0"],
    [{ ...good, ok: undefined }, "a member is not a number from 0"],
    [{ ...good, ok: -1 }, "a member is not a number from 0"],
    [{ ...good, firstTokenMs: "100" }, "a member is not a number from 0"],
    [{ ...good, timesWeight: 21 }, "it weighs more than is ever kept"],
    [{ ...good, bad: 1e6 }, "it weighs more than is ever kept"],
  ])("are left out with a reason where the state is %j", (state, why) => {
    const { learned, ignored } = restoreServices([{ ownerId: "prv_1", model: "gpt", state }]);
    expect([learned.size, ignored]).toEqual([0, [`"prv_1", "gpt": ${why}`]]);
  });
});

/** Guarantee: a provider that has recovered gets its traffic back in exact shares. */
import { describe, expect, test } from "bun:test";
import {
  countStart,
  createSlowStart,
  passesStart,
  startPercent,
} from "../../actors/policy/slow-start.ts";

describe("a slow start", () => {
  test("lets a tenth, a quarter and a half pass for ten seconds each, then all", () => {
    const slow = createSlowStart(1_000);
    const passed = [0, 0, 0, 0];
    for (let atMs = 1_000; atMs < 41_000; atMs += 10) {
      const passes = passesStart(slow, atMs);
      countStart(slow, passes, atMs);
      const step = Math.floor((atMs - 1_000) / 10_000);
      if (passes) passed[step] = (passed[step] ?? 0) + 1;
    }
    expect(passed).toEqual([100, 250, 500, 1_000]);
  });

  test("begins each step with one that passes, so that few requests are not starved", () => {
    const slow = createSlowStart(0);
    const answers = [0, 1, 2, 10_000, 10_001, 20_000, 20_001, 20_002].map((atMs) => {
      const passes = passesStart(slow, atMs);
      countStart(slow, passes, atMs);
      return passes;
    });
    expect(answers).toEqual([true, false, false, true, false, true, false, true]);
  });

  test("counts what passes it all the same", () => {
    const slow = createSlowStart(0);
    for (let each = 0; each < 5; each += 1) countStart(slow, true, 0);
    for (let each = 0; each < 45; each += 1) {
      expect(passesStart(slow, 0)).toBe(false);
      countStart(slow, false, 0);
    }
    expect(passesStart(slow, 0)).toBe(true);
  });

  test("is over when the clock stepped back behind it", () => {
    const slow = createSlowStart(50_000);
    expect([startPercent(slow, 49_999), passesStart(slow, 49_999)]).toEqual([100, true]);
  });
});

/** The verdict is that of the numbers: reached, missed, or unknown where nothing was measured. */
import { describe, expect, test } from "bun:test";
import { judgeGoals } from "../../bench/goals.ts";
import type { Measurements } from "../../bench/measurements.ts";
import { measurements } from "./measured.ts";

function verdicts(change: Partial<Measurements> = {}) {
  return judgeGoals(measurements(change)).map((goal) => [goal.name, goal.measured, goal.reached]);
}

const names = [
  "added p99 at one client",
  "CPU per plain exchange",
  "CPU per stream frame",
  "1,000 streams at once",
  "memory at rest",
];

/** The crowd's frames: what the direct way and Tollgate lost and merged. */
function crowd(direct: readonly [number, number], tollgate: readonly [number, number]) {
  const { crowd: whole } = measurements();
  const changed = whole.map((entry) => {
    const [framesLost, framesMerged] = entry.subject === "tollgate" ? tollgate : direct;
    return Object.assign(entry, { framesLost, framesMerged });
  });
  return verdicts({ crowd: changed })[3];
}

describe("the goals", () => {
  test("are judged one by one", () => {
    expect(verdicts()).toEqual([
      [names[0], "1.00 ms", true],
      [names[1], "2.50 × (300 µs to 120 µs)", true],
      [names[2], "2.50 × (25.0 µs to 10.0 µs)", false],
      [names[3], "0 lost, 0 merged", true],
      [names[4], "100 MB", true],
    ]);
  });

  test("are neither reached nor missed where nothing was measured", () => {
    const nothing = { memory: [], plain: [], cpu: [], rate: [], streams: [], crowd: [], idle: [] };
    expect(verdicts(nothing).map(([, , reached]) => reached)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("hold one merged frame against Tollgate, unless the machine merges as many without it", () => {
    expect(crowd([0, 0], [0, 1])).toEqual([names[3], "0 lost, 1 merged", false]);
    expect(crowd([0, 0], [1, 0])).toEqual([names[3], "1 lost, 0 merged", false]);
    expect(crowd([0, 9], [0, 0])).toEqual([names[3], "0 lost, 0 merged", true]);
    expect(crowd([0, 9], [0, 9])).toEqual([
      names[3],
      "0 lost, 9 merged; 9 merged directly",
      undefined,
    ]);
    expect(crowd([0, 9], [0, 10])?.[2]).toBe(false);
    expect(crowd([0, 9], [2, 3])?.[2]).toBe(false);
  });
});

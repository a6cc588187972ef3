/**
 * `bench overload`: what it makes of what it saw, that its options are read whole, and a small run
 * with a provider that really has too few slots.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { overloadGoals } from "../../bench/overload/goals.ts";
import { judgeOverload, type OverloadSeen } from "../../bench/overload/judge.ts";
import { parseOverloadOptions } from "../../bench/overload/options.ts";
import { overloadSheet } from "../../bench/overload/plot.ts";
import { overloadReport, type OverloadResults } from "../../bench/overload/report.ts";
import { sheetSvg } from "../../bench/plot-sheet.ts";
import { runBench } from "./command.ts";
import { exchanges, machine } from "./exchanges.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "tollgate-test-"))));
afterAll(() => rm(folder, { recursive: true }));

const REFUSED = "503 provider_unavailable";
const bounds = { slots: 10, answerMs: 100, waitingMax: 20, waitMs: 500 };

/**
 * A request a millisecond for 8 seconds; from 2 s to 6 s the load is threefold and 2 of 3 refused: the
 * rest of the time nothing is offered but every third.
 */
function seen(change: Partial<OverloadSeen> = {}): OverloadSeen {
  const all = exchanges(8_000, 1, (plannedMs) =>
    isOver(plannedMs) && plannedMs % 3 !== 0
      ? { label: REFUSED, tookMs: 1 }
      : { tookMs: isOver(plannedMs) ? 400 : 100 },
  );
  const kept = all.exchanges.filter(({ plannedMs }) => isOver(plannedMs) || plannedMs % 3 === 0);
  return {
    bottleneck: "provider",
    bounds,
    capacityPerSecond: 1_000 / 3,
    times: 3,
    spans: { normalMs: 2_000, overloadMs: 4_000, recoveryMs: 2_000 },
    log: { ...all, exchanges: kept },
    samples: [0, 1_000, 1_900, 3_000, 5_000, 7_900].map((sinceMs) => ({
      atMs: all.startedAtMs + sinceMs,
      gateway: { cpuMs: sinceMs / 2, residentBytes: sinceMs === 3_000 ? 300e6 : 200e6 },
      generator: { cpuMs: sinceMs / 10, residentBytes: 50e6 },
      upstream: undefined,
    })),
    isPinned: false,
    ...change,
  };
}

function isOver(plannedMs: number): boolean {
  return plannedMs >= 2_000 && plannedMs < 6_000;
}

const reachedOf = (one: OverloadSeen) =>
  Object.fromEntries(
    overloadGoals([judgeOverload(one)]).map(({ name, reached }) => [
      name.replace(/^\S+ /, ""),
      reached,
    ]),
  );

const wanted = [
  "offered meanwhile",
  "requests that the generator sent late",
  "goodput at 3 × capacity",
  "p99 of the served meanwhile",
  "others than 429 and 503 with retry-after",
  "memory above what it was before",
  "well again",
  "goodput after it",
];

function complaint(...args: readonly string[]): string {
  const reading = parseOverloadOptions(args);
  return reading.kind === "misuse" ? reading.complaint : reading.kind;
}

describe("bench overload", () => {
  test("compares what was served in each step with the most that can be", () => {
    const judged = judgeOverload(seen());
    expect(
      judged.steps.map(({ name, offered, refused, failed, lateSends }) => [
        name,
        offered,
        refused,
        failed,
        lateSends,
      ]),
    ).toEqual([
      ["before", 667, 0, 0, 0],
      ["overload", 4_000, 2_667, 0, 0],
      ["after", 667, 0, 0, 0],
    ]);
    for (const { goodputPerSecond } of judged.steps) expect(goodputPerSecond).toBeCloseTo(334, -1);
    expect(judged.steps[1]).toMatchObject({ gatewayCores: 0.5, generatorCores: 0.1 });
    expect(judged.memory).toEqual({ beforeBytes: 200e6, maxBytes: 300e6, endBytes: 200e6 });
    expect(judged.recoveredAfterMs).toBe(0);
    expect(reachedOf(seen())).toEqual(Object.fromEntries(wanted.map((name) => [name, true])));
  });

  test("misses the goals of a gateway that collapses and does not recover", () => {
    const { log } = seen();
    const broken = log.exchanges.map((exchange) =>
      exchange.plannedMs >= 2_000 && exchange.plannedMs % 30 !== 0
        ? { ...exchange, label: "no answer: too late", endedMs: 16_000 }
        : { ...exchange, endedMs: exchange.plannedMs + (exchange.plannedMs < 2_000 ? 100 : 900) },
    );
    const samples = seen().samples.map((sample) => ({
      ...sample,
      gateway: sample.gateway && {
        ...sample.gateway,
        residentBytes: sample.atMs > log.startedAtMs + 2_000 ? 900e6 : 200e6,
      },
    }));
    const result = reachedOf(seen({ log: { ...log, exchanges: broken }, samples }));
    expect(result).toEqual({
      ...Object.fromEntries(wanted.map((name) => [name, false])),
      "offered meanwhile": true,
      "requests that the generator sent late": true,
    });
  });

  test("does not call it an overload when the capacity was found too low, or it was sent late", () => {
    const { log } = seen();
    const allServed = log.exchanges.map((exchange) => ({
      ...exchange,
      sentMs: exchange.plannedMs + 80,
      endedMs: exchange.plannedMs + 100,
      label: "200",
    }));
    expect(reachedOf(seen({ log: { ...log, exchanges: allServed } }))).toMatchObject({
      "offered meanwhile": false,
      "requests that the generator sent late": false,
    });
  });

  test("lets the gateway alone take a second, and says so where memory is unknown", () => {
    const gateway = reachedOf(seen({ bottleneck: "gateway", bounds: undefined, samples: [] }));
    expect(gateway["p99 of the served meanwhile"]).toBe(true);
    expect(gateway["memory above what it was before"]).toBeUndefined();
  });

  test("reports goals, steps and how requests ended, and draws them", () => {
    const bottlenecks = [judgeOverload(seen())];
    const results: OverloadResults = {
      kind: "overload",
      startedAt: "2026-11-28T12:00:00.000Z",
      durationMs: 40_000,
      machine,
      bottlenecks,
      goals: overloadGoals(bottlenecks),
    };
    const report = overloadReport(results);
    expect(report).toContain(
      "\nprovider: 10 slots of 100 ms, 20 may wait for 500 ms, capacity 333/s\n",
    );
    expect(report).toMatch(/provider, overload +4 s +1,000\/s +33\d\/s/);
    expect(report).toContain(`\nprovider, overload: 2,667 × ${REFUSED}\n`);
    expect(report).toEndWith("\nNo goal was missed.\n");
    const svg = sheetSvg(overloadSheet(results));
    for (const words of ["3 × capacity", "1 × again", "90 % of the peak", "resident memory"]) {
      expect(svg).toContain(words);
    }
  });

  test("refuses what it does not understand", async () => {
    expect(complaint("--bottleneck", "disk")).toBe(
      "--bottleneck must be provider or gateway, or both",
    );
    expect(complaint("--times", "0.5")).toBe("--times must be a number from 1 to 20");
    expect(complaint("--plot", "a.png")).toBe("--plot must name a file that ends in .svg or .html");
    expect(complaint("-h")).toBe("help");
    const help = await runBench(["overload", "--help"]);
    expect([help.code, help.err, help.out.includes("--slots N")]).toEqual([0, "", true]);
  });

  test("overloads a real provider with too few slots and refuses the rest as it should", async () => {
    const [json, plot] = [join(folder, "overload.json"), join(folder, "overload.svg")];
    const slots = ["--slots", "2", "--answer", "50", "--waiting", "2", "--wait", "100"];
    const spans = ["--capacity", "1", "--normal", "0.5", "--overload", "2", "--recovery", "0.5"];
    const files = ["--json", json, "--plot", plot];
    const args = ["overload", "--bottleneck", "provider", ...slots, ...spans, ...files];
    const { out, err } = await runBench(args);
    // How much is served depends on the machine and is no failure here.
    expect(err).not.toContain("bench failed");
    expect(out).toContain("\nprovider: 2 slots of 50.0 ms, 2 may wait for 100 ms, capacity ");
    const { bottlenecks, kind } = await Bun.file(json).json();
    expect([kind, bottlenecks.length]).toEqual(["overload", 1]);
    const [before, over, after] = bottlenecks[0].steps;
    expect([before.name, over.name, after.name]).toEqual(["before", "overload", "after"]);
    expect(over.offered).toBeGreaterThan(before.offered);
    expect(over.refused).toBeGreaterThan(0);
    expect([before.failed, over.failed, after.failed]).toEqual([0, 0, 0]);
    const ended = over.ends.reduce((sum: number, { count }: { count: number }) => sum + count, 0);
    expect(ended).toBe(over.offered);
    expect(bottlenecks[0].memory.max_bytes).toBeGreaterThan(0);
    expect(await Bun.file(plot).text()).toStartWith("<svg");
  });
});

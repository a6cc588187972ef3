/**
 * `bench failover`: what it makes of what it saw, that its options are read whole, and a small run
 * with a provider that really fails.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failoverGoals } from "../../bench/failover/goals.ts";
import { judgeWay, type WaySeen } from "../../bench/failover/judge.ts";
import { parseFailoverOptions } from "../../bench/failover/options.ts";
import { failoverSheet } from "../../bench/failover/plot.ts";
import { failoverReport, type FailoverResults } from "../../bench/failover/report.ts";
import { sheetSvg } from "../../bench/plot-sheet.ts";
import { runBench } from "./command.ts";
import { exchanges, machine } from "./exchanges.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "tollgate-test-"))));
afterAll(() => rm(folder, { recursive: true }));

const START = 1_000_000;
const at = (sinceMs: number) => START + sinceMs;

/** Ten a second: a second healthy, fails, is left alone after 500 ms, heals at 3 s, back at 4 s. */
function seen(change: Partial<WaySeen> = {}): WaySeen {
  const all = Array.from({ length: 60 }, (_, index) => index * 100);
  const toFirst = all.filter((ms) => ms < 1_500 || ms >= 4_000);
  const toSecond = all.filter((ms) => ms >= 1_000 && ms < 4_000);
  return {
    way: "503",
    log: exchanges(60, 100, (plannedMs) => ({
      tookMs: plannedMs >= 1_000 && plannedMs < 1_500 ? 60 : 10,
    })),
    arrivals: [
      toFirst.map((ms) => ({ atMs: at(ms), isAnswered: ms < 1_000 || ms >= 3_000 })),
      toSecond.map((ms) => ({ atMs: at(ms), isAnswered: true })),
    ],
    failedAtMs: at(1_000),
    leftAloneAtMs: at(1_500),
    healedAtMs: at(3_000),
    endedAtMs: at(6_000),
    ...change,
  };
}

const reachedOf = (ways: readonly WaySeen[], isAlone = false) =>
  Object.fromEntries(
    failoverGoals(
      ways.map((way) => judgeWay(way)),
      isAlone,
    ).map(({ name, reached }) => [name.replace(/^\S+ /, ""), reached]),
  );

function complaint(...args: readonly string[]): string {
  const reading = parseFailoverOptions(args);
  return reading.kind === "misuse" ? reading.complaint : reading.kind;
}

/** A lone provider, which everybody is refused because of while it fails. */
function alone(label: string, tookMs: number) {
  const log = exchanges(60, 100, (plannedMs) =>
    plannedMs >= 1_000 && plannedMs < 4_000 ? { label, tookMs } : {},
  );
  return reachedOf([seen({ log })], true);
}

describe("bench failover", () => {
  test("counts load on the failing provider, probes and the way back", () => {
    const judged = judgeWay(seen());
    expect(judged).toMatchObject({
      leftAloneAfterMs: 500,
      stormArrivals: 5,
      stormOffered: 5,
      busiest: { arrivals: 10, offered: 10 },
      probes: 0,
      backAfterMs: 1_000,
      halfBackAfterMs: 1_000,
    });
    expect(
      judged.phases.map(({ name, offered, succeeded, attemptsPerRequest }) => [
        name,
        offered,
        succeeded,
        attemptsPerRequest,
      ]),
    ).toEqual([
      ["healthy", 8, 8, 1],
      ["failing", 5, 5, 2],
      ["left alone", 15, 15, 1],
      ["healed", 30, 30, 1],
    ]);
    expect(judged.phases[1]?.added.p50Ms).toBeCloseTo(50, 0);
    expect(judged.timeline[5]).toEqual({
      atMs: 1_375,
      successShare: 1,
      p99Ms: expect.closeTo(60, 0),
      arrivalsPerSecond: [8, 8],
    });
    expect(Object.values(reachedOf([seen()]))).toEqual(Array.from({ length: 7 }, () => true));
  });

  test("misses the goals of a storm, of too many probes and of failed requests", () => {
    const storm = Array.from({ length: 60 }, (_, index) => ({
      atMs: at(1_000 + index * 20),
      isAnswered: false,
    }));
    const log = exchanges(60, 100, (plannedMs) =>
      plannedMs === 2_000 ? { label: "502 upstream_error" } : {},
    );
    expect(reachedOf([seen({ arrivals: [storm, []], log })])).toEqual({
      "left alone": true,
      "load on it, busiest second": false,
      "requests to it after": false,
      "failed requests after it was left alone": false,
      "p50 added after it was left alone": true,
      "traffic back after healing": false,
      "failed requests after it healed": true,
    });
    const never = reachedOf([seen({ leftAloneAtMs: undefined })]);
    expect([never["left alone"], never["requests to it after"]]).toEqual([false, undefined]);
  });

  test("does not count what knocks at a closed port", () => {
    const refused = reachedOf([seen({ way: "refused" })]);
    expect(refused["load on it, busiest second"]).toBeUndefined();
    expect(refused["requests to it after"]).toBeUndefined();
  });

  test("wants of a lone provider that requests are refused at once and told when to come", () => {
    expect(alone("503 provider_unavailable", 5)).toMatchObject({
      "refused at once, p99": true,
      "refusals without retry-after": true,
    });
    expect(alone("503 provider_unavailable without retry-after", 2_000)).toMatchObject({
      "refused at once, p99": false,
      "refusals without retry-after": false,
    });
  });

  test("reports goals, phases and failures, and draws them", () => {
    const log = exchanges(60, 100, (plannedMs) =>
      plannedMs === 1_200 ? { label: "502 upstream_error" } : {},
    );
    const ways = [judgeWay(seen({ log })), judgeWay(seen({ way: "hang" }))];
    const results: FailoverResults = {
      kind: "failover",
      startedAt: "2026-11-28T12:00:00.000Z",
      durationMs: 14_000,
      machine,
      providers: 2,
      ratePerSecond: 10,
      stream: false,
      firstByteMs: 1_000,
      ways,
      goals: failoverGoals(ways, false),
    };
    const report = failoverReport(results);
    expect(report).toStartWith(
      "Tollgate bench failover: 2 providers, 10/s plain requests, open loop, took 14 s\n",
    );
    expect(report).toMatch(
      /reached +503: load on it, busiest second +≤ 1.1 × offered +1.00 × \(10 of 10/,
    );
    expect(report).toContain("\n503, failing: 1 × 502 upstream_error\n");
    expect(report).toEndWith("\nNo goal was missed.\n");
    const svg = sheetSvg(failoverSheet(results));
    for (const words of ["✓ reached: hang: left alone", "the one that fails", "heals", "Success"]) {
      expect(svg).toContain(words);
    }
  });

  test("refuses what it does not understand", async () => {
    expect(complaint("--fail", "503,fire")).toBe(
      "--fail must name 503, hang, refused, 429, joined by commas",
    );
    expect(complaint("--alone", "--providers", "2")).toBe(
      "--alone and --providers exclude each other",
    );
    expect(complaint("--providers", "1")).toBe("--providers must be a number from 2 to 3");
    expect(complaint("--help")).toBe("help");
    expect(complaint()).toBe("options");
    const stray = await runBench(["failover", "--fial", "503"]);
    expect([stray.code, stray.out]).toEqual([2, ""]);
    expect(stray.err).toContain("--fail");
  });

  test("lets a real provider fail and heal, and loses no request after it was left alone", async () => {
    const [json, plot] = [join(folder, "failover.json"), join(folder, "failover.svg")];
    const size = ["--fail", "503,refused", "--rate", "40", "--healthy", "0.5", "--failing", "2"];
    const files = ["--healed", "0.5", "--json", json, "--plot", plot];
    const { out, err } = await runBench(["failover", ...size, ...files]);
    // How fast it is depends on the machine and is no failure here.
    expect(err).not.toContain("bench failed");
    expect(out).toContain("Tollgate bench failover: 2 providers, 40/s plain requests");
    const { ways, kind } = await Bun.file(json).json();
    expect([kind, ways.length]).toEqual(["failover", 2]);
    for (const way of ways) {
      expect(way.left_alone_after_ms).toBeGreaterThan(0);
      const [healthy, failing, leftAlone] = way.phases;
      expect([healthy.succeeded, healthy.offered > 0]).toEqual([healthy.offered, true]);
      expect([leftAlone.succeeded, leftAlone.offered > 0]).toEqual([leftAlone.offered, true]);
      expect(failing.offered).toBe(way.storm_offered);
    }
    const [answering, gone] = ways;
    expect(answering.storm_arrivals).toBeGreaterThan(0);
    expect([gone.storm_arrivals, gone.probes]).toEqual([null, null]);
    expect(await Bun.file(plot).text()).toStartWith("<svg");
  });
});

/**
 * `bench slow-peers`: what it makes of what it saw, that its options are read whole, that its peers
 * really are slow, and a small run.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep, systemClock } from "../../src/base/clock.ts";
import { sheetSvg } from "../../bench/plot-sheet.ts";
import { Crowd } from "../../bench/slow-peers/crowd.ts";
import { slowPeersGoals } from "../../bench/slow-peers/goals.ts";
import { type BlockSeen, judgeKind } from "../../bench/slow-peers/judge.ts";
import { requireOpenFiles } from "../../bench/slow-peers/open-files.ts";
import { parseSlowPeersOptions } from "../../bench/slow-peers/options.ts";
import { slowPeersSheet } from "../../bench/slow-peers/plot.ts";
import { slowPeersReport, type SlowPeersResults } from "../../bench/slow-peers/report.ts";
import { runBench } from "./command.ts";
import { exchanges, machine } from "./exchanges.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "tollgate-test-"))));
afterAll(() => rm(folder, { recursive: true }));

function block(isBeside: boolean, tookMs: number, change: Partial<BlockSeen> = {}): BlockSeen {
  const { exchanges: plain } = exchanges(100, 10, () => ({ tookMs }));
  const { exchanges: streams } = exchanges(50, 20, (plannedMs) => ({
    firstFrameMs: plannedMs + tookMs,
    tookMs: 200,
  }));
  return {
    kind: "readers",
    round: 0,
    isBeside,
    plain,
    streams,
    residentBytes: isBeside ? 300e6 : 200e6,
    openFiles: isBeside ? 4_050 : 50,
    crowd: isBeside
      ? { connected: 2_000, ended: 0, statuses: { "200": 2_000 }, bytesRead: 1, bytesSent: 1 }
      : undefined,
    ...change,
  };
}

const reachedOf = (blocks: readonly BlockSeen[]) =>
  slowPeersGoals([judgeKind("readers", 2_000, blocks)]).map(({ reached }) => reached);

function complaint(...args: readonly string[]): string {
  const reading = parseSlowPeersOptions(args);
  return reading.kind === "misuse" ? reading.complaint : reading.kind;
}

describe("bench slow-peers", () => {
  test("compares blocks beside slow peers with blocks alone", () => {
    const blocks = [block(false, 10), block(true, 11), block(false, 10), block(true, 12)];
    const judged = judgeKind("readers", 2_000, blocks);
    expect(judged.plain).toMatchObject({
      alone: { count: 200 },
      beside: { count: 200 },
      p99Ratio: expect.closeTo(1.2, 2),
      p99RatioByRound: [expect.closeTo(1.1, 2), expect.closeTo(1.2, 2)],
      aloneSpread: 1,
    });
    // A stream counts until its first frame, not until its end.
    expect(judged.streams.alone.p99Ms).toBeCloseTo(10, 0);
    expect(judged).toMatchObject({
      peersHeld: 2_000,
      statuses: { "200": 4_000 },
      failures: [],
      besideBytes: 300e6,
      besideFiles: 4_050,
    });
  });

  test("misses the goals when others are slower, fail, or the slow ones were sent away", () => {
    expect(reachedOf([block(false, 10), block(true, 11)])).toEqual([true, true, true, true]);
    expect(reachedOf([block(false, 10), block(true, 13)])).toEqual([true, false, false, true]);
    const refused = { connected: 2_000, ended: 0, bytesRead: 1, bytesSent: 1 };
    const crowd = { ...refused, statuses: { "200": 100, "503": 1_900 } };
    const { exchanges: plain } = exchanges(100, 10, () => ({ label: "503 gateway_overloaded" }));
    expect(reachedOf([block(false, 10), block(true, 10, { crowd, plain })])).toEqual([
      false,
      undefined,
      true,
      false,
    ]);
    const answered = judgeKind("senders", 2_000, [block(true, 10, { kind: "senders", crowd })]);
    expect(answered.peersHeld).toBe(0);
  });

  test("reports goals, latencies and cost, and draws them", () => {
    const kinds = [judgeKind("readers", 2_000, [block(false, 10), block(true, 11)])];
    const results: SlowPeersResults = {
      kind: "slow_peers",
      startedAt: "2026-11-28T12:00:00.000Z",
      durationMs: 80_000,
      machine,
      peers: 2_000,
      plainPerSecond: 200,
      streamsPerSecond: 40,
      rounds: 1,
      blockMs: 3_500,
      kinds,
      goals: slowPeersGoals(kinds),
    };
    const report = slowPeersReport(results);
    expect(report).toStartWith("Tollgate bench slow-peers: 2,000 slow peers beside 200/s plain");
    expect(report).toMatch(/slow readers, plain +100 \+ 100 +10\.0 ms +11\.0 ms +1\.10 ×/);
    expect(report).toContain("2,000 × 200");
    expect(report).toEndWith("\nNo goal was missed.\n");
    const svg = sheetSvg(slowPeersSheet(results));
    for (const words of ["1.2 × alone", "Plain requests", "resident memory"]) {
      expect(svg).toContain(words);
    }
  });

  test("says what limit is too low, and refuses what it does not understand", () => {
    expect(() => requireOpenFiles(2_000, 4_500)).not.toThrow();
    expect(() => requireOpenFiles(2_000, 1_024)).toThrow(
      "2000 slow peers need 4500 open files in one process and the limit is 1024: " +
        "run `ulimit -n 4500` first, or ask for fewer with --peers",
    );
    expect(complaint("--kinds", "eaters")).toBe("--kinds must be readers or senders, or both");
    expect(complaint("--peers", "0")).toBe("--peers must be a number from 1 to 20000");
    expect(complaint("--help")).toBe("help");
  });

  test("brings peers that take a kilobyte at a time and leave the rest", async () => {
    if (process.platform !== "linux") return;
    const body = "x".repeat(1_000_000);
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(body),
    });
    const { port = 0 } = server;
    const request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    const place = { host: "127.0.0.1", port, rampMs: 0, requests: [request] };
    const crowd = new Crowd({ kind: "readers", peers: 3, ...place });
    try {
      await crowd.come(systemClock);
      const endsAtMs = systemClock.monotonicMs() + 20_000;
      while (crowd.counts().bytesRead < 3 * 1_024) {
        expect(systemClock.monotonicMs()).toBeLessThan(endsAtMs);
        await sleep(systemClock, 20);
      }
      const { connected, statuses, bytesRead, bytesSent } = crowd.counts();
      expect([connected, statuses, bytesSent]).toEqual([3, { "200": 3 }, 3 * request.length]);
      expect(bytesRead).toBeLessThan(100_000);
    } finally {
      crowd.leave();
      await server.stop(true);
    }
  });

  test("holds slow peers of both kinds at a real Tollgate while others are served", async () => {
    if (process.platform !== "linux") return;
    const [json, plot] = [join(folder, "slow.json"), join(folder, "slow.svg")];
    const size = ["--peers", "20", "--rounds", "1", "--block", "0.5", "--rate", "20"];
    const rest = ["--stream-rate", "10", "--json", json, "--plot", plot];
    const { out, err } = await runBench(["slow-peers", ...size, ...rest]);
    // How fast it is depends on the machine and is no failure here.
    expect(err).not.toContain("bench failed");
    expect(out).toContain("Tollgate bench slow-peers: 20 slow peers beside 20/s plain");
    const { kinds } = await Bun.file(json).json();
    const [readers, senders] = kinds;
    expect([readers.kind, readers.peers_held, readers.statuses]).toEqual([
      "readers",
      20,
      { "200": 20 },
    ]);
    expect([senders.kind, senders.peers_held, senders.statuses]).toEqual(["senders", 20, {}]);
    for (const { plain, failures } of kinds) {
      expect(failures).toEqual([]);
      expect(plain.alone.count).toBeGreaterThan(0);
      expect(plain.beside.count).toBeGreaterThan(0);
    }
    expect(await Bun.file(plot).text()).toStartWith("<svg");
  });
});

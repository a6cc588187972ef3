/** `bench slow-peers`: brings slow peers and lets them go, in turn, reports, cleans up. */
import { formatTime, systemClock } from "../../src/base/clock.ts";
import { describeMachine } from "../machine.ts";
import { type BenchIo, Progress } from "../terminal.ts";
import type { Workload } from "../workload.ts";
import { slowPeersGoals } from "./goals.ts";
import { judgeKind } from "./judge.ts";
import { measureSlowPeers } from "./measure.ts";
import { requireOpenFiles } from "./open-files.ts";
import { parseSlowPeersOptions, SLOW_PEERS_USAGE, type SlowPeersOptions } from "./options.ts";
import { slowPeersSheet } from "./plot.ts";
import { slowPeersReport, type SlowPeersResults } from "./report.ts";

export const slowPeers: Workload<SlowPeersOptions, SlowPeersResults> = {
  name: "slow-peers",
  usage: SLOW_PEERS_USAGE,
  read: parseSlowPeersOptions,
  measure,
  report: slowPeersReport,
  sheet: slowPeersSheet,
};

/** Estimates for the progress line alone. */
const startMs = 3_000;
const changeMs = 3_500;

async function measure(
  options: SlowPeersOptions,
  io: BenchIo,
  signal: AbortSignal,
): Promise<SlowPeersResults> {
  const clock = systemClock;
  const { kinds, peers, plainPerSecond, streamsPerSecond, rounds, blockMs } = options;
  requireOpenFiles(peers);
  const startedAt = formatTime(clock.nowMs());
  const startedAtMs = clock.monotonicMs();
  await using stack = new AsyncDisposableStack();
  const progress = new Progress(io, clock, 1);
  stack.defer(() => progress.end());
  progress.begin("measuring", startMs + rounds * kinds.length * 2 * (blockMs + changeMs));
  const context = { stack, clock, signal, note: progress.note };
  const blocks = await measureSlowPeers(options, context);
  const judged = kinds.map((kind) => judgeKind(kind, peers, blocks));
  return {
    kind: "slow_peers",
    startedAt,
    durationMs: clock.monotonicMs() - startedAtMs,
    machine: describeMachine(),
    peers,
    plainPerSecond,
    streamsPerSecond,
    rounds,
    blockMs,
    kinds: judged,
    goals: slowPeersGoals(judged),
  };
}

/** `bench failover`: starts everything, lets the provider fail in each way, reports, cleans up. */
import { formatTime, systemClock } from "../../src/base/clock.ts";
import { describeMachine } from "../machine.ts";
import { startStand } from "../stand.ts";
import { type BenchIo, Progress } from "../terminal.ts";
import type { Workload } from "../workload.ts";
import { failoverGoals } from "./goals.ts";
import { measureFailover } from "./measure.ts";
import { FAILOVER_USAGE, type FailoverOptions, parseFailoverOptions } from "./options.ts";
import { failoverSheet } from "./plot.ts";
import { failoverReport, type FailoverResults } from "./report.ts";

export const failover: Workload<FailoverOptions, FailoverResults> = {
  name: "failover",
  usage: FAILOVER_USAGE,
  read: parseFailoverOptions,
  measure,
  report: failoverReport,
  sheet: failoverSheet,
};

const startMs = 1_500;

async function measure(
  options: FailoverOptions,
  io: BenchIo,
  signal: AbortSignal,
): Promise<FailoverResults> {
  const clock = systemClock;
  const startedAt = formatTime(clock.nowMs());
  const startedAtMs = clock.monotonicMs();
  await using stack = new AsyncDisposableStack();
  const progress = new Progress(io, clock, 2);
  stack.defer(() => progress.end());
  progress.begin("starting", startMs);
  const stand = await startStand(stack, signal);
  const { healthyMs, failingMs, healedMs, providers, ratePerSecond, stream, firstByteMs } = options;
  progress.begin("failing", options.ways.length * (healthyMs + failingMs + healedMs));
  const ways = await measureFailover(options, { stand, clock, signal, note: progress.note });
  return {
    kind: "failover",
    startedAt,
    durationMs: clock.monotonicMs() - startedAtMs,
    machine: describeMachine(),
    providers,
    ratePerSecond,
    stream,
    firstByteMs,
    ways,
    goals: failoverGoals(ways, providers === 1),
  };
}

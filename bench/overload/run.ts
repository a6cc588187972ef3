/** `bench overload`: overloads one bottleneck after the other, reports, cleans up. */
import { formatTime, systemClock } from "../../src/base/clock.ts";
import { describeMachine } from "../machine.ts";
import { type BenchIo, Progress } from "../terminal.ts";
import type { Workload } from "../workload.ts";
import { overloadGoals } from "./goals.ts";
import type { OverloadJudged } from "./judge.ts";
import { measureBottleneck } from "./measure.ts";
import { OVERLOAD_USAGE, type OverloadOptions, parseOverloadOptions } from "./options.ts";
import { overloadSheet } from "./plot.ts";
import { overloadReport, type OverloadResults } from "./report.ts";

export const overload: Workload<OverloadOptions, OverloadResults> = {
  name: "overload",
  usage: OVERLOAD_USAGE,
  read: parseOverloadOptions,
  measure,
  report: overloadReport,
  sheet: overloadSheet,
};

/** An estimate for the progress line alone. */
const startMs = 2_000;

async function measure(
  options: OverloadOptions,
  io: BenchIo,
  signal: AbortSignal,
): Promise<OverloadResults> {
  const clock = systemClock;
  const startedAt = formatTime(clock.nowMs());
  const startedAtMs = clock.monotonicMs();
  await using stack = new AsyncDisposableStack();
  const progress = new Progress(io, clock, options.bottlenecks.length);
  stack.defer(() => progress.end());
  const { capacityMs, normalMs, overloadMs, recoveryMs } = options;
  const bottlenecks: OverloadJudged[] = [];
  for (const bottleneck of options.bottlenecks) {
    const expectedMs = startMs + capacityMs + normalMs + overloadMs + recoveryMs;
    progress.begin(`bottleneck ${bottleneck}`, expectedMs);
    const context = { clock, signal, note: progress.note };
    bottlenecks.push(await measureBottleneck(bottleneck, options, context));
  }
  return {
    kind: "overload",
    startedAt,
    durationMs: clock.monotonicMs() - startedAtMs,
    machine: describeMachine(),
    bottlenecks,
    goals: overloadGoals(bottlenecks),
  };
}

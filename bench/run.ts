/**
 * The bench as a command: runs what the options ask for, reports, and answers with an exit code.
 * An interrupt ends the load at once and everything that was started with it; a second one ends
 * the waiting too.
 */
import { systemClock } from "../src/base/clock.ts";
import { systemRandom } from "../src/base/random.ts";
import { failover } from "./failover/run.ts";
import { runLedgerSize } from "./ledger-size/run.ts";
import { BENCH_USAGE, type BenchOptions, parseBenchOptions } from "./options.ts";
import { overload } from "./overload/run.ts";
import { runOverspend } from "./overspend/run.ts";
import { FULL, QUICK } from "./profile.ts";
import { suiteSheet } from "./report-plot.ts";
import { suiteReport } from "./report-table.ts";
import { targetReport, targetSheet } from "./report-target.ts";
import { filesOf, saveResults } from "./save.ts";
import { slowPeers } from "./slow-peers/run.ts";
import { runSuite } from "./suite.ts";
import { measureTarget } from "./target.ts";
import { type BenchIo, Progress } from "./terminal.ts";
import { runWorkload } from "./workload.ts";

/** 0 measured, 1 failed, 2 wrong usage. */
export type BenchExit = 0 | 1 | 2;

/** Reads a command line and runs it. */
export async function runBenchCommand(args: readonly string[], io: BenchIo): Promise<BenchExit> {
  const [first, ...others] = args;
  if (first === "overspend") {
    return await interruptible(io, (signal) => runOverspend(others, io, signal));
  }
  if (first === "ledger-size") {
    return await interruptible(io, (signal) => runLedgerSize(others, io, signal));
  }
  if (first === "failover") {
    return await interruptible(io, (signal) => runWorkload(failover, others, io, signal));
  }
  if (first === "overload") {
    return await interruptible(io, (signal) => runWorkload(overload, others, io, signal));
  }
  if (first === "slow-peers") {
    return await interruptible(io, (signal) => runWorkload(slowPeers, others, io, signal));
  }
  const reading = parseBenchOptions(args);
  if (reading.kind === "help") {
    io.out(BENCH_USAGE);
    return 0;
  }
  if (reading.kind === "misuse") {
    io.err(`${reading.complaint}\nTry --help.\n`);
    return 2;
  }
  const { options } = reading;
  return await interruptible(io, (signal) =>
    options.kind === "suite" ? suite(options, io, signal) : target(options, io, signal),
  );
}

/** Runs it until an interrupt; reports what it throws through `io` and never throws itself. */
async function interruptible(
  io: BenchIo,
  run: (signal: AbortSignal) => Promise<BenchExit>,
): Promise<BenchExit> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(1);
    io.err("\nstopping\n");
    interrupt.abort(new Error("interrupted"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await run(interrupt.signal);
  } catch (error) {
    io.err(`bench failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

async function suite(
  options: Extract<BenchOptions, { kind: "suite" }>,
  io: BenchIo,
  signal: AbortSignal,
): Promise<BenchExit> {
  const results = await runSuite(options.quick ? QUICK : FULL, io, signal);
  io.out(`${suiteReport(results)}\n`);
  const files = filesOf(options, results.startedAt);
  await saveResults(files, io, { results, sheet: suiteSheet(results) });
  return 0;
}

async function target(
  options: Extract<BenchOptions, { kind: "target" }>,
  io: BenchIo,
  signal: AbortSignal,
): Promise<BenchExit> {
  const { ways, load, durationMs, stream, tokensMax } = options;
  const progress = new Progress(io, systemClock, 1);
  progress.begin("measuring", durationMs * ways.length);
  const context = { clock: systemClock, random: systemRandom, signal, note: progress.note };
  const plan = { ways, load, durationMs, stream, tokensMax };
  const results = await measureTarget(plan, context).finally(() => progress.end());
  io.out(targetReport(results));
  await saveResults(options, io, { results, sheet: targetSheet(results) });
  for (const name of results.broken)
    io.err(`${name}: too little succeeded, see the failures above\n`);
  return results.broken.length === 0 ? 0 : 1;
}

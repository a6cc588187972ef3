/**
 * A workload as a command: reads its options, measures, reports, keeps the results, and answers with
 * an exit code. What workloads differ in is theirs; this is what they have in common.
 */
import type { Goal } from "./goals.ts";
import type { Reading } from "./option-values.ts";
import type { Sheet } from "./plot-sheet.ts";
import { areMet } from "./report-goals.ts";
import { type Files, filesOf, saveResults } from "./save.ts";
import type { BenchIo } from "./terminal.ts";

export type WorkloadResults = { readonly startedAt: string; readonly goals: readonly Goal[] };

export type Workload<Options extends Files, Results extends WorkloadResults> = {
  /** The word after `bench`. */
  readonly name: string;
  readonly usage: string;
  readonly read: (args: readonly string[]) => Reading<Options>;
  /** Throws what made it impossible. */
  readonly measure: (options: Options, io: BenchIo, signal: AbortSignal) => Promise<Results>;
  readonly report: (results: Results) => string;
  readonly sheet: (results: Results) => Sheet;
};

/** 0 no goal was missed, 1 one was, 2 wrong usage. */
type WorkloadExit = 0 | 1 | 2;

export async function runWorkload<Options extends Files, Results extends WorkloadResults>(
  workload: Workload<Options, Results>,
  args: readonly string[],
  io: BenchIo,
  signal: AbortSignal,
): Promise<WorkloadExit> {
  const reading = workload.read(args);
  if (reading.kind === "help") {
    io.out(workload.usage);
    return 0;
  }
  if (reading.kind === "misuse") {
    io.err(`${reading.complaint}\nTry ${workload.name} --help.\n`);
    return 2;
  }
  const results = await workload.measure(reading.options, io, signal);
  io.out(workload.report(results));
  const files = filesOf(reading.options, results.startedAt, workload.name);
  await saveResults(files, io, { results, sheet: workload.sheet(results) });
  return areMet(results.goals) ? 0 : 1;
}

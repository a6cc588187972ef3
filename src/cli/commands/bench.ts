/** `tollgate bench`: the benchmark, with its own options, at any server of the OpenAI dialect. */
import type { Terminal } from "../terminal.ts";

/** 0 measured, 1 failed, 2 wrong usage. */
export async function bench(args: readonly string[], terminal: Terminal): Promise<number> {
  // Loaded when asked for: a gateway that serves has no use for it.
  const { runBenchCommand } = await import("../../../bench/run.ts");
  const { out, err } = terminal;
  return runBenchCommand(args, { out: out.write, err: err.write, isTerminal: err.isTerminal });
}

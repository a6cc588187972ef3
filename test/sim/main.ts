/**
 * The simulator from the command line: `bun run sim [--seed S] [--seeds N] [--mutant NAME] [--trace]`.
 * Prints what the runs did; a failing one with the line that repeats it and its shrunk plan.
 */
import { parseArgs } from "node:util";
import { drawPlan } from "./draw-plan.ts";
import { explain, hunt, summary } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";
import { runPlan } from "./run.ts";

const SEEDS = 1_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    mutant: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const seed = whole("seed", values.seed ?? "1");
  const seeds = whole("seeds", values.seeds ?? String(values.seed === undefined ? SEEDS : 1));
  const makeMutant = values.mutant === undefined ? null : (MUTANTS[values.mutant] ?? null);
  if (values.mutant !== undefined && makeMutant === null) {
    console.error(
      `There is no mutant ${values.mutant}; there are ${Object.keys(MUTANTS).join(", ")}.`,
    );
    return 2;
  }
  if (values.trace) {
    const { trace } = await runPlan(drawPlan(seed), {
      mutant: makeMutant?.() ?? null,
      keepsTrace: true,
    });
    console.log(trace.join("\n"));
  }
  const startedMs = performance.now();
  const found = await hunt(seed, seeds, makeMutant);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  console.log(`${summary(found)}, ${seconds} s`);
  if (found.failure === null) return 0;
  console.log(await explain(found.failure, makeMutant));
  return 1;
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new TypeError(`--${name} must be a whole number, not ${JSON.stringify(text)}`);
  }
  return number;
}

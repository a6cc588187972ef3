/**
 * Measures any server that speaks the OpenAI dialect, and the direct way beside it when one is
 * given: in turns, under the same load, so that the difference is what the target adds.
 */
import type { Clock } from "../src/base/clock.ts";
import type { Random } from "../src/base/random.ts";
import { loadOptions } from "./context.ts";
import { StreamRecord } from "./exchange.ts";
import { type LoadResult, runLoad } from "./load.ts";
import { addedBy } from "./statistics.ts";
import { inTurn } from "./subjects.ts";
import type { TargetPlan, TargetResults, WayResults } from "./target-results.ts";
import { WayRun } from "./target-way.ts";

/** What a measurement takes from its surroundings. */
export type TargetContext = {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
};

/** Slices in which the ways take turns; a slice is not shorter than this. */
const roundsMax = 5;
const sliceMinMs = 500;
/** What a stream may take after the last planned start. */
const streamWithinMs = 60_000;

/** Failed exchanges are part of the results; throws only when `signal` aborts. */
export async function measureTarget(
  plan: TargetPlan,
  context: TargetContext,
): Promise<TargetResults> {
  const { clock, signal } = context;
  const runs = plan.ways.map((way) => new WayRun(way, plan));
  const onAbort = (): void => runs.forEach((run) => run.close());
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // One exchange each that does not count: it opens a connection and compiles the path.
    for (const run of runs) await run.exchange(clock.monotonicMs(), clock, new StreamRecord());
    const rounds = Math.min(roundsMax, Math.max(1, Math.floor(plan.durationMs / sliceMinMs)));
    for (let round = 0; round < rounds; round += 1) {
      for (const run of inTurn(runs, round)) {
        signal.throwIfAborted();
        if (run.stopped) continue;
        context.note(`${run.way.name}, round ${round + 1} of ${rounds}`);
        run.add(await slice(plan, run, { context, durationMs: plan.durationMs / rounds }));
      }
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", onAbort);
    for (const run of runs) run.close();
  }
  return compare(plan, runs);
}

function slice(
  plan: TargetPlan,
  run: WayRun,
  { context, durationMs }: { readonly context: TargetContext; readonly durationMs: number },
): Promise<LoadResult> {
  const answerMs = plan.stream ? streamWithinMs : 0;
  const options = loadOptions(context, plan.load, { durationMs, warmUpMs: 0, answerMs });
  return runLoad(options, (plannedAtMs) => run.exchange(plannedAtMs, context.clock));
}

function compare(plan: TargetPlan, runs: readonly WayRun[]): TargetResults {
  const ways = runs.map((run) => run.results());
  const target = ways.find((way) => way.name === "target");
  const direct = ways.find((way) => way.name === "direct");
  return {
    kind: "target",
    load: plan.load,
    durationMs: plan.durationMs,
    ways,
    added: target === undefined || direct === undefined ? undefined : addedTo(direct, target),
    broken: runs.filter((run) => run.broken).map((run) => run.way.name),
  };
}

function addedTo(direct: WayResults, target: WayResults) {
  const latency = addedBy(target.latency, direct.latency);
  if (target.stream === undefined || direct.stream === undefined) return { latency };
  return {
    latency,
    firstFrame: addedBy(target.stream.firstFrame, direct.stream.firstFrame),
    gap: addedBy(target.stream.gap, direct.stream.gap),
  };
}

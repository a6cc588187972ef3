/** Runs seeds one after the other, adds up what they did, and makes a failure readable. */
import { drawPlan } from "./draw-plan.ts";
import type { Mutant } from "./mutant.ts";
import type { Violation } from "./oracle-types.ts";
import { runPlan } from "./run.ts";
import { describePlan, shrink } from "./shrink.ts";
import { STAT_NAMES, type Stats } from "./stats.ts";

export type Failure = { readonly seed: number; readonly violation: Violation };

export type Hunt = {
  readonly seeds: number;
  readonly totals: Stats;
  /** The first seed that broke an invariant; the hunt ends with it. */
  readonly failure: Failure | null;
};

const COLLECT_EVERY = 40;

export async function hunt(
  firstSeed: number,
  count: number,
  makeMutant: (() => Mutant) | null = null,
): Promise<Hunt> {
  const totals = Object.fromEntries(STAT_NAMES.map((name) => [name, 0])) as Record<
    keyof Stats,
    number
  >;
  let seeds = 0;
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    const { violation, stats } = await runPlan(drawPlan(seed), { mutant: makeMutant?.() ?? null });
    seeds += 1;
    // A killed process cannot close its files; they close when their connections are collected.
    if (seeds % COLLECT_EVERY === 0) Bun.gc(true);
    for (const name of STAT_NAMES) totals[name] += stats[name];
    if (violation !== null) return { seeds, totals, failure: { seed, violation } };
  }
  return { seeds, totals, failure: null };
}

/** What went wrong, the line that repeats it, and the smallest plan that still does. */
export async function explain(
  { seed, violation }: Failure,
  makeMutant: (() => Mutant) | null = null,
): Promise<string> {
  const mutant = makeMutant?.();
  const smallest = await shrink(drawPlan(seed), async (plan) => {
    const outcome = await runPlan(plan, { mutant: makeMutant?.() ?? null });
    return outcome.violation?.invariant === violation.invariant;
  });
  const again = await runPlan(smallest, { mutant: makeMutant?.() ?? null });
  return [
    `broken: ${violation.message}`,
    `replay: bun run sim --seed ${seed}${mutant === undefined ? "" : ` --mutant ${mutant.name}`}`,
    `shrunk: ${again.violation?.message ?? "no longer broken"}`,
    describePlan(smallest),
  ].join("\n");
}

/** One line of what the runs did. */
export function summary({ seeds, totals }: Hunt): string {
  const parts = STAT_NAMES.map((name) => `${name} ${totals[name]}`);
  return `${seeds} seeds: ${parts.join(", ")}`;
}

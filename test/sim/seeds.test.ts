/**
 * The gateway under simulation: its real admission, actors, ledger and recovery on simulated time,
 * with seeded faults, judged by an oracle that shares no code with it. `bun run sim --seeds N` runs
 * more; a failure prints the line that repeats it.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { drawPlan } from "./draw-plan.ts";
import { explain, hunt, summary, type Hunt } from "./hunt.ts";
import { runPlan } from "./run.ts";
import { STAT_NAMES, type Stats } from "./stats.ts";

const SEEDS = 1_000;
const SEEDS_EACH = 50;

const hunts: Hunt[] = [];

/** All runs together. */
function total(): Hunt {
  const totals = Object.fromEntries(
    STAT_NAMES.map((name) => [name, hunts.reduce((sum, one) => sum + one.totals[name], 0)]),
  ) as Stats;
  return { seeds: hunts.reduce((sum, one) => sum + one.seeds, 0), totals, failure: null };
}

describe("the books are right after every event", () => {
  for (let first = 1; first <= SEEDS; first += SEEDS_EACH) {
    test(`of the seeds ${first} to ${first + SEEDS_EACH - 1}`, async () => {
      const found = await hunt(first, SEEDS_EACH);
      hunts.push(found);
      if (found.failure !== null) throw new Error(await explain(found.failure));
    });
  }

  test("and the seeds met everything that they are there for", () => {
    const { totals, seeds } = total();
    expect(seeds).toBe(SEEDS);
    const tooFew = STAT_NAMES.filter((name) => totals[name] < 25);
    expect(tooFew).toEqual([]);
  });

  afterAll(() => {
    console.log(summary(total()));
  });
});

describe("the same seed is the same run", () => {
  test("to the last event", async () => {
    for (const seed of [3, 17, 40, 111, 222, 1_999]) {
      const once = await runPlan(drawPlan(seed));
      const twice = await runPlan(drawPlan(seed));
      expect(twice).toEqual(once);
    }
  });

  test("and another seed is another run", async () => {
    const hashes = new Set<string>();
    for (const seed of [1, 2, 3, 4]) hashes.add((await runPlan(drawPlan(seed))).traceHash);
    expect(hashes.size).toBe(4);
  });
});

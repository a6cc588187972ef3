/** Gateways that are wrong in one way each: the simulator finds every one of them, and soon. */
import { afterAll, describe, expect, test } from "bun:test";
import { explain, hunt } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";

const SEEDS_MAX = 200;

const needed: string[] = [];

describe("a gateway is found out", () => {
  for (const [name, make] of Object.entries(MUTANTS)) {
    test(`in which ${make().says}`, async () => {
      const { failure, seeds } = await hunt(1, SEEDS_MAX, make);
      expect(failure).not.toBeNull();
      needed.push(`${name} ${seeds} (${failure?.violation.invariant})`);
    });
  }

  afterAll(() => {
    console.log(`seeds until each mutant was found: ${needed.join(", ")}`);
  });
});

test("a failure names its seed and shrinks to a plan that still fails", async () => {
  const make = MUTANTS["free-on-timeout"] ?? null;
  const { failure } = await hunt(1, SEEDS_MAX, make);
  if (failure === null) throw new Error("the mutant was not found");
  const said = (await explain(failure, make)).split("\n");
  expect(said[1]).toBe(`replay: bun run sim --seed ${failure.seed} --mutant free-on-timeout`);
  expect(said[2]).toStartWith("shrunk: never-free: ");
  expect(said.filter((line) => line.startsWith("  arrivals: "))).toHaveLength(1);
});

/**
 * What the strategies compare: one number per target, less being better, and how much worse is still as
 * good. `priority` compares nothing and is not here.
 */
import type { StrategyName } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { likelyCosts } from "./likely-cost.ts";
import type { Group } from "./target-group.ts";

export type Measure = {
  /** One for each group; null: nothing is known of it. */
  readonly values: (groups: readonly Group[], ask: Ask) => readonly (number | null)[];
  /** The worst value that is as good as `best`: traffic must not run to whoever is ahead by a hair. */
  readonly asGoodAs: (best: number) => number;
  /** What is compared is only known of targets that get requests. */
  readonly explores: boolean;
};

const itself = (best: number): number => best;

export const MEASURES: Readonly<Record<Exclude<StrategyName, "priority">, Measure>> = {
  weighted: { values: (groups) => groups.map(() => 0), asGoodAs: itself, explores: false },
  fastest: {
    values: (groups) => groups.map(({ service }) => service.firstTokenMs),
    asGoodAs: (best) => best * 1.1,
    explores: true,
  },
  reliable: {
    values: (groups) => groups.map(({ service }) => service.failureShare),
    asGoodAs: (best) => best + 0.02,
    explores: true,
  },
  cheapest: { values: likelyCosts, asGoodAs: itself, explores: false },
  least_busy: {
    values: (groups) => groups.map(({ service }) => service.inFlight),
    asGoodAs: itself,
    explores: false,
  },
};

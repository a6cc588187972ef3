/**
 * A counter that counts in plain integers and becomes a Prometheus counter when somebody scrapes:
 * adding costs nanoseconds, and money is summed exactly.
 */
import { Counter, type Registry } from "prom-client";
import { LIMITS } from "../base/limits.ts";
import { BoundedSeries } from "./series.ts";

/** The count of one label set; callers add to `value`. */
export type Tally = { readonly labels: readonly string[]; value: number };

export type TallyCounter = { readonly of: (labels: readonly string[]) => Tally };

export type TallyDeclaration = {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** How many of the first labels are open, see BoundedSeries. */
  readonly openLabels: number;
  /** Units of `value` that make one of the metric's unit. */
  readonly unitsPerOne?: number;
};

export function tallyCounter(registry: Registry, declared: TallyDeclaration): TallyCounter {
  const { name, help, labelNames, openLabels, unitsPerOne = 1 } = declared;
  const series = new BoundedSeries(LIMITS.metricLabelSetsMax, openLabels, (labels): Tally => ({
    labels,
    value: 0,
  }));
  const counter = new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect: () => {
      counter.reset();
      for (const tally of series.all()) {
        if (tally.value > 0) counter.labels(...tally.labels).inc(tally.value / unitsPerOne);
      }
    },
  });
  return { of: (labels) => series.of(labels) };
}

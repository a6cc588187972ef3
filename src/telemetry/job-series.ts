/** What providers go on with after they have answered: jobs that are open, what is held for them, how they ended. */
import { Gauge, type Registry } from "prom-client";
import type { JobKind } from "../base/object-kind.ts";
import { type NanoUsd, NANO_PER_USD } from "../base/units.ts";
import { tallyCounter } from "./tally.ts";

/** All of one kind at one provider. */
export type JobReading = {
  readonly provider: string;
  readonly kind: JobKind;
  readonly open: number;
  readonly heldNanoUsd: NanoUsd;
};

export type JobSeries = {
  readonly ended: (job: {
    readonly provider: string;
    readonly kind: JobKind;
    readonly outcome: string;
  }) => void;
  /** Sets the gauges; to be called per scrape. */
  readonly show: (readings: readonly JobReading[]) => void;
};

export function jobSeries(registry: Registry): JobSeries {
  const labelNames = ["provider", "kind"] as const;
  const registers = [registry];
  const open = new Gauge({
    name: "tollgate_jobs_open",
    help: "batches and background responses that have not ended",
    labelNames,
    registers,
  });
  const held = new Gauge({
    name: "tollgate_jobs_held_usd",
    help: "held for batches and background responses that have not ended",
    labelNames,
    registers,
  });
  const ended = tallyCounter(registry, {
    name: "tollgate_jobs_ended_total",
    help: "batches and background responses that have ended, by how",
    labelNames: ["provider", "kind", "outcome"],
    openLabels: 1,
  });
  return {
    ended: ({ provider, kind, outcome }) => {
      ended.of([provider, kind, outcome]).value += 1;
    },
    show: (readings) => {
      open.reset();
      held.reset();
      for (const { provider, kind, open: count, heldNanoUsd } of readings) {
        open.set({ provider, kind }, count);
        held.set({ provider, kind }, heldNanoUsd / NANO_PER_USD);
      }
    },
  };
}

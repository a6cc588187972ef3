/** What the processes of a run use of memory and processors, read from outside several times a second. */
import type { Clock } from "../../src/base/clock.ts";
import { type Usage, usageOf } from "../process-usage.ts";

/** One reading; `undefined` where the system does not say. */
export type Sample = {
  /** Wall time. */
  readonly atMs: number;
  readonly gateway: Usage | undefined;
  readonly generator: Usage | undefined;
  readonly upstream: Usage | undefined;
};

export type Pids = {
  readonly gateway: number;
  readonly generator: number;
  readonly upstream: number;
};

const periodMs = 250;

/** Reads until it is told to stop, which gives all readings. */
export function startSampling(clock: Clock, pids: Pids): () => readonly Sample[] {
  const samples: Sample[] = [];
  const read = (): void => {
    samples.push({
      atMs: clock.nowMs(),
      gateway: usageOf(pids.gateway),
      generator: usageOf(pids.generator),
      upstream: usageOf(pids.upstream),
    });
  };
  read();
  const timer = clock.every(periodMs, read);
  return () => {
    timer.cancel();
    read();
    return samples;
  };
}

/** Processors that a process kept busy between two readings. */
export function coresBetween(
  before: Sample,
  after: Sample,
  name: "gateway" | "generator" | "upstream",
): number | undefined {
  const from = before[name];
  const to = after[name];
  const wallMs = after.atMs - before.atMs;
  if (from === undefined || to === undefined || wallMs <= 0) return undefined;
  return (to.cpuMs - from.cpuMs) / wallMs;
}

/** Everything that a whole run measures, one list per measurement with an entry per way. */
import type { CpuEntry } from "./measure-cpu.ts";
import type { CrowdEntry } from "./measure-crowd.ts";
import type { IdleEntry } from "./measure-idle.ts";
import type { PlainEntry } from "./measure-plain.ts";
import type { RateEntry } from "./measure-rate.ts";
import type { StreamsEntry } from "./measure-streams.ts";
import type { SubjectName } from "./subjects.ts";

/** Resident memory of one way's process; the direct way has none. */
export type MemoryEntry = {
  readonly subject: SubjectName;
  /** After the start, before the first exchange. */
  readonly idleBytes: number | undefined;
  /** At the end of the run, at rest again. */
  readonly afterLoadBytes: number | undefined;
};

/** One member per measurement, in the order in which they are reported. */
export type Measurements = {
  readonly memory: readonly MemoryEntry[];
  readonly plain: readonly PlainEntry[];
  readonly cpu: readonly CpuEntry[];
  readonly rate: readonly RateEntry[];
  readonly streams: readonly StreamsEntry[];
  readonly crowd: readonly CrowdEntry[];
  readonly idle: readonly IdleEntry[];
};

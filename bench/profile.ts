/**
 * The sizes of a run. The full profile fits into five minutes on two cores; the quick one only
 * shows that everything works, its numbers mean little. Both measure the same things.
 */

/** Every duration and count of a run. */
export type Profile = {
  readonly name: "full" | "quick";
  /** Streams that fall silent, for memory per stream; the first fifth is the baseline. */
  readonly idle: { readonly streams: number; readonly settleMs: number };
  readonly plain: { readonly rounds: number; readonly sliceMs: number; readonly warmUpMs: number };
  readonly cpu: {
    readonly rounds: number;
    readonly sliceMs: number;
    readonly ratePerSecond: number;
  };
  readonly rate: {
    readonly stepMs: number;
    readonly startPerSecond: number;
    readonly maxPerSecond: number;
    /** The search ends when the highest good and the lowest bad rate are this close. */
    readonly precision: number;
    /** Time for the searches of all ways together; they end with what they know then. */
    readonly withinMs: number;
  };
  readonly streams: {
    readonly rounds: number;
    readonly count: number;
    readonly rampMs: number;
    readonly frames: number;
  };
  readonly crowd: { readonly count: number; readonly rampMs: number; readonly frames: number };
  /** The upstream's time between two frames. */
  readonly frameMs: number;
  /** After load, for work that a process put off; it counts too. */
  readonly settleMs: number;
  /** Before memory at rest is read. */
  readonly restMs: number;
};

export const FULL: Profile = {
  name: "full",
  idle: { streams: 1_000, settleMs: 1_500 },
  plain: { rounds: 6, sliceMs: 1_600, warmUpMs: 100 },
  cpu: { rounds: 3, sliceMs: 4_000, ratePerSecond: 400 },
  rate: {
    stepMs: 2_500,
    startPerSecond: 500,
    maxPerSecond: 32_000,
    precision: 1.1,
    withinMs: 110_000,
  },
  streams: { rounds: 4, count: 200, rampMs: 1_000, frames: 50 },
  crowd: { count: 1_000, rampMs: 2_000, frames: 500 },
  frameMs: 20,
  settleMs: 400,
  restMs: 1_500,
};

export const QUICK: Profile = {
  name: "quick",
  idle: { streams: 20, settleMs: 100 },
  plain: { rounds: 2, sliceMs: 250, warmUpMs: 50 },
  cpu: { rounds: 1, sliceMs: 500, ratePerSecond: 100 },
  rate: { stepMs: 300, startPerSecond: 100, maxPerSecond: 100, precision: 1.5, withinMs: 10_000 },
  streams: { rounds: 1, count: 10, rampMs: 100, frames: 10 },
  crowd: { count: 20, rampMs: 100, frames: 25 },
  frameMs: 20,
  settleMs: 100,
  restMs: 200,
};

/** The answers that the scripted upstream is asked for, by the model name's script. */
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** The model to ask of the upstream, which says what its answer is like. */
export function upstreamModel(profile: Profile, workload: WorkloadName): string {
  const pace = `token_delay_ms=${profile.frameMs}`;
  const scripts: Record<WorkloadName, string> = {
    plain: "tokens=16",
    stream: `tokens=${profile.streams.frames}&${pace}`,
    crowd: `tokens=${profile.crowd.frames}&${pace}`,
    idle: "tokens=16&stall_after=1",
  };
  return `sim-small?${scripts[workload]}`;
}

export const WORKLOAD_NAMES = ["plain", "stream", "crowd", "idle"] as const;

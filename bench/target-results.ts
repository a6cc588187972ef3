/** What is asked of a measurement of one target, and what it answers. */
import type { LoadPlan } from "./load.ts";
import type { Added, CurvePoint, Summary } from "./statistics.ts";

/** A server to ask, and as whom. */
export type Way = {
  readonly name: "target" | "direct";
  readonly url: URL;
  readonly token: string | undefined;
  readonly model: string;
};

/** The same load for every way. */
export type TargetPlan = {
  readonly ways: readonly Way[];
  readonly load: LoadPlan;
  readonly durationMs: number;
  readonly stream: boolean;
  readonly tokensMax: number;
};

/** What one way showed over all its slices. */
export type WayResults = {
  readonly name: "target" | "direct";
  readonly endpoint: string;
  readonly model: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly unanswered: number;
  readonly failures: readonly { readonly reason: string; readonly count: number }[];
  readonly perSecond: number;
  /** Whole exchanges, from planned start to the last byte. */
  readonly latency: Summary;
  readonly latencyCurve: readonly CurvePoint[];
  readonly lag: Summary;
  readonly stream: StreamResults | undefined;
};

/** The same for the frames of its streams. */
export type StreamResults = {
  readonly frames: number;
  readonly framesMerged: number;
  readonly firstFrame: Summary;
  readonly firstFrameCurve: readonly CurvePoint[];
  readonly gap: Summary;
  readonly gapCurve: readonly CurvePoint[];
};

/** What is reported and kept of a run. */
export type TargetResults = {
  readonly kind: "target";
  readonly load: LoadPlan;
  readonly durationMs: number;
  readonly ways: readonly WayResults[];
  /** What the target adds; undefined without a direct way. */
  readonly added:
    | { readonly latency: Added; readonly firstFrame?: Added; readonly gap?: Added }
    | undefined;
  /** A way on which nothing succeeded, or so much failed that the load was stopped. */
  readonly broken: readonly string[];
};

/**
 * The speed that Tollgate promises with every control on, and whether a run reached it. A goal that
 * could not be measured is neither reached nor missed. Missing one is a result, not a failure.
 */
import { of } from "./context.ts";
import { bytesText, countText, microsText, msText } from "./quantities.ts";
import type { Measurements } from "./measurements.ts";

/** One goal as it is told: in words, with what was measured beside what was wanted. */
export type Goal = {
  readonly name: string;
  readonly wanted: string;
  readonly measured: string;
  /** Undefined when it could not be measured. */
  readonly reached: boolean | undefined;
};

const addedP99MaxMs = 1.5;
/** The bounds that a plot marks, in times the bare relay and in bytes. */
export const EXCHANGE_CPU_RATIO_MAX = 3;
export const FRAME_CPU_RATIO_MAX = 2;
export const IDLE_BYTES_MAX = 150 * 1_000_000;

/** Every goal in the order in which it is told; never fewer, also when nothing was measured. */
export function judgeGoals(measured: Measurements): readonly Goal[] {
  return [
    addedLatency(measured),
    ratio({
      name: "CPU per plain exchange",
      max: EXCHANGE_CPU_RATIO_MAX,
      tollgate: of(measured.cpu, "tollgate")?.cpuMicrosPerExchange,
      relay: of(measured.cpu, "relay")?.cpuMicrosPerExchange,
    }),
    // Steady: opening a stream is an exchange, which has a goal of its own.
    ratio({
      name: "CPU per stream frame",
      max: FRAME_CPU_RATIO_MAX,
      tollgate: of(measured.crowd, "tollgate")?.cpuMicrosPerFrame,
      relay: of(measured.crowd, "relay")?.cpuMicrosPerFrame,
    }),
    wholeFrames(measured),
    idleMemory(measured),
  ];
}

function addedLatency(measured: Measurements): Goal {
  const added = of(measured.plain, "tollgate")?.added.p99Ms;
  return {
    name: "added p99 at one client",
    wanted: `≤ ${msText(addedP99MaxMs)}`,
    measured: added === undefined ? "not measured" : msText(added),
    reached: added === undefined ? undefined : added <= addedP99MaxMs,
  };
}

type Ratio = {
  readonly name: string;
  readonly max: number;
  readonly tollgate: number | undefined;
  readonly relay: number | undefined;
};

function ratio({ name, max, tollgate, relay }: Ratio): Goal {
  const wanted = `≤ ${max} × bare relay`;
  if (tollgate === undefined || relay === undefined || relay === 0) {
    return { name, wanted, measured: "not measured", reached: undefined };
  }
  const times = tollgate / relay;
  const measured = `${times.toFixed(2)} × (${microsText(tollgate)} to ${microsText(relay)})`;
  return { name, wanted, measured, reached: times <= max };
}

function wholeFrames(measured: Measurements): Goal {
  const crowd = of(measured.crowd, "tollgate");
  const direct = of(measured.crowd, "direct");
  const name = `${countText(crowd?.streams ?? 0)} streams at once`;
  const wanted = "no frame lost or merged";
  if (crowd === undefined) return { name, wanted, measured: "not measured", reached: undefined };
  const { framesLost, framesMerged } = crowd;
  const count = `${countText(framesLost)} lost, ${countText(framesMerged)} merged`;
  const without = direct?.framesMerged ?? 0;
  if (framesLost + framesMerged === 0 || without === 0) {
    return { name, wanted, measured: count, reached: framesLost + framesMerged === 0 };
  }
  // The machine merges frames without Tollgate too: what is not more than that is not Tollgate's.
  const reached = framesLost > 0 || framesMerged > without ? false : undefined;
  return { name, wanted, measured: `${count}; ${countText(without)} merged directly`, reached };
}

function idleMemory(measured: Measurements): Goal {
  const bytes = of(measured.memory, "tollgate")?.idleBytes;
  return {
    name: "memory at rest",
    wanted: `≤ ${bytesText(IDLE_BYTES_MAX)}`,
    measured: bytes === undefined ? "not measured" : bytesText(bytes),
    reached: bytes === undefined ? undefined : bytes <= IDLE_BYTES_MAX,
  };
}

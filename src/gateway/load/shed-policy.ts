/**
 * In which stage of shedding the gateway is, by what it reads of itself. A stage begins when one of its
 * triggers has been reached by every reading of a second, three at least, and ends when all readings of five seconds
 * were below 80 % of them; each stage for itself, so that the way down is as long as the load is.
 *
 * The triggers are generous because machines are shared. A reading of the loop is how late the sampler
 * itself came: one long pause is one reading, however long, and says nothing about the next; a loop
 * that has too much to do is late every time.
 */
import type { PriorityClass } from "../../base/priority.ts";
import type { WaitingHolds } from "../../store/contract.ts";

/** 0: everybody is served. 1: not batch. 2: only interactive. 3: nothing new. */
export type ShedStage = 0 | 1 | 2 | 3;

export type LoadReadings = {
  readonly loopDelayMs: number;
  /** Resident memory as a share of what there is for us. */
  readonly memoryShare: number;
  /** Age of the oldest hold that is not on disk yet. */
  readonly ledgerAgeMs: number;
};

type OfStage = {
  readonly isOn: boolean;
  /** Since when every reading speaks for a change; null: the last one did not. */
  readonly sinceMs: number | null;
  /** How many have done so. */
  readonly readings: number;
};

/** Of the stages 1, 2 and 3. */
export type ShedState = readonly [OfStage, OfStage, OfStage];

const OFF: OfStage = { isOn: false, sinceMs: null, readings: 0 };

export const CALM: ShedState = [OFF, OFF, OFF];

const TRIGGERS = [
  { loopDelayMs: 100, memoryShare: 0.8, ledgerAgeMs: 250 },
  { loopDelayMs: 400, memoryShare: 0.88, ledgerAgeMs: 1_000 },
  { loopDelayMs: 1_500, memoryShare: 0.94, ledgerAgeMs: 5_000 },
] as const satisfies readonly LoadReadings[];

const BEGINS_AFTER_MS = 1_000;
/** A loop that is very late brings few readings: two of them may be two pauses. */
const BEGINS_AFTER_READINGS = 3;
const ENDS_AFTER_MS = 5_000;
const CALM_SHARE = 0.8;

export function nextState(state: ShedState, readings: LoadReadings, atMs: number): ShedState {
  const [first, second, third] = TRIGGERS;
  return [
    next(state[0], readings, first, atMs),
    next(state[1], readings, second, atMs),
    next(state[2], readings, third, atMs),
  ];
}

function next(
  stage: OfStage,
  readings: LoadReadings,
  trigger: LoadReadings,
  atMs: number,
): OfStage {
  const speaksForChange = stage.isOn
    ? !reaches(readings, trigger, CALM_SHARE)
    : reaches(readings, trigger, 1);
  const { isOn } = stage;
  if (!speaksForChange)
    return stage.sinceMs === null ? stage : { isOn, sinceMs: null, readings: 0 };
  const sinceMs = stage.sinceMs ?? atMs;
  const count = stage.readings + 1;
  const isEarly = atMs - sinceMs < (isOn ? ENDS_AFTER_MS : BEGINS_AFTER_MS);
  if (isEarly || (!isOn && count < BEGINS_AFTER_READINGS))
    return { isOn, sinceMs, readings: count };
  return { isOn: !isOn, sinceMs: null, readings: 0 };
}

/** Whether any reading is at least this share of its trigger. */
function reaches(readings: LoadReadings, trigger: LoadReadings, share: number): boolean {
  return (
    readings.loopDelayMs >= trigger.loopDelayMs * share ||
    readings.memoryShare >= trigger.memoryShare * share ||
    readings.ledgerAgeMs >= trigger.ledgerAgeMs * share
  );
}

/** The highest that is on. */
export function stageOf([first, second, third]: ShedState): ShedStage {
  if (third.isOn) return 3;
  if (second.isOn) return 2;
  return first.isOn ? 1 : 0;
}

/** Waiting holds behind which no further request of a class is let in: as many may come at once. */
const QUEUE_MAX = { batch: 1_024, default: 2_048, interactive: 4_096 } as const satisfies Record<
  PriorityClass,
  number
>;

/**
 * The same once a stage is on, so that the load lasts: the queue stands so long at most, and the writer
 * never runs dry, because what was let in meanwhile is its next batch. Without a bound 9,000 waited and
 * a stage then took a whole class (`bench overload --bottleneck gateway`, 2026-11-28).
 */
const LASTING_QUEUE_MS_MAX = {
  batch: 100,
  default: 250,
  interactive: 500,
} as const satisfies Record<PriorityClass, number>;
/** So few are served sooner than they could come back, whatever the disk does. */
const LASTING_QUEUE_LEAST = 256;

/** Asked at each request: the stages look at whole seconds, and a queue grows within one. */
export function isQueueFull(
  { count, oldestMs }: WaitingHolds,
  priorityClass: PriorityClass,
  stage: ShedStage,
): boolean {
  if (count >= QUEUE_MAX[priorityClass]) return true;
  const isLasting = stage > 0;
  return (
    isLasting && count >= LASTING_QUEUE_LEAST && oldestMs >= LASTING_QUEUE_MS_MAX[priorityClass]
  );
}

/** How long it is at least until no stage from this one up is on. */
export function endsInMs(state: ShedState, from: Exclude<ShedStage, 0>, atMs: number): number {
  const waits = state
    .slice(from - 1)
    .filter(({ isOn }) => isOn)
    .map(({ sinceMs }) => ENDS_AFTER_MS - (sinceMs === null ? 0 : atMs - sinceMs));
  return Math.max(0, ...waits);
}

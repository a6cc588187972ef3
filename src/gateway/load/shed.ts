/**
 * Shedding: who is not let in while the gateway has too much to do. It looks at itself ten times a
 * second, and at each request at the queue for the disk; a refusal costs these looks, before a body is
 * read. What is running is never touched, nor are settlements, aborts, the admin API and the health
 * endpoints.
 */
import type { Clock } from "../../base/clock.ts";
import type { PriorityClass } from "../../base/priority.ts";
import { refuse, type Refusal } from "../../base/verdict.ts";
import type { WaitingHolds } from "../../store/contract.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import {
  CALM,
  endsInMs,
  isQueueFull,
  nextState,
  stageOf,
  type LoadReadings,
  type ShedStage,
} from "./shed-policy.ts";

export interface Shed {
  readonly stage: () => ShedStage;
  /** What the gateway does on top of what it was asked for is the first to be left out. */
  readonly allows: (extra: "hedge" | "shadow") => boolean;
  /** Why a request of this class is not let in now, with when it may be; null: it is. */
  readonly refusalFor: (priorityClass: PriorityClass) => Refusal | null;
  readonly stop: () => void;
}

/** What the gateway reads of itself. */
export type Load = {
  /** Ten times a second; is told how late the event loop called. */
  readonly read: (loopDelayMs: number) => LoadReadings;
  /** At each request. */
  readonly waitingHolds: () => WaitingHolds;
};

const PERIOD_MS = 100;

/** The stage from which a class is refused. */
const REFUSED_FROM = { batch: 1, default: 2, interactive: 3 } as const;

/** The queue is gone in less; a whole second, because that is what `retry-after` can say. */
const QUEUE_RETRY_MS = 1_000;

export function createShed(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "requestShed">;
  readonly load: Load;
}): Shed {
  const { clock, log, metrics, load } = parts;
  let state = CALM;
  let stage: ShedStage = 0;
  let lastMs = clock.monotonicMs();
  const timer = clock.every(PERIOD_MS, () => {
    const nowMs = clock.monotonicMs();
    const readings = load.read(Math.max(0, nowMs - lastMs - PERIOD_MS));
    lastMs = nowMs;
    state = nextState(state, readings, nowMs);
    const before = stage;
    stage = stageOf(state);
    if (stage !== before) log.warn("shed.stage", { stage, before, ...readings });
  });
  return {
    stage: () => stage,
    allows: () => stage === 0,
    refusalFor: (priorityClass) => {
      const from = REFUSED_FROM[priorityClass];
      if (stage >= from) {
        metrics.requestShed(priorityClass);
        const message = `The gateway is overloaded: it takes no requests of the class ${priorityClass} now.`;
        const retryAfterMs = endsInMs(state, from, clock.monotonicMs());
        return refuse("gateway_overloaded", message, { retryAfterMs }).refusal;
      }
      if (!isQueueFull(load.waitingHolds(), priorityClass, stage)) return null;
      metrics.requestShed(priorityClass);
      const message = "The gateway is overloaded: too many requests wait for its ledger.";
      return refuse("gateway_overloaded", message, { retryAfterMs: QUEUE_RETRY_MS }).refusal;
    },
    stop: () => timer.cancel(),
  };
}

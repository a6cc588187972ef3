/** What exchanges share with each other: recordings, running idempotency keys, and who keeps order in them. */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { deriveKey } from "../../base/seal.ts";
import type { Store } from "../../store/contract.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Flight, RunningKey, SharedAnswer } from "./contract.ts";
import { KeySteps } from "./key-steps.ts";
import { Recordings } from "./recordings.ts";

export interface Sharing {
  readonly recordings: Recordings;
  readonly keys: {
    /** By access token and hash of the key. */
    readonly running: Map<string, RunningKey>;
    readonly steps: KeySteps;
    /** Keys the hashes of keys and bodies, and seals kept answers. */
    readonly hashSecret: Uint8Array;
    readonly answerSecret: Uint8Array;
  };
  /** Executions that equal requests may join, by what makes them equal. */
  readonly flights: Map<string, Flight>;
  /** By the id of their request. */
  readonly streams: Map<string, SharedAnswer>;
  readonly stop: () => void;
}

/** How often recordings are looked through for those that were kept for their time. */
const SWEEP_MS = 1_000;

export function createSharing(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly pepper: Uint8Array;
}): Sharing {
  const { clock, log, store, pepper } = parts;
  const recordings = new Recordings(clock);
  const steps = new KeySteps(store, log);
  const timers = [
    clock.every(SWEEP_MS, () => recordings.sweep()),
    clock.every(LIMITS.sideWriteMs, () => {
      void steps.retry();
      void expireKeys({ clock, log, store });
    }),
  ];
  return {
    recordings,
    keys: {
      running: new Map(),
      steps,
      hashSecret: deriveKey(pepper, "idempotency-hash"),
      answerSecret: deriveKey(pepper, "idempotency-answer"),
    },
    flights: new Map(),
    streams: new Map(),
    stop: () => {
      for (const timer of timers) timer.cancel();
    },
  };
}

/** Deletes what has expired, a few rows at a time, so that holds pass in between. Never rejects. */
async function expireKeys(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
}): Promise<void> {
  const { idempotencyExpiredRowsMax: rowsMax, idempotencyExpiredBatchesMax: batchesMax } = LIMITS;
  try {
    for (let batch = 0; batch < batchesMax; batch += 1) {
      const deleted = await parts.store.expireKeys(parts.clock.nowMs(), rowsMax);
      if (deleted < rowsMax) return;
    }
  } catch (error) {
    parts.log.warn("idempotency.unexpired", { error });
  }
}

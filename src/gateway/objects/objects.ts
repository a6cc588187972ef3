/**
 * Who owns what providers keep, in front of the store, which is asked each time. What comes while a
 * commit is under way shares the next one. What the disk did not take is tried again from time to time.
 *
 * Bound: the steps that wait; past it, what was made is nobody's, and the log says so.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Store } from "../../store/contract.ts";
import type {
  NewObject,
  ObjectQuery,
  ObjectRef,
  ObjectRow,
  ObjectStep,
} from "../../store/objects-contract.ts";
import type { Log } from "../../telemetry/log.ts";

export type ObjectsParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<Store, "stepObjects" | "findObjects" | "listObjects" | "expireObjects">;
};

export class Objects {
  readonly #parts: ObjectsParts;
  #waiting: ObjectStep[] = [];
  /** The commit under way: true when the disk took it; null: there is none. */
  #commit: Promise<boolean> | null = null;
  readonly #timer: { readonly cancel: () => void };

  constructor(parts: ObjectsParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(LIMITS.sideWriteMs, () => {
      void this.#saved();
      void this.#expire();
    });
  }

  /** Durable when it resolves, unless the disk refused or takes too long. Never rejects. */
  note(objects: readonly NewObject[]): Promise<void> {
    return this.#take(objects.map((object) => ({ do: "note", object })));
  }

  /** Its provider has deleted it. Never rejects. */
  forget({ tenantId, id }: ObjectRef): Promise<void> {
    return this.#take([{ do: "forget", tenantId, id }]);
  }

  /**
   * Those of them that the tenant has, in any order. Sees everything noted before. Rejects with
   * GatewayError `ledger_unavailable`.
   */
  async find(tenantId: string, ids: readonly string[]): Promise<readonly ObjectRow[]> {
    const { clock, store } = this.#parts;
    await this.#saved();
    return await store.findObjects(tenantId, ids, clock.nowMs());
  }

  /** A page of those of one kind; sees and rejects likewise. */
  async list(query: Omit<ObjectQuery, "nowMs">): Promise<readonly ObjectRow[]> {
    const { clock, store } = this.#parts;
    await this.#saved();
    return await store.listObjects({ ...query, nowMs: clock.nowMs() });
  }

  stop(): void {
    this.#timer.cancel();
  }

  async #take(steps: readonly ObjectStep[]): Promise<void> {
    const room = LIMITS.objectStepsWaitingMax - this.#waiting.length;
    this.#waiting.push(...steps.slice(0, room));
    if (steps.length > room) {
      this.#parts.log.warn("objects.dropped", { count: steps.length - room });
    }
    const late = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(LIMITS.objectsSavedMs, late.resolve);
    await Promise.race([this.#saved(), late.promise]);
    timer.cancel();
  }

  /** Resolves when what waits now is written, or has to wait for a better time. */
  async #saved(): Promise<void> {
    while (this.#commit !== null || this.#waiting.length > 0) {
      this.#commit ??= this.#save();
      if (!(await this.#commit)) return;
    }
  }

  async #save(): Promise<boolean> {
    // What is taken in this same turn rides along.
    await Promise.resolve();
    const steps = this.#waiting.splice(0, LIMITS.objectStepsMax);
    try {
      await this.#parts.store.stepObjects(steps);
      return true;
    } catch (error) {
      this.#waiting = [...steps, ...this.#waiting].slice(0, LIMITS.objectStepsWaitingMax);
      this.#parts.log.warn("objects.unsaved", { count: steps.length, error });
      return false;
    } finally {
      this.#commit = null;
    }
  }

  async #expire(): Promise<void> {
    const { clock, log, store } = this.#parts;
    const { objectsExpiredRowsMax: rowsMax, objectsExpiredBatchesMax: batchesMax } = LIMITS;
    try {
      for (let batch = 0; batch < batchesMax; batch += 1) {
        if ((await store.expireObjects(clock.nowMs(), rowsMax)) < rowsMax) return;
      }
    } catch (error) {
      log.warn("objects.unexpired", { error });
    }
  }
}

/**
 * Models that clients asked for where nobody has a price of them, counted in memory and written from time
 * to time, so that no request waits for it or fails of it. Clients choose the names, so the list is
 * bounded: past the bound only models that are known already are counted.
 */
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Surface } from "../dialects/surfaces.ts";
import type { Store } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";

export type UnpricedTarget = { readonly providerId: string; readonly model: string };

/** Not written yet, but for the target and when it was seen last. */
type Count = UnpricedTarget & {
  readonly surfaces: Set<Surface>;
  requests: number;
  lastSeenAtMs: number;
};

export interface UnpricedModels {
  /** `surface`: where it was asked for and has no price. */
  readonly note: (target: UnpricedTarget, surface: Surface) => void;
  /** Writes what was counted since the last time; never rejects. */
  readonly save: () => Promise<void>;
}

export async function loadUnpricedModels(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<UnpricedModels> {
  const { store, clock, log } = parts;
  const counts = new Map<string, Count>();
  for (const { providerId, model, lastSeenAtMs } of await store.unpricedModels()) {
    const target = { providerId, model };
    counts.set(keyOf(target), { ...target, surfaces: new Set(), requests: 0, lastSeenAtMs });
  }
  return {
    note: (target, surface) => {
      const key = keyOf(target);
      let count = counts.get(key);
      if (count === undefined) {
        if (counts.size >= LIMITS.unpricedModelsMax) return;
        count = { ...target, surfaces: new Set(), requests: 0, lastSeenAtMs: 0 };
        counts.set(key, count);
      }
      count.requests += 1;
      count.surfaces.add(surface);
      count.lastSeenAtMs = clock.nowMs();
    },
    save: async () => {
      const fresh = [...counts.values()].filter(({ requests }) => requests > 0);
      await Promise.all(fresh.map((count) => write(count)));
    },
  };

  async function write(count: Count): Promise<void> {
    const { providerId, model, requests, lastSeenAtMs } = count;
    const surfaces = [...count.surfaces];
    count.requests = 0;
    count.surfaces.clear();
    try {
      await store.countUnpriced({ providerId, model, surfaces, requests, lastSeenAtMs });
    } catch (error) {
      count.requests += requests;
      for (const surface of surfaces) count.surfaces.add(surface);
      log.warn("unpriced.unsaved", { providerId, model, error });
    }
  }
}

/** Ids hold no space. */
function keyOf({ providerId, model }: UnpricedTarget): string {
  return `${providerId} ${model}`;
}

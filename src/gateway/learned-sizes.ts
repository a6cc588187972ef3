/**
 * What was learned about sizes of answers and inputs, across actors and restarts: read once at
 * start, handed to each actor as a whole (the actor goes on learning in it), and saved from time to
 * time. Losing the last seconds of it costs nothing but a little precision.
 */
import {
  restoreInputs,
  takeChangedInputs,
  type LearnedInputs,
} from "../../actors/policy/learned-input.ts";
import {
  restoreOutputs,
  takeChangedOutputs,
  type LearnedOutputs,
} from "../../actors/policy/learned-output.ts";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Store } from "../store/contract.ts";
import type { LearnedRow } from "../store/money-contract.ts";
import type { Log } from "../telemetry/log.ts";

export interface LearnedSizes {
  /** Output sizes of a tenant's access tokens; the same object each time, owned by its actor. */
  readonly outputsOf: (tenantId: string) => LearnedOutputs;
  /** Input sizes at a provider, likewise. */
  readonly inputsOf: (providerId: string) => LearnedInputs;
  /** Writes what has changed; never rejects. */
  readonly save: () => Promise<void>;
}

export async function loadLearnedSizes(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** null when there is no such access token any more. */
  readonly tenantOf: (tokenId: string) => string | null;
}): Promise<LearnedSizes> {
  const { store, clock, log, tenantOf } = parts;
  const rows = await store.learned();
  const outputs = restored(log, rows, {
    kind: "output",
    ownerOf: ({ ownerId }) => tenantOf(ownerId),
    rowsMax: LIMITS.learnedOutputPairsMax,
    restore: restoreOutputs,
  });
  const inputs = restored(log, rows, {
    kind: "input",
    ownerOf: ({ ownerId }) => ownerId,
    rowsMax: LIMITS.learnedInputModelsMax,
    restore: restoreInputs,
  });
  /** Rows that a broken disk did not take, by what they are about. */
  const unsaved = new Map<string, LearnedRow>();

  return {
    outputsOf: (tenantId) => ofOwner(outputs, tenantId),
    inputsOf: (providerId) => ofOwner(inputs, providerId),
    save: async () => {
      const updatedAtMs = clock.nowMs();
      for (const learned of outputs.values()) {
        for (const row of takeChangedOutputs(learned)) {
          unsaved.set(`output ${row.ownerId} ${row.model}`, {
            kind: "output",
            ...row,
            updatedAtMs,
          });
        }
      }
      for (const [providerId, learned] of inputs) {
        for (const row of takeChangedInputs(learned, providerId)) {
          unsaved.set(`input ${row.ownerId} ${row.model}`, { kind: "input", ...row, updatedAtMs });
        }
      }
      if (unsaved.size === 0) return;
      const saving = [...unsaved];
      try {
        await store.saveLearned(saving.map(([, row]) => row));
        for (const [key, row] of saving) if (unsaved.get(key) === row) unsaved.delete(key);
      } catch (error) {
        // Kept for the next time; whoever waits for the disk hears of it elsewhere.
        log.warn("learned.unsaved", { rows: saving.length, error });
      }
    },
  };
}

type Kind<L> = {
  readonly kind: LearnedRow["kind"];
  /** null: of nobody who exists. */
  readonly ownerOf: (row: LearnedRow) => string | null;
  /** As many as an actor keeps; older ones make room. */
  readonly rowsMax: number;
  readonly restore: (rows: readonly LearnedRow[]) => {
    readonly learned: L;
    readonly ignored: readonly string[];
  };
};

/** The rows of one kind by their owner, each as its actor wants it. */
function restored<L>(log: Log, rows: readonly LearnedRow[], of: Kind<L>): Map<string, L> {
  const { kind, ownerOf, rowsMax, restore } = of;
  const byOwner = new Map<string, LearnedRow[]>();
  for (const row of rows.toSorted((one, other) => one.updatedAtMs - other.updatedAtMs)) {
    const owner = row.kind === kind ? ownerOf(row) : null;
    if (owner === null) continue;
    const own = byOwner.get(owner) ?? [];
    own.push(row);
    byOwner.set(owner, own);
  }
  const learned = new Map<string, L>();
  for (const [owner, own] of byOwner) {
    const { learned: structure, ignored } = restore(own.slice(-rowsMax));
    learned.set(owner, structure);
    if (ignored.length > 0) log.warn("learned.unreadable", { kind, owner, ignored });
  }
  return learned;
}

function ofOwner<K, V>(byOwner: Map<string, Map<K, V>>, owner: string): Map<K, V> {
  let learned = byOwner.get(owner);
  if (learned === undefined) {
    learned = new Map();
    byOwner.set(owner, learned);
  }
  return learned;
}

/**
 * What was learned about sizes of answers and inputs and of how providers serve, across actors and
 * restarts: read once at start, handed to each actor as a whole (the actor goes on learning in it),
 * and saved from time to time. Losing the last seconds of it costs nothing but a little precision.
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
import {
  restoreServices,
  takeChangedServices,
  type LearnedServices,
} from "../../actors/policy/service.ts";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Store } from "../store/contract.ts";
import type { LearnedRow } from "../store/money-contract.ts";
import type { Log } from "../telemetry/log.ts";

export interface Learned {
  /** Output sizes of a tenant's access tokens; the same object each time, owned by its actor. */
  readonly outputsOf: (tenantId: string) => LearnedOutputs;
  /** Input sizes at a provider, likewise. */
  readonly inputsOf: (providerId: string) => LearnedInputs;
  /** How a provider's families of models serve, likewise. */
  readonly servicesOf: (providerId: string) => LearnedServices;
  /** Writes what has changed; never rejects. */
  readonly save: () => Promise<void>;
}

export async function loadLearned(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** null when there is no such access token any more. */
  readonly tenantOf: (tokenId: string) => string | null;
}): Promise<Learned> {
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
  const services = restored(log, rows, {
    kind: "service",
    ownerOf: ({ ownerId }) => ownerId,
    rowsMax: LIMITS.providerFamiliesMax + 1,
    restore: restoreServices,
  });
  /** Rows that a broken disk did not take, by what they are about. */
  const unsaved = new Map<string, LearnedRow>();

  return {
    outputsOf: (tenantId) => ofOwner(outputs, tenantId),
    inputsOf: (providerId) => ofOwner(inputs, providerId),
    servicesOf: (providerId) => ofOwner(services, providerId),
    save: async () => {
      const updatedAtMs = clock.nowMs();
      const note = (kind: LearnedRow["kind"], changed: readonly ChangedRow[]): void => {
        for (const row of changed) {
          unsaved.set(`${kind} ${row.ownerId} ${row.model}`, { kind, ...row, updatedAtMs });
        }
      };
      for (const of of outputs.values()) note("output", takeChangedOutputs(of));
      for (const [id, of] of inputs) note("input", takeChangedInputs(of, id));
      for (const [id, of] of services) note("service", takeChangedServices(of, id));
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

type ChangedRow = Pick<LearnedRow, "ownerId" | "model" | "state">;

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

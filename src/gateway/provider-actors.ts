/**
 * The provider actors by id and by name, each beside its row and its credential in plain text (in
 * memory only). An edit or a failed actor starts a fresh one; attempts under way keep the old entry.
 */
import type { ProviderHandle } from "../../actors/provider.ts";
import { startProvider } from "../../actors/provider.ts";
import type { Clock } from "../base/clock.ts";
import type { ProviderRow } from "../store/contract.ts";
import { outputCapMember, type OutputCapMember } from "./quirks.ts";
import type { Log } from "../telemetry/log.ts";

export type ProviderEntry = {
  readonly row: ProviderRow;
  readonly handle: ProviderHandle;
  readonly credential: string | null;
  /** The member in which this provider takes an output limit. */
  readonly outputCapMember: OutputCapMember;
};

export interface ProviderActors {
  readonly byId: (id: string) => ProviderEntry | null;
  readonly byName: (name: string) => ProviderEntry | null;
  readonly all: () => Iterable<ProviderEntry>;
  /** Follows a committed write: `row` null removes. */
  readonly apply: (id: string, row: ProviderRow | null) => void;
  readonly stop: () => void;
}

export function createProviderActors(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly unseal: (row: ProviderRow) => string | null;
}): ProviderActors {
  const { clock, log, unseal } = deps;
  const entries = new Map<string, ProviderEntry>();
  const names = new Map<string, ProviderEntry>();

  const start = (row: ProviderRow): ProviderHandle => {
    const input = { providerId: row.id, maxConcurrent: row.maxConcurrent, atMs: clock.nowMs() };
    const handle = startProvider(input, (error) => {
      log.error("provider.actor.failed", { provider: row.name, error });
      // Its memory (breaker, statistics) is gone; the provider goes on with a fresh one.
      const entry = entries.get(row.id);
      if (entry?.handle === handle) put({ ...entry, handle: start(entry.row) });
    });
    return handle;
  };
  const put = (entry: ProviderEntry): void => {
    entries.set(entry.row.id, entry);
    names.set(entry.row.name, entry);
  };
  /** An edit keeps the actor, and with it slots, breaker and cooldown, unless it is another server. */
  const handleFor = (row: ProviderRow, old: ProviderEntry | undefined): ProviderHandle => {
    const isSame = old?.row.baseUrl === row.baseUrl && old.row.maxConcurrent === row.maxConcurrent;
    return isSame && old.handle.isAlive() ? old.handle : start(row);
  };
  const entryFor = (row: ProviderRow, old: ProviderEntry | undefined): ProviderEntry => {
    const handle = handleFor(row, old);
    const member = outputCapMember(row.baseUrl);
    try {
      return { row, handle, credential: unseal(row), outputCapMember: member };
    } catch (error) {
      // One damaged credential must not keep the others from serving.
      log.error("provider.credential.unusable", { provider: row.name, error });
      return { row: { ...row, enabled: false }, handle, credential: null, outputCapMember: member };
    }
  };

  return {
    byId: (id) => entries.get(id) ?? null,
    byName: (name) => names.get(name) ?? null,
    all: () => entries.values(),
    apply: (id, row) => {
      const old = entries.get(id);
      if (old !== undefined) {
        entries.delete(id);
        names.delete(old.row.name);
      }
      if (row !== null) put(entryFor(row, old));
    },
    stop: () => {
      for (const entry of entries.values()) entry.handle.stop();
    },
  };
}

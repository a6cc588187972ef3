/**
 * How loaded this process is: its event loop as far as it is late by its own work, its memory against
 * what there is for it, and the ledger's queue. The memory that there is for it is its container's bound
 * where it runs in one, else a share of the machine's: others live there too.
 */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Store } from "../../store/contract.ts";
import type { Load } from "./shed.ts";

/** Of a machine's memory, where no container bounds it. */
const MACHINE_SHARE = 0.75;

/** Where Linux says what a container may use: control groups of version 2, then 1. */
const CONTAINER_BOUNDS = [
  "/sys/fs/cgroup/memory.max",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes",
] as const;

export function createLoad({ ledger }: Pick<Store, "ledger">): Load {
  const boundBytes = memoryBoundBytes(totalmem(), CONTAINER_BOUNDS.map(contentOf));
  let before = process.cpuUsage();
  return {
    read: (lateMs) => ({
      loopDelayMs: Math.min(lateMs, usedMs()),
      memoryShare: process.memoryUsage.rss() / boundBytes,
      ledgerAgeMs: ledger.waitingHolds().oldestMs,
    }),
    waitingHolds: ledger.waitingHolds,
  };

  /** CPU time since the reading before: of what others take of the machine no refusal of ours gives any back. */
  function usedMs(): number {
    const used = process.cpuUsage(before);
    before = process.cpuUsage();
    return (used.user + used.system) / 1_000;
  }
}

/** The first of the containers' words that is a number and tighter than the machine itself. */
export function memoryBoundBytes(
  machineBytes: number,
  containerWords: readonly (string | null)[],
): number {
  for (const word of containerWords) {
    // Version 2 says "max", version 1 a number beyond every machine, where there is no bound.
    const bytes = word === null ? Number.NaN : Number(word.trim());
    if (bytes > 0 && bytes < machineBytes) return bytes;
  }
  return machineBytes * MACHINE_SHARE;
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not in such a container, or not allowed to look.
    return null;
  }
}
